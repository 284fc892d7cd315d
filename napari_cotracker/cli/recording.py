"""Flags that say how a recording is to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_reading_flags(parser: argparse.ArgumentParser) -> None:
    """Add what :func:`open_video` may be told and a file may not say."""
    parser.add_argument("--axes", help="meaning of the axes of a TIFF, such as TCYX")
    parser.add_argument(
        "--plane", metavar="N", type=int, help="which Z plane of a TIFF to follow"
    )
    parser.add_argument(
        "--fps",
        metavar="RATE",
        type=float,
        help="frames per second, where the file does not say so or is wrong",
    )


def add_look_flags(parser: argparse.ArgumentParser) -> None:
    """Add how stored values are shown; ``track`` has these from its options."""
    parser.add_argument(
        "--contrast-limits",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="stored values shown as black and white (not given = chosen and stated)",
    )
    add_channels_flag(parser)


def add_channels_flag(parser: argparse.ArgumentParser) -> None:
    """Add the choice of channels."""
    parser.add_argument(
        "--channels",
        type=int,
        nargs="+",
        metavar="N",
        help="channels shown as red, green and blue; one = grey",
    )
