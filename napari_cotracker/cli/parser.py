"""An argument parser that is filled late and complains in one line."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any, NoReturn

from napari_cotracker.errors import InputError


class Parser(argparse.ArgumentParser):
    """``argparse`` with two changes.

    Parameters
    ----------
    module : str or None
        Command module whose ``add_arguments(parser)`` is called at first use, so that
        a command that is not chosen is not imported.
    **settings
        As for :class:`argparse.ArgumentParser`.
    """

    def __init__(self, *, module: str | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._module = module
        if module is not None:
            self.set_defaults(module=module)

    def parse_known_args(  # type: ignore[override]
        self, args: Any = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Add the command's own arguments, then parse."""
        if self._module is not None:
            import_module(self._module).add_arguments(self)
            add_output_flags(self)
            self._module = None
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the whole usage.

        Raises
        ------
        InputError
            Always; the message names the command's help.
        """
        raise InputError(f"{message} (see '{self.prog} --help')")


def add_output_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every command has."""
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument(
        "--json", action="store_true", help="print the result as one JSON object"
    )
