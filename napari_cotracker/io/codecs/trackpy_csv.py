"""trackpy's table: ``particle,frame,x,y``, as ``DataFrame.to_csv`` writes it.

Frames count from 0; x and y are pixels, (0, 0) = centre of the top-left pixel.
Occluded positions are left out, since the table has no place that says so; trackpy
itself leaves gaps (``memory``). ``name``, ``visibility``, ``confidence`` and ``source``
are further columns, which trackpy ignores. Not held: frame rate, times, frame size and
frames after the last visible position. Reads trackpy's own files, whose further columns
(mass, size, ...) and index are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.io.codecs.long_csv import HOLDS, read_long, write_visible
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.table import csv_header

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

COLUMNS = {"track": "particle", "frame": "frame", "x": "x", "y": "y"}


def matches(path: Path) -> bool:
    """Tell whether the header is trackpy's."""
    return {"particle", "frame"} <= set(csv_header(path))


def read(path: Path) -> Tracks:
    """Read tracks."""
    return read_long(path, COLUMNS).to_tracks()


def write(tracks: Tracks, path: Path) -> None:
    """Write the visible positions."""
    write_visible(tracks, path, COLUMNS)


FORMAT = TracksFormat(
    "trackpy",
    "trackpy CSV (particle, frame, x, y)",
    (".trackpy.csv", ".csv"),
    matches,
    read,
    write,
    HOLDS,
)
