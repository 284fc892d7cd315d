"""Choose the command, run it, and turn errors into one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from contextlib import nullcontext
from io import TextIOWrapper
from typing import TYPE_CHECKING

from napari_cotracker import __version__
from napari_cotracker.cli.console import Console
from napari_cotracker.cli.interrupts import termination_as_ctrl_c
from napari_cotracker.cli.parser import Parser
from napari_cotracker.errors import CoTrackerError, TrackingError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    Command = Callable[[argparse.Namespace, Console], int]

FAILURE, BAD_INPUT, INTERRUPTED = 1, 2, 130
MACHINE_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EIO}

COMMANDS = {
    "demo": "track the bundled sample clip without a screen",
    "track": "track query points through a recording",
    "render": "draw tracks over their recording",
    "convert": "turn tracks or points of one format into another",
    "models": "list the known models",
    "evaluate": "score a model on labelled clips, beside what a user has anyway",
    "benchmark": "measure speed and memory on this machine, as ratios",
    "train": "train a compact model on generated scenes",
}


def build_parser() -> Parser:
    """Return the parser; each command fills in its own part when it is chosen."""
    parser = Parser(
        prog="napari-cotracker",
        description="Follow points through a video. Without a command: open napari.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--demo", action="store_true", help="open napari with the sample clip"
    )
    parser.set_defaults(module="napari_cotracker.cli.window", quiet=False, json=False)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)
    for name, summary in COMMANDS.items():
        commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            module=f"napari_cotracker.cli.{name}",
        )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments without the program's name; None = those of the process.

    Returns
    -------
    int
        The exit code; see the package docstring.
    """
    console = Console()
    # Programs without a console, and those started with 2>&-, have none.
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        # A name that the screen's encoding lacks is shown with escapes.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        args = build_parser().parse_args(argv)
        console = Console(quiet=args.quiet, json=args.json)
        with warnings.catch_warnings():
            warnings.showwarning = lambda text, *_, **__: console.warn(str(text))
            with nullcontext() if _ends_itself(args) else termination_as_ctrl_c():
                return _command(args.module)(args, console)
    except CoTrackerError as error:
        console.complain(str(error))
        return exit_code(error)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; the flush at exit would
        # complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except OSError as error:
        console.complain(str(error))
        return FAILURE
    except KeyboardInterrupt:
        console.complain("Stopped.")
        return INTERRUPTED


def exit_code(error: CoTrackerError) -> int:
    """Return 2 where other input would have helped, 1 where the run itself failed.

    A full disk arrives wrapped in one of our errors; what was given was fine then.
    """
    if isinstance(error, TrackingError) or type(error) is CoTrackerError:
        return FAILURE
    cause = error.__cause__
    broke = isinstance(cause, OSError) and cause.errno in MACHINE_FAULTS
    return FAILURE if broke else BAD_INPUT


def _ends_itself(args: argparse.Namespace) -> bool:
    # Qt's loop would not hear of it; the trainer has processes that are ended by it.
    return args.module.rpartition(".")[2] in ("window", "train")


def _command(module: str) -> Command:
    from importlib import import_module

    command: Command = import_module(module).run
    return command
