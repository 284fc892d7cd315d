"""The formats that tracks can be read from and written to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from napari_cotracker.errors import FormatError
from napari_cotracker.io import own_csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_cotracker.tracks import Tracks


class TracksReader(Protocol):
    """Reads one file; ``fps`` and ``size`` fill in what the format cannot hold."""

    def __call__(
        self, path: Path, *, fps: float | None, size: tuple[int, int]
    ) -> Tracks:
        """Read."""


@dataclass(frozen=True)
class TracksFormat:
    """One format.

    Parameters
    ----------
    name : str
        As in ``--format``.
    suffixes : tuple of str
        Lower case, with dot; several formats may share one.
    write, read : callable
    same : callable
        Whether what was read again equals what was to be written, in all that the
        format can hold.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Tracks, Path], None]
    read: TracksReader
    same: Callable[[Tracks, Tracks], bool]


FORMATS = (
    TracksFormat(
        own_csv.NAME, own_csv.SUFFIXES, own_csv.write, own_csv.read, own_csv.same
    ),
)


def format_of(path: Path, stated: str | None = None) -> TracksFormat:
    """Choose a format: the stated one, else by suffix where that is unique.

    Raises
    ------
    FormatError
        No format has this name or suffix, or several have the suffix.
    """
    known = ", ".join(f.name for f in FORMATS)
    if stated is not None:
        for candidate in FORMATS:
            if candidate.name == stated.lower():
                return candidate
        raise FormatError(f"There is no format '{stated}'; the formats are: {known}.")
    found = [f for f in FORMATS if path.suffix.lower() in f.suffixes]
    if not found:
        raise FormatError(
            f"The suffix of '{path.name}' names no format of tracks; use one of "
            f"{' '.join(sorted({s for f in FORMATS for s in f.suffixes}))}, or state "
            f"the format ({known})."
        )
    if len(found) > 1:
        raise FormatError(
            f"'{path.suffix}' can be {' or '.join(f.name for f in found)}; state the "
            "format."
        )
    return found[0]
