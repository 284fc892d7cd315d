"""The formats that tracks can be read from and written to, and which one a path is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from napari_cotracker.errors import FormatError
from napari_cotracker.io.codecs import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_cotracker.io.format import TracksFormat

_registered: list[TracksFormat] = list(BUILT_IN)


def formats() -> tuple[TracksFormat, ...]:
    """Return all formats, the usual ones first."""
    return tuple(_registered)


def register(new: TracksFormat) -> None:
    """Add a format that this package cannot know, such as project files.

    A format of the same name is replaced.
    """
    _registered[:] = [f for f in _registered if f.name != new.name] + [new]


def format_of(path: Path, stated: str | None = None) -> TracksFormat:
    """Choose a format for a new file: the stated one, else by suffix.

    The first format that has a suffix to itself, or lists it first, gets it: ``.csv``
    and ``.json`` are our own; ``.h5`` belongs to several and must be stated.

    Raises
    ------
    FormatError
        No format has this name or suffix, several have the suffix, the format can
        only be read, or it is a folder and one that holds something else is there.
    """
    found = [_named(stated)] if stated is not None else _by_suffix(path)
    if not found:
        raise _unknown_suffix(path)
    first = found[0]
    if len(found) > 1 and not _owns(first, path):
        raise FormatError(
            f"'{path.name}' can be {_listed(found, 'or')}; state the format."
        )
    if first.write is None:
        raise FormatError(
            f"The format '{first.name}' can only be read; choose another for "
            f"'{path.name}'."
        )
    # That of os: pathlib's raises if the name is too long, which writing tells.
    if first.folder and os.path.isdir(path) and any(path.iterdir()):
        if not first.matches(path):
            # Whoever allows to overwrite means tracks, not what else lies there.
            raise FormatError(
                f"The folder '{path}' holds something else than {first.label}; choose "
                "another name."
            )
    return first


def format_inside(path: Path, stated: str | None = None) -> TracksFormat:
    """Choose the format of a file: the stated one, else by suffix and content.

    Raises
    ------
    FormatError
        No format has this name, the file cannot be opened, or it is of none of the
        formats.
    """
    if stated is not None:
        return _named(stated)
    if not path.exists():
        raise FormatError(f"No such file: '{path}'; check the path.")
    found = recognise(path)
    if found is not None:
        return found
    candidates = _by_suffix(path)
    for other in _registered:
        if other not in candidates and other.matches(path):
            raise FormatError(
                f"'{path.name}' looks like {other.label} inside, which does not go "
                f"with its suffix; rename it, or state the format '{other.name}'."
            )
    if not candidates:
        raise _unknown_suffix(path)
    if len(candidates) == 1 or _owns(candidates[0], path):
        return candidates[0]  # its reader says what is wrong
    raise FormatError(
        f"'{path.name}' is none of {_listed(candidates, 'or')} inside: it is empty, "
        "damaged, or of another program; state the format to hear what is wrong."
    )


def recognise(path: Path) -> TracksFormat | None:
    """Return the format that goes with both suffix and content, if there is one."""
    return next((f for f in _by_suffix(path) if f.matches(path)), None)


def _named(stated: str) -> TracksFormat:
    for candidate in _registered:
        if candidate.name == stated.lower():
            return candidate
    raise FormatError(
        f"There is no format '{stated}'; the formats are: "
        f"{', '.join(f.name for f in _registered)}."
    )


def _by_suffix(path: Path) -> list[TracksFormat]:
    """Return the formats with the longest suffix that the name ends in."""
    name = path.name.lower()

    def length(candidate: TracksFormat) -> int:
        return max((len(s) for s in candidate.suffixes if name.endswith(s)), default=0)

    longest = max(map(length, _registered))
    return [f for f in _registered if longest and length(f) == longest]


def _owns(candidate: TracksFormat, path: Path) -> bool:
    return path.name.lower().endswith(candidate.suffixes[0])


def _unknown_suffix(path: Path) -> FormatError:
    known = sorted({s for f in _registered for s in f.suffixes})
    return FormatError(
        f"The suffix of '{path.name}' names no format of tracks; use one of "
        f"{' '.join(known)}, or state the format "
        f"({', '.join(f.name for f in _registered)})."
    )


def _listed(some: Iterable[TracksFormat], word: str) -> str:
    *most, last = (f.name for f in some)
    return f"{', '.join(most)} {word} {last}"
