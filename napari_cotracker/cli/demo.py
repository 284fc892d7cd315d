"""``napari-cotracker demo``: the whole path on the bundled clip, without a screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.cli.following import follow
from napari_cotracker.cli.interrupts import finishing_first
from napari_cotracker.cli.outputs import write_or_rescue
from napari_cotracker.cli.result import errors_px, exit_code_of, summarise
from napari_cotracker.cli.track import add_model_flags, load_chosen
from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    import argparse

    from napari_cotracker.cli.console import Console
    from napari_cotracker.cli.following import Outcome
    from napari_cotracker.sample import SampleClip
    from napari_cotracker.video import FrameSource

TRACKS, QUERIES, OVERLAY, STRIP, SUMMARY = (
    "tracks.csv",
    "queries.csv",
    "overlay.mp4",
    "strip.png",
    "demo.json",
)
STRIP_FRAMES = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.add_argument(
        *("--out", "-o"),
        metavar="DIR",
        type=Path,
        default=Path("napari-cotracker-demo"),
        help="folder for the results (default: napari-cotracker-demo); an earlier "
        "demo in it is replaced",
    )
    add_model_flags(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Track the sample clip, compare with its truth, and leave files to look at."""
    prepare_folder(args.out)
    from napari_cotracker.sample import sample_clip
    from napari_cotracker.tracking import track_iter
    from napari_cotracker.video import open_video

    clip = sample_clip()
    with open_video(clip.video) as source:
        console.say(source.describe())
        model = load_chosen(args, args.model, "auto")
        with finishing_first(console.complain) as at_once:
            steps = track_iter(source, clip.queries, model)
            outcome = follow(steps, console, at_once)
            result = {"video": str(clip.video), "model": args.model}
            result |= summarise(outcome) | compare(outcome, clip)
            result["files"] = save(args.out, outcome, clip, source)
    write_or_rescue(
        lambda path: path.write_text(json.dumps(result, indent=1), encoding="utf-8"),
        args.out / SUMMARY,
    )
    console.report_run(result)
    return exit_code_of(outcome, console)


def prepare_folder(folder: Path) -> None:
    """Make the folder; refuse one whose files are not those of an earlier demo.

    Raises
    ------
    InputError
        The folder cannot be made, or holds somebody's results.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be made ({error.strerror}); choose another."
        ) from error
    present = [
        name for name in (TRACKS, QUERIES, OVERLAY, STRIP) if (folder / name).exists()
    ]
    if present and not (folder / SUMMARY).exists():
        raise InputError(
            f"{folder} already holds {present[0]}, which is not from a demo; choose "
            "another folder with --out."
        )


def compare(outcome: Outcome, clip: SampleClip) -> dict[str, Any]:
    """Return the error against the exact truth, in pixels of the clip."""
    if outcome.tracks is None:
        return {}
    distances = errors_px(outcome.tracks, clip.truth)
    still = np.linalg.norm(clip.truth.xy - clip.queries.xy, axis=-1)
    return {
        "error_px_median": round(float(np.median(distances)), 3),
        "error_px_mean": round(float(distances.mean()), 3),
        "within_4_px": round(float((distances < 4).mean()), 4),
        "still_point_error_px_median": round(
            float(np.median(still[clip.truth.visible])), 3
        ),
    }


def save(
    folder: Path, outcome: Outcome, clip: SampleClip, source: FrameSource
) -> dict[str, str]:
    """Write the tracks, the queries and two pictures of the result.

    Returns
    -------
    files : dict
        What was written.
    """
    from napari_cotracker.io import save_queries, save_tracks
    from napari_cotracker.overlay import write_overlay, write_strip

    tracks = outcome.tracks
    if tracks is None:
        return {}
    writers = {
        TRACKS: lambda path: save_tracks(tracks, path, overwrite=True),
        QUERIES: lambda path: save_queries(clip.queries, path, overwrite=True),
        OVERLAY: lambda path: write_overlay(source, tracks, path, overwrite=True),
        STRIP: lambda path: write_strip(
            source, tracks, path, STRIP_FRAMES, overwrite=True
        ),
    }
    for name, write in writers.items():
        write_or_rescue(write, folder / name)
    return {name.partition(".")[0]: str(folder / name) for name in writers}
