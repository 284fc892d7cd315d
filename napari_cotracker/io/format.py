"""What every format of tracks says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_cotracker.tracks import Tracks


@dataclass(frozen=True)
class TracksFormat:
    """One format.

    Parameters
    ----------
    name : str
        As in ``--format``.
    label : str
        As a person reads it, in a dialog.
    suffixes : tuple of str
        Lower case, with dot; several formats may share one, and of suffixes of which
        one ends in the other the longer decides (``.coco.json``, ``.json``).
    matches : callable
        Whether a file looks like this format inside; quick, and never raises.
    read : callable
        Reads a file; may raise anything, see :func:`napari_cotracker.io.load_tracks`.
    write : callable or None
        Writes a new file; None = can only be read.
    holds : frozenset of str
        Aspects (:data:`napari_cotracker.io.compare.ASPECTS`) that must read back the
        same; what is not in here may get lost, and is then reported.
    folder : bool
        Whether a "file" is a folder.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    matches: Callable[[Path], bool]
    read: Callable[[Path], Tracks]
    write: Callable[[Tracks, Path], None] | None
    holds: frozenset[str]
    folder: bool = False
