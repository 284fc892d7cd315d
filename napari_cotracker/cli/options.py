"""Flags made from the fields of an options dataclass, so that the two never differ."""

from __future__ import annotations

import argparse
import inspect
import re
import types
from dataclasses import MISSING, Field, fields
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "option_"


def add_flags(parser: argparse.ArgumentParser, options: type) -> None:
    """Add one flag per field of a dataclass.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    options : type
        A dataclass with defaults and a numpy docstring.
    """
    hints = get_type_hints(options)
    notes = parameter_notes(options)
    group = parser.add_argument_group("tracking options")
    for field in fields(options):
        shape, meaning = notes.get(field.name, ("", ""))
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            dest=PREFIX + field.name,
            help=_help(field, meaning),
            default=argparse.SUPPRESS,
            **flag_settings(hints[field.name], field.name, shape),
        )


def chosen(args: argparse.Namespace, options: type) -> Mapping[str, Any]:
    """Return the fields that were given on the command line."""
    hints = get_type_hints(options)
    given: dict[str, Any] = {}
    for field in fields(options):
        if hasattr(args, PREFIX + field.name):
            value = getattr(args, PREFIX + field.name)
            is_tuple = get_origin(_without_none(hints[field.name])) is tuple
            given[field.name] = tuple(value) if is_tuple else value
    return given


def flag_settings(hint: Any, name: str, shape: str = "") -> dict[str, Any]:
    """Return what ``add_argument`` needs for a value of this type.

    Raises
    ------
    TypeError
        A field has a type nobody has thought of; tests meet this before users do.
    """
    hint = _without_none(hint)
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(hint) is Literal:
        return {"choices": get_args(hint)}
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        if kinds[-1] is Ellipsis:
            return {"type": kinds[0], "nargs": "+", "metavar": "N"}
        parts = re.findall(r"\w+", shape.partition("(")[2].partition(")")[0])
        names = parts if len(parts) == len(kinds) else ["N"] * len(kinds)
        return {"type": kinds[0], "nargs": len(kinds), "metavar": tuple(names)}
    if hint in (int, float, str):
        return {"type": hint, "metavar": "N" if hint is not str else "TEXT"}
    raise TypeError(f"no flag is known for {name}: {hint}")


def parameter_notes(options: type) -> dict[str, tuple[str, str]]:
    """Read (type, meaning) of every parameter from a numpy docstring."""
    text = inspect.cleandoc(options.__doc__ or "")
    section = re.search(r"Parameters\n-+\n(.*?)(?=\n\n\w+\n-+\n|\Z)", text, re.DOTALL)
    notes: dict[str, tuple[str, str]] = {}
    if section is None:
        return notes
    for block in re.split(r"\n(?=\S)", section.group(1)):
        head, _, body = block.partition("\n")
        names, _, shape = head.partition(" : ")
        meaning = " ".join(body.split())
        notes |= {name.strip(): (shape, meaning) for name in names.split(",")}
    return notes


def _help(field: Field[Any], meaning: str) -> str:
    plain = meaning.replace("``", "'").replace("None = ", "not given = ")
    default = field.default
    if default is not MISSING and default is not None and default is not False:
        plain = f"{plain} (default: {default})".strip()
    return plain.replace("%", "%%")


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else hint
    return hint
