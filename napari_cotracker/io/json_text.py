"""JSON with checked members."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_WORDS = {str: "text", int: "a whole number", float: "a number", list: "a list"}


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    FormatError
        The file is empty, not JSON in UTF-8, or not an object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FormatError("It is not text in UTF-8; expected a JSON file.") from error
    except RecursionError as error:
        raise FormatError("Its lists are nested too deep to be tracks.") from error
    except ValueError as error:
        raise FormatError(
            f"It is not JSON ({error}); it may be damaged or cut off."
        ) from error
    if not isinstance(document, dict):
        raise FormatError("It is JSON, but not an object {...} of tracks.")
    return document


def member(holder: Any, key: str, kind: type, where: str) -> Any:
    """Return a member of an object, checked for its kind.

    Raises
    ------
    FormatError
        It is missing or of another kind.
    """
    if not isinstance(holder, dict) or key not in holder:
        raise FormatError(f"'{key}' of {where} is missing; it may be another format.")
    value = holder[key]
    kinds = (int, float) if kind is float else kind
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise FormatError(
            f"'{key}' of {where} is {str(value)[:40]!r}; expected {_WORDS[kind]}."
        )
    if kind is int and _too_large(value):
        raise FormatError(f"'{key}' of {where} is too large; expected a whole number.")
    return value


def _too_large(value: Any) -> bool:
    return bool(abs(value) > np.iinfo(np.int64).max)


def numbers(values: Any, what: str) -> npt.NDArray[np.float64]:
    """Return a flat list of finite numbers; null becomes NaN.

    Raises
    ------
    FormatError
        It is something else.
    """
    try:
        plain = [np.nan if value is None else float(value) for value in values]
        if any(isinstance(value, str) for value in values):
            raise TypeError("text")
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{what} must be a list of numbers ({error}).") from error
    result = np.array(plain, np.float64)
    if np.isinf(result).any():
        raise FormatError(f"{what} holds infinite values; expected numbers.")
    return result


def text(name: str) -> str:
    """Return a name if it can be written as UTF-8.

    Raises
    ------
    FormatError
        It cannot; rename that track.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise FormatError(
            f"The name {name!r} cannot be written ({error.reason}); rename that track."
        ) from error
    return name
