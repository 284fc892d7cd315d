"""``napari-cotracker benchmark``: speed and memory, as ratios."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from napari_cotracker.benchmark.report import Figure
    from napari_cotracker.cli.console import Console

PARTS = ("networks", "recordings", "corrections", "memory")
# What takes long, and networks and memory bit by bit.
EXTRAS = ("compile", "long")
PIECES = ("rate", "online", "bf16", "compact", "memory-online", "memory-offline")
CHOICES = PARTS + EXTRAS + PIECES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"of {', '.join(CHOICES)}; default: the first four",
    )
    parser.add_argument("--model", default="compact", help="of recordings and memory")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's)")
    parser.add_argument("--frames", type=int, default=48, help="of a network's clip")
    parser.add_argument("--video", help="recording that corrections are timed on")
    parser.add_argument("--runs", type=int, default=3, help="the median is taken")


def run(args: argparse.Namespace, console: Console) -> int:
    """Measure part by part; figures appear as they are known."""
    from napari_cotracker.benchmark.rates import use_threads
    from napari_cotracker.benchmark.report import format_figures
    from napari_cotracker.errors import InputError

    unknown = [part for part in args.parts if part not in CHOICES]
    if unknown:
        raise InputError(
            f"There is no part '{unknown[0]}'; choose of {', '.join(CHOICES)}."
        )
    if args.frames < 1 or args.runs < 1:
        raise InputError("--frames and --runs must be 1 or more.")
    threads = use_threads(args.threads)
    figures = []
    for part in args.parts or PARTS:
        console.say(f"{part} ({threads} threads)")
        for figure in _figures(part, args):
            figures.append(figure)
            console.say("  " + format_figures([figure]))
    if args.json:
        console.report([asdict(x) | {"met": x.met} for x in figures], [])
    return 0


def _figures(part: str, args: argparse.Namespace) -> Iterator[Figure]:
    from napari_cotracker.benchmark import corrections, memory, networks, recordings
    from napari_cotracker.tracking.models import pick_device

    device = pick_device(args.device)
    load = networks.Load(frames=args.frames, runs=args.runs)
    measures: dict[str, Callable[[], Iterator[Figure]]] = {
        "networks": lambda: networks.measure_networks(device, load),
        "compile": lambda: networks.measure_compilation(device, load),
        "recordings": lambda: recordings.measure_recordings(args.model, args.device),
        "corrections": lambda: corrections.measure_corrections(
            args.model, args.device, args.video
        ),
        "memory": lambda: memory.measure_memory(args.model),
        "memory-online": lambda: memory.measure_online(args.model),
        "memory-offline": memory.measure_offline,
        "long": lambda: memory.measure_long_run(args.model),
    }
    for name, measure in networks.PARTS.items():
        measures[name] = partial(measure, device, load)
    return measures[part]()
