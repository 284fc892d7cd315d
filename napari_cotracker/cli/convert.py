"""``napari-cotracker convert``: tracks or points from one format into another."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cotracker.cli.outputs import check_apart, check_output
from napari_cotracker.cli.recording import add_channels_flag, add_reading_flags
from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    import argparse
    from contextlib import AbstractContextManager

    from napari_cotracker.cli.console import Console
    from napari_cotracker.video import FrameSource


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    from napari_cotracker.io import formats

    names = ", ".join(each.name for each in formats())
    add = parser.add_argument
    add("source", metavar="IN", type=Path, help="the file to read")
    add("out", metavar="OUT", type=Path, help="the file to write")
    add("--from", dest="source_format", metavar="F", help=f"format of IN: {names}")
    add("--to", dest="out_format", metavar="F", help="format of OUT, alike")
    add(
        "--video",
        metavar="V",
        type=Path,
        help="the recording: for frame rate, times and size where IN lacks them",
    )
    add(
        "--queries",
        action="store_true",
        help="take the points placed by hand (if none, all visible ones) as points to "
        "follow; OUT.csv is then a file for 'track --queries'",
    )
    add("--overwrite", action="store_true", help="replace an existing output")
    add_reading_flags(parser)
    add_channels_flag(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Check both formats, read, write, and say what was lost."""
    from napari_cotracker.io import format_of

    target = format_of(args.out, args.out_format)
    check_output(args.out, overwrite=args.overwrite, folder=target.folder)
    check_apart([args.out], [args.source, *([args.video] if args.video else [])])
    convert = _convert_queries if args.queries else _convert_tracks
    counts, losses = convert(args)
    result = {"in": str(args.source), "out": str(args.out), "format": target.name}
    console.report({**result, **counts, "lost": losses}, _lines(args, counts, losses))
    return 0


def _convert_tracks(args: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from napari_cotracker.io import save_tracks
    from napari_cotracker.overlay import check_fit
    from napari_cotracker.project.tracks_format import load_tracks

    with _recording(args) as video:
        facts: dict[str, Any] = {}
        if video is not None:
            facts = {"fps": video.fps, "size": video.size, "times": video.times}
        tracks = load_tracks(args.source, args.source_format, **facts)
        if video is not None:
            check_fit(video, tracks, shorter=True)
    if args.fps is not None:
        tracks = replace(tracks, fps=args.fps, times=None)
    losses = save_tracks(tracks, args.out, args.out_format, overwrite=args.overwrite)
    return {"tracks": tracks.n_tracks, "frames": tracks.n_frames}, list(losses)


def _recording(args: argparse.Namespace) -> AbstractContextManager[FrameSource | None]:
    """Open the recording, if one was named, as the flags say."""
    from napari_cotracker.video import open_video
    from napari_cotracker.video.options import ReadingOptions

    reading = {"axes": args.axes, "plane": args.plane, "channels": args.channels}
    if args.video is not None:
        return open_video(args.video, fps=args.fps, **reading)
    ReadingOptions.given(None, None, None, None, args.fps)
    said = [f"--{key}" for key, value in reading.items() if value is not None]
    if said:
        raise InputError(f"{said[0]} says how a recording is read: add --video V.")
    return nullcontext()


def _convert_queries(args: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from napari_cotracker.io import save_queries
    from napari_cotracker.project.tracks_format import load_queries

    queries = load_queries(args.source, args.source_format)
    losses = save_queries(queries, args.out, args.out_format, overwrite=args.overwrite)
    return {"tracks": len(queries.tracks), "points": len(queries)}, list(losses)


def _lines(
    args: argparse.Namespace, counts: dict[str, Any], losses: list[str]
) -> list[str]:
    amount = ", ".join(f"{value} {key}" for key, value in counts.items())
    lines = [f"{args.source} -> {args.out}: {amount}"]
    return lines + [f"not kept: {loss}" for loss in losses]
