"""The data of a napari Tracks layer as CSV: ``track_id,t,y,x`` and its features.

The columns are those of the layer's array, the order of axes included. Frames count
from 0; y and x are pixels, (0, 0) = centre of the top-left pixel. Occluded positions
are left out, since napari would draw them as seen; napari joins the gap by a straight
line. ``name``, ``visibility``, ``confidence`` and ``source`` are features. Not held:
frame rate, times, frame size and frames after the last visible position.
Also reads the CSV that napari writes of a Points layer (``index,axis-0,...``), every
point as a track of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows
from napari_cotracker.io.codecs.long_csv import HOLDS, read_long, write_visible
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.table import csv_header, read_table
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

COLUMNS = {"track": "track_id", "frame": "t", "y": "y", "x": "x"}
POINTS_COLUMNS = ("axis-0", "axis-1", "axis-2")


def matches(path: Path) -> bool:
    """Tell whether the header is that of tracks or points of napari."""
    header = set(csv_header(path))
    return {"track_id", "t"} <= header or {"index", "axis-0", "axis-1"} <= header


def read(path: Path) -> Tracks:
    """Read tracks, or points as tracks of one position placed by hand."""
    header = csv_header(path)
    if "axis-0" in header:
        return _read_points(path)
    if "z" in header:
        raise FormatError(
            f"'{path.name}' has a column 'z', but points are followed in a plane; "
            "keep the rows of one plane and remove that column."
        )
    return read_long(path, COLUMNS).to_tracks()


def write(tracks: Tracks, path: Path) -> None:
    """Write the visible positions."""
    write_visible(tracks, path, COLUMNS)


def _read_points(path: Path) -> Tracks:
    if "axis-3" in csv_header(path):
        raise FormatError(
            f"'{path.name}' has points with more than the axes t, y and x; keep those."
        )
    table = read_table(path, POINTS_COLUMNS)
    t, y, x = (table.numbers(column) for column in POINTS_COLUMNS)
    # Points are clicked between two frames only when time is scaled.
    frame = np.rint(t).astype(np.int64)
    manual = np.full(len(frame), Source.MANUAL, np.uint8)
    rows = Rows(
        np.arange(len(frame)),
        frame,
        np.column_stack([x, y]),
        scores={"source": manual},
    )
    return rows.to_tracks()


FORMAT = TracksFormat(
    "napari",
    "napari tracks CSV (track_id, t, y, x)",
    (".napari.csv", ".csv"),
    matches,
    read,
    write,
    HOLDS,
)
