"""``napari-cotracker train``: time-boxed, resumable, with validation and export."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from napari_cotracker.errors import InputError
from napari_cotracker.model.checkpoint import fit_weights, read_state_dict
from napari_cotracker.model.config import COTRACKER3_PRESETS
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.model.memory import ask_for_huge_pages, keep_freed_memory
from napari_cotracker.training.calibration import calibrate
from napari_cotracker.training.checkpoints import LAST, load_checkpoint
from napari_cotracker.training.export import export_weights, read_history
from napari_cotracker.training.loop import Limits, Trainer
from napari_cotracker.training.options import STAGES, TrainOptions
from napari_cotracker.training.processes import run_processes
from napari_cotracker.training.validation import validate
from napari_cotracker.training.widening import widened

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    default = TrainOptions()
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--stage", choices=sorted(STAGES), default=default.stage)
    parser.add_argument(
        "--preset", choices=sorted(COTRACKER3_PRESETS), default=default.preset
    )
    parser.add_argument("--minutes", type=float, help="stop after this long")
    parser.add_argument("--steps", type=int, help="stop after this many steps")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --out"
    )
    parser.add_argument("--weights", type=Path, help="start from finished weights")
    parser.add_argument(
        "--unlabelled",
        type=Path,
        metavar="FOLDER",
        help="recordings to learn from, for --stage self",
    )
    parser.add_argument(
        "--cooldown",
        action="store_true",
        help="let the learning rate fall to 0 over this run",
    )
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--device", default=default.device)
    parser.add_argument(
        "--workers",
        type=int,
        help="processes that render clips (default: 1 on a CPU, else cores - 1)",
    )
    parser.add_argument(
        "--compile", action="store_true", help="let torch compile the network"
    )
    parser.add_argument(
        "--threads", type=int, help="CPU threads of the network, per process"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="train in N processes that average their gradients (one per core or GPU)",
    )
    parser.add_argument("--export", type=Path, help="write weights here at the end")
    parser.add_argument(
        "--calibrate",
        type=int,
        default=0,
        metavar="N",
        help="fit confidence to N generated clips per split before the export",
    )
    parser.add_argument(
        "--validate",
        type=int,
        default=0,
        metavar="N",
        help="clips per split",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    _check(args)
    if args.processes > 1:
        ask_for_huge_pages()
        run_processes(args.processes, _train, args)
    else:
        _train(args)
    if args.calibrate or args.validate or args.export:
        _finish(args)
    return 0


def _train(args: argparse.Namespace) -> None:
    """Train, alone or as one of several processes."""
    if args.threads:
        torch.set_num_threads(args.threads)
    elif args.processes > 1:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // args.processes))
    options = TrainOptions(
        stage=args.stage,
        preset=args.preset,
        seed=args.seed,
        device=args.device,
        workers=_workers(args.device) if args.workers is None else args.workers,
        compile=args.compile,
        unlabelled=args.unlabelled,
    )
    if torch.device(args.device).type == "cpu":
        keep_freed_memory(all_of_it=True)
    trainer = Trainer(options)
    if args.resume:
        trainer.resume(args.out)
    elif args.weights:
        weights = widened(read_state_dict(args.weights), trainer.model)
        fitting = fit_weights(weights, trainer.model, args.weights.name)
        trainer.start_from(fitting, read_history(args.weights))
    trainer.run(Limits(args.minutes, args.steps, args.cooldown), args.out)


def _finish(args: argparse.Namespace) -> None:
    """Calibrate, measure and export the averaged weights, as far as asked."""
    model = CoTracker3(COTRACKER3_PRESETS[args.preset])
    model.load_state_dict(load_checkpoint(args.out)["average"])
    if args.calibrate:
        model.confidence_fit = calibrate(model, args.calibrate)
    metrics = _measure(model, args.validate) if args.validate else {}
    if args.export:
        export_weights(
            args.out,
            args.export,
            preset=args.preset,
            seed=args.seed,
            metrics=metrics,
            confidence_fit=model.confidence_fit,
        )


def _workers(device: str) -> int:
    """Keep an accelerator fed; leave a CPU to the network."""
    if torch.device(device).type == "cpu":
        return TrainOptions().workers
    return max(1, (os.cpu_count() or 2) - 1)


def _check(args: argparse.Namespace) -> None:
    if args.minutes is None and args.steps is None:
        raise InputError("Give --minutes or --steps, so that the run has an end.")
    if STAGES[args.stage].unlabelled and args.unlabelled is None:
        raise InputError(
            f"Stage '{args.stage}' learns from recordings; "
            "name their folder with --unlabelled."
        )
    if args.resume and args.weights:
        raise InputError("Give --resume or --weights, not both.")
    if not args.resume and (args.out / LAST).exists():
        raise InputError(
            f"{args.out} holds an earlier run; add --resume to go on with it, "
            "or name another folder with --out."
        )


def _measure(model: CoTracker3, clips: int) -> dict[str, dict[str, float]]:
    report = validate(model, clips=clips)
    print("\n".join(report.lines()))
    return report.summary()
