"""CSV tables of visible positions: one row per track and frame, under any column names.

Beyond track, frame and position the columns ``name``, ``visibility``, ``confidence``
and ``source`` (1 = model, 2 = manual) are written, and read where they are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.io.building import Rows, leave_out_depth
from napari_cotracker.io.compare import ASPECTS
from napari_cotracker.io.table import Table, read_table, texts, write_table
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

EXTRA = ("name", "visibility", "confidence", "source")
HOLDS = frozenset(
    {"position", "visible", "visibility", "confidence", "source", "point_id", "name"}
)
assert HOLDS <= ASPECTS


def write_visible(tracks: Tracks, path: Path, columns: Mapping[str, str]) -> None:
    """Write the visible positions.

    Parameters
    ----------
    tracks : Tracks
    path : Path
    columns : mapping
        Column names of ``track``, ``frame``, ``x`` and ``y``, in the wanted order.
    """
    rows = Rows.of(tracks, occluded=False)
    scores = {key: _array(rows, key) for key in EXTRA[1:]}
    cells: dict[str, list[Any]] = {
        "track": rows.point_id.tolist(),
        "frame": rows.frame.tolist(),
        "x": texts(rows.xy[:, 0]),
        "y": texts(rows.xy[:, 1]),
        "name": [rows.names[i] for i in rows.point_id.tolist()],
        "visibility": texts(scores["visibility"]),
        "confidence": texts(scores["confidence"]),
        "source": scores["source"].tolist(),
    }
    table = zip(*(cells[key] for key in (*columns, *EXTRA)), strict=True)
    write_table(path, [(*columns.values(), *EXTRA), *table])


def read_long(path: Path, columns: Mapping[str, str]) -> Rows:
    """Read positions and whatever of :data:`EXTRA` is there.

    Raises
    ------
    FormatError
        The file is not of this format; the message names line and column.
    """
    table = read_table(path, tuple(columns.values()))
    track = table.integers(columns["track"])
    frame = table.frames(columns["frame"])
    table.refuse_duplicates(track, frame, columns["track"])
    xy = np.column_stack([table.numbers(columns[axis]) for axis in "xy"])
    if "z" in table.columns:
        leave_out_depth(table.numbers("z", gaps=True))
    names: dict[int, str] = {}
    if "name" in table.columns:
        for point_id, name in zip(track.tolist(), table.columns["name"], strict=True):
            names.setdefault(point_id, name)
    return Rows(track, frame, xy, names, _scores(table))


def _scores(table: Table) -> dict[str, npt.NDArray[Any] | None]:
    found: dict[str, npt.NDArray[Any] | None] = {
        key: table.numbers(key, gaps=True).astype(np.float32)
        for key in ("visibility", "confidence")
        if key in table.columns
    }
    if "source" in table.columns:
        found["source"] = table.choices("source", (Source.MODEL, Source.MANUAL))
    return found


def _array(rows: Rows, key: str) -> npt.NDArray[Any]:
    values = rows.scores[key]
    assert values is not None
    return values
