"""``napari-cotracker evaluate``: score a model on labelled or generated clips."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.cli.options import add_flags, chosen
from napari_cotracker.cli.track import add_model_flags, load_chosen
from napari_cotracker.errors import InputError
from napari_cotracker.tracking.options import TrackingOptions

if TYPE_CHECKING:
    import argparse

    from napari_cotracker.cli.console import Console
    from napari_cotracker.evaluation.interventions.annotator import Effort

# Below, scenes have no room for what is drawn in them.
SMALLEST_CLIP = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.add_argument(
        "clips",
        type=Path,
        nargs="*",
        help="folders with labels.csv and source.json, or folders of such folders; "
        "with --protocol cycle recordings of any kind",
    )
    parser.add_argument(
        "--synthetic",
        type=int,
        nargs="?",
        const=8,
        metavar="N",
        help="score N generated clips of every validation split in place of folders",
    )
    parser.add_argument(
        "--points",
        type=int,
        metavar="N",
        help="with --synthetic: follow only N points of each clip (default: all 64)",
    )
    parser.add_argument(
        "--anchors",
        type=int,
        metavar="N",
        help="with --synthetic: label every point on N of the first 24 frames and "
        "score the next 24 (default: 24 frames, the first where it is seen labelled)",
    )
    parser.add_argument(
        "--between",
        action="store_true",
        help="with --synthetic: label every point where it is first and last seen in "
        "48 frames, and score what lies between",
    )
    parser.add_argument(
        "--size",
        type=int,
        metavar="PIXELS",
        help="with --synthetic: side of the clips (default: 192; scores of different "
        "sizes do not compare)",
    )
    parser.add_argument(
        "--protocol",
        choices=("accuracy", "interventions", "cycle"),
        default="accuracy",
        help="interventions: count clicks and waiting until all labels are right; "
        "cycle: without labels, follow points there and back",
    )
    parser.add_argument(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="with --horizon: only labels on every Nth frame are queries (default: 1)",
    )
    parser.add_argument(
        "--without-baselines",
        action="store_true",
        help="leave optical flow out; quicker",
    )
    add_model_flags(parser)
    add_flags(parser, TrackingOptions)


def run(args: argparse.Namespace, console: Console) -> int:
    """Score clip after clip, then print one table."""
    if (args.synthetic is None) == (not args.clips):
        raise InputError("Give folders of labelled clips, or --synthetic; one of them.")
    if args.synthetic is not None:
        return _run_synthetic(args, console)
    if args.protocol == "interventions":
        return _run_interventions(args, console)
    if args.protocol == "cycle":
        return _run_cycle(args, console)
    from napari_cotracker.evaluation.labelled import find_labelled_clips
    from napari_cotracker.evaluation.run import format_table, score_clips

    if args.every < 1:
        raise InputError(f"--every is {args.every}; expected 1 or more frames.")
    options = TrackingOptions(**chosen(args, TrackingOptions))
    clips = [clip for folder in args.clips for clip in find_labelled_clips(folder)]
    model = load_chosen(args, args.model, options.dtype)
    scores = []
    with console.progress("scoring", unit="clip") as bar:
        for score in score_clips(
            clips,
            model,
            options=options,
            baselines=not args.without_baselines,
            every=args.every,
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


def _run_interventions(args: argparse.Namespace, console: Console) -> int:
    """Let a simulated person correct clip after clip."""
    from napari_cotracker.evaluation.interventions.annotator import efforts_of
    from napari_cotracker.evaluation.interventions.report import report
    from napari_cotracker.evaluation.labelled import find_labelled_clips

    options = TrackingOptions(**chosen(args, TrackingOptions))
    clips = [clip for folder in args.clips for clip in find_labelled_clips(folder)]
    model = load_chosen(args, args.model, options.dtype)
    efforts: list[Effort] = []
    with console.progress("correcting", unit="clip") as bar:
        for done, clip in enumerate(clips, 1):
            efforts += efforts_of(
                clip, model, options, baselines=not args.without_baselines
            )
            bar.show(done, len(clips))
    console.report(*report(efforts))
    return 0


def _run_cycle(args: argparse.Namespace, console: Console) -> int:
    """Follow points of recordings there and back."""
    from napari_cotracker.evaluation.cycle import score_recording, table_of

    options = TrackingOptions(**chosen(args, TrackingOptions))
    model = load_chosen(args, args.model, options.dtype)
    cycles = []
    with console.progress("following", unit="recording") as bar:
        for done, path in enumerate(args.clips, 1):
            cycles += score_recording(path, model, options)
            bar.show(done, len(args.clips))
    console.report([asdict(cycle) for cycle in cycles], table_of(cycles))
    return 0


def _run_synthetic(args: argparse.Namespace, console: Console) -> int:
    """Score every validation split of the scene generator."""
    from napari_cotracker.evaluation.dense import followed
    from napari_cotracker.evaluation.dense_report import DenseReport
    from napari_cotracker.training.scenes import SPLITS, VALIDATION_VERSION
    from napari_cotracker.training.scenes.validation import FRAMES
    from napari_cotracker.training.validation import SIZE, truths

    for name, least in (("points", 1), ("anchors", 1), ("size", SMALLEST_CLIP)):
        given = getattr(args, name)
        if given is not None and given < least:
            raise InputError(f"--{name} is {given}; expected {least} or more.")
    side = SIZE if args.size is None else args.size
    options = TrackingOptions(**chosen(args, TrackingOptions))
    follow = followed(load_chosen(args, args.model, options.dtype), options)
    report = DenseReport()
    if args.between and args.anchors is not None:
        raise InputError("--between and --anchors place labels; give one of them.")
    # The second half is scored, or as much more lies between.
    frames = 2 * FRAMES if args.between or args.anchors is not None else FRAMES
    with console.progress("scoring", unit="split") as bar:
        for split in SPLITS:
            clips = truths(split, args.synthetic, (side, side), frames=frames)
            if args.points is not None:
                clips = (clip.part(args.points) for clip in clips)
            if args.anchors is not None:
                clips = (clip.labelled_on(args.anchors) for clip in clips)
            if args.between:
                clips = (clip.labelled_at_both_ends() for clip in clips)
            report.add(split, clips, follow, baselines=not args.without_baselines)
            bar.show(len(report.splits), len(SPLITS))
    result = {"version": VALIDATION_VERSION, "size": side} | report.as_dict()
    console.report(result, report.lines())
    return 0
