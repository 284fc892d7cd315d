"""``napari-cotracker train``: train a compact network on generated scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from napari_cotracker.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let the trainer describe its own arguments."""
    from napari_cotracker.training.run import add_arguments as add_training_arguments

    add_training_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Train until the time is up."""
    from napari_cotracker.training.run import run as run_training

    return run_training(args)
