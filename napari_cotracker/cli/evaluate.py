"""``napari-cotracker evaluate``: score a model on labelled clips."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.cli.options import add_flags, chosen
from napari_cotracker.cli.track import add_model_flags
from napari_cotracker.errors import InputError
from napari_cotracker.tracking.options import TrackingOptions

if TYPE_CHECKING:
    import argparse

    from napari_cotracker.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.add_argument(
        "clips",
        type=Path,
        nargs="+",
        help="folders with labels.csv and source.json, or folders of such folders",
    )
    parser.add_argument(
        "--without-baselines",
        action="store_true",
        help="leave Lucas-Kanade out (it needs opencv-python-headless)",
    )
    add_model_flags(parser)
    add_flags(parser, TrackingOptions)


def run(args: argparse.Namespace, console: Console) -> int:
    """Score clip after clip, then print one table."""
    from napari_cotracker.evaluation.labelled import find_labelled_clips
    from napari_cotracker.evaluation.run import format_table, score_clips
    from napari_cotracker.tracking.models import load_model

    options = TrackingOptions(**chosen(args, TrackingOptions))
    clips = [clip for folder in args.clips for clip in find_labelled_clips(folder)]
    model = load_model(args.model, args.device, options.dtype)
    scores = []
    with console.progress("scoring", unit="clip") as bar:
        for score in score_clips(
            clips, model, options=options, baselines=not args.without_baselines
        ):
            scores.append(score)
            bar.show(len(scores), len(clips))
    if not scores:
        raise InputError(
            "No clip has a label to score: each needs a track labelled on two frames "
            "(within the horizon, if one was given)."
        )
    console.report([asdict(score) for score in scores], [format_table(scores)])
    return 0
