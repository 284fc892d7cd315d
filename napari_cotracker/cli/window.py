"""No command: open napari with the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from napari_cotracker.cli.console import Console


def run(args: argparse.Namespace, console: Console) -> int:
    """Open the viewer and return when it is closed."""
    from napari_cotracker.widgets.launch import launch

    console.say("Opening napari ...")
    launch(demo=args.demo)
    return 0
