"""``napari-cotracker track``: follow query points through a recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.cli.following import follow
from napari_cotracker.cli.options import add_flags, chosen
from napari_cotracker.cli.outputs import (
    check_apart,
    check_output,
    check_video_output,
    write_or_rescue,
)
from napari_cotracker.cli.recording import add_reading_flags
from napari_cotracker.cli.result import exit_code_of, summarise
from napari_cotracker.tracking.options import TrackingOptions

if TYPE_CHECKING:
    import argparse

    from napari_cotracker.cli.console import Console
    from napari_cotracker.tracks import Tracks
    from napari_cotracker.video import FrameSource


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    add = parser.add_argument
    add("video", metavar="VIDEO", type=Path, help="mp4, avi, mov, ... or TIFF stack")
    add(
        *("--queries", "-q"),
        metavar="CSV",
        type=Path,
        required=True,
        help="points to follow: columns track,frame,x,y and optionally name",
    )
    add(
        *("--out", "-o"),
        metavar="TRACKS",
        type=Path,
        required=True,
        help="where the tracks go; the suffix names the format",
    )
    add("--format", metavar="NAME", help="format of TRACKS, if not by its suffix")
    add("--overlay", metavar="MP4", type=Path, help="also draw the tracks on a video")
    add("--overwrite", action="store_true", help="replace existing outputs")
    add_model_flags(parser)
    add_reading_flags(parser)
    add_flags(parser, TrackingOptions)


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a network and of where it runs."""
    parser.add_argument(
        *("--model", "-m"),
        default="compact",
        help="name of a model, or path of a checkpoint (default: compact)",
    )
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Check everything that can be checked, track, and save."""
    options = TrackingOptions(**chosen(args, TrackingOptions))
    check_outputs(args)
    from napari_cotracker.io import load_queries
    from napari_cotracker.video import open_video

    queries = load_queries(args.queries)
    source = open_video(
        args.video,
        contrast_limits=options.contrast_limits,
        channels=options.channels,
        axes=args.axes,
        plane=args.plane,
        fps=args.fps,
    )
    with source:
        console.say(source.describe())
        queries.check_inside(len(source), source.size)
        from napari_cotracker.tracking import track_iter
        from napari_cotracker.tracking.models import load_model

        model = load_model(args.model, device=args.device, dtype=options.dtype)
        # The source was opened with these two already.
        rest = replace(options, contrast_limits=None, channels=None)
        outcome = follow(track_iter(source, queries, model, rest), console)
        if outcome.tracks is not None:
            save(outcome.tracks, source, args)
        result = {
            "video": str(args.video),
            "shown": source.describe(),
            "contrast_limits": source.contrast_limits,
            "model": args.model,
            **summarise(outcome),
        }
    if outcome.tracks is not None:
        result["out"] = str(args.out)
        if args.overlay is not None:
            result["overlay"] = str(args.overlay)
    console.report_run(result)
    return exit_code_of(outcome, console)


def check_outputs(args: argparse.Namespace) -> None:
    """Refuse outputs that could not be written, before anything is computed.

    Raises
    ------
    InputError, FormatError
        Existing or impossible files, unknown formats, or outputs that would
        overwrite an input.
    """
    from napari_cotracker.io.registry import format_of

    check_output(args.out, overwrite=args.overwrite)
    format_of(args.out, args.format)
    if args.overlay is not None:
        check_video_output(args.overlay, overwrite=args.overwrite)
    check_apart((args.out, args.overlay), (args.video, args.queries))


def save(tracks: Tracks, source: FrameSource, args: argparse.Namespace) -> None:
    """Write the tracks, then the overlay.

    Raises
    ------
    CoTrackerError
        Something could not be written; the message says where it is instead.
    """
    from napari_cotracker.io import save_tracks

    def write(path: Path) -> None:
        save_tracks(tracks, path, args.format, overwrite=args.overwrite)

    write_or_rescue(write, args.out)
    if args.overlay is not None:
        from napari_cotracker.overlay import write_overlay

        def draw(path: Path) -> None:
            write_overlay(source, tracks, path, overwrite=args.overwrite)

        write_or_rescue(draw, args.overlay)
