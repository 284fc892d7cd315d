"""``napari-cotracker render``: tracks drawn over their recording."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.cli.outputs import check_apart, check_video_output
from napari_cotracker.cli.recording import add_look_flags, add_reading_flags
from napari_cotracker.tracking.options import TrackingOptions

if TYPE_CHECKING:
    from napari_cotracker.cli.console import Console
    from napari_cotracker.overlay import Marks
    from napari_cotracker.tracks import Tracks
    from napari_cotracker.video import FrameSource


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    add = parser.add_argument
    add("tracks", metavar="TRACKS", type=Path, help="tracks in any format that is read")
    add("video", metavar="VIDEO", type=Path, help="the recording that was tracked")
    add("out", metavar="OUT.mp4", type=Path, help="the video to write")
    add("--format", metavar="NAME", help="format of TRACKS, if not by its suffix")
    add(
        "--trail",
        metavar="N",
        type=int,
        default=12,
        help="frames that the line behind a point reaches back; 0 = none (default: 12)",
    )
    add(
        "--point-size",
        metavar="PX",
        type=float,
        help="diameter of a point in drawn pixels (not given = by the frame size)",
    )
    add(
        "--names",
        action=argparse.BooleanOptionalAction,
        help="write the names of tracks (not given = for up to 30 tracks)",
    )
    add("--first-frame", metavar="N", type=int, help="first frame to draw, from 0")
    add("--last-frame", metavar="N", type=int, help="last frame to draw, inclusive")
    add("--overwrite", action="store_true", help="replace an existing output")
    add_reading_flags(parser)
    add_look_flags(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Check everything, then draw frame after frame."""
    check_video_output(args.out, overwrite=args.overwrite)
    check_apart([args.out], [args.tracks, args.video])
    from napari_cotracker.overlay import Marks, check_fit
    from napari_cotracker.project.tracks_format import load_tracks
    from napari_cotracker.video import open_video

    radius = None if args.point_size is None else args.point_size / 2
    marks = Marks(trail=args.trail, radius=radius, names=args.names)
    source = open_video(
        args.video,
        contrast_limits=args.contrast_limits,
        channels=args.channels,
        axes=args.axes,
        plane=args.plane,
        fps=args.fps,
    )
    with source:
        console.say(source.describe())
        tracks = load_tracks(args.tracks, args.format, fps=source.fps, size=source.size)
        check_fit(source, tracks, shorter=True)
        span = TrackingOptions(
            first_frame=args.first_frame, last_frame=args.last_frame
        ).frame_range(len(source))
        if tracks.n_frames <= span[1]:
            console.warn(
                f"The tracks end with frame {tracks.n_frames - 1}; later frames are "
                "written without points."
            )
        draw(source, tracks, marks, span, args, console)
        result = {
            "video": str(args.video),
            "shown": source.describe(),
            "tracks": tracks.n_tracks,
            "first_frame": span[0],
            "last_frame": span[1],
            "out": str(args.out),
        }
    console.report_run(result)
    return 0


def draw(
    source: FrameSource,
    tracks: Tracks,
    marks: Marks,
    span: tuple[int, int],
    args: argparse.Namespace,
    console: Console,
) -> None:
    """Write the video; nothing is left of it when it is stopped."""
    from napari_cotracker.overlay import overlay_frames
    from napari_cotracker.video import VideoWriter

    total = span[1] - span[0] + 1
    with (
        VideoWriter(args.out, source.fps, overwrite=args.overwrite) as writer,
        console.progress("drawing", unit="frame") as bar,
    ):
        frames = overlay_frames(source, tracks, marks, span)
        for done, frame in enumerate(frames, 1):
            writer.write(frame)
            bar.show(done, total)
