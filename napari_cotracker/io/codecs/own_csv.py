"""Own CSV of tracks: one row per track and frame, lossless for all but two values.

Columns: ``track`` (integer ``point_id``), ``name``, ``frame`` (from 0), ``x``, ``y``
(pixels, (0, 0) = centre of the top-left pixel; empty where nothing is known),
``visible`` (0 or 1), ``visibility``, ``confidence`` (raw, 0..1; empty for NaN) and
``source`` (0 = empty, 1 = model, 2 = manual). Rows are ordered by track, then frame.
Numbers are the shortest text that gives the same float32 again. Not held by the file:
frames per second, times and frame size (give them when loading), and disagreement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import by_appearance
from napari_cotracker.io.compare import ASPECTS
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.table import Table, csv_header, read_table, texts, write_table
from napari_cotracker.tracks import Source, Tracks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = (
    "track",
    "name",
    "frame",
    "x",
    "y",
    "visible",
    "visibility",
    "confidence",
    "source",
)


# A file that lacks one or two of them is still ours, and the reader says which.
_ENOUGH_COLUMNS = 7


def matches(path: Path) -> bool:
    """Tell whether the header has our columns."""
    found = set(COLUMNS).intersection(csv_header(path))
    return len(found) >= _ENOUGH_COLUMNS and bool(found & {"track", "visible"})


def write(tracks: Tracks, path: Path) -> None:
    """Write tracks.

    Raises
    ------
    FormatError
        A name cannot be written.
    OSError
        The disk says so.
    """
    write_table(path, _rows(tracks))


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        The file is not of this format; the message names line and column.
    """
    table = read_table(path, COLUMNS)
    track, frame = table.integers("track"), table.frames("frame")
    table.refuse_duplicates(track, frame)
    ids, column = by_appearance(track)
    shape = (int(frame.max()) + 1, len(ids))
    _refuse_gaps(table, frame, column, ids, shape)

    def grid(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        result = np.empty(shape, values.dtype)
        result[frame, column] = values
        return result

    x, y = (table.numbers(axis, gaps=True) for axis in "xy")
    _refuse_half_points(table, x, y)
    return Tracks(
        xy=np.stack([grid(x), grid(y)], axis=-1).astype(np.float32),
        visibility=grid(_score(table, "visibility")),
        confidence=grid(_score(table, "confidence")),
        visible=grid(table.choices("visible", (0, 1)) == 1),
        source=grid(table.choices("source", [s.value for s in Source])),
        point_id=ids,
        name=_names(table, column, len(ids)),
    )


def _rows(tracks: Tracks) -> Iterator[tuple[object, ...]]:
    yield COLUMNS
    for n in range(tracks.n_tracks):
        track, name = int(tracks.point_id[n]), tracks.name[n]
        cells = zip(
            texts(tracks.xy[:, n, 0]),
            texts(tracks.xy[:, n, 1]),
            tracks.visible[:, n].astype(int).tolist(),
            texts(tracks.visibility[:, n]),
            texts(tracks.confidence[:, n]),
            tracks.source[:, n].tolist(),
            strict=True,
        )
        for frame, values in enumerate(cells):
            yield (track, name, frame, *values)


def _refuse_gaps(
    table: Table,
    frame: npt.NDArray[np.int64],
    column: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    shape: tuple[int, int],
) -> None:
    # Counted before anything of this shape is made: one absurd frame number must
    # not ask for all the memory.
    counts = np.bincount(column, minlength=shape[1])
    short = np.flatnonzero(counts != shape[0])
    if short.size:
        n = int(short[0])
        present = np.sort(frame[column == n])
        missing = int(np.argmax(np.append(present, -1) != np.arange(len(present) + 1)))
        raise FormatError(
            f"'{table.path.name}' has no row for track {ids[n]} on frame {missing}; "
            f"expected one row for every track on frames 0 to {shape[0] - 1}."
        )


def _refuse_half_points(
    table: Table, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> None:
    half = np.isnan(x) != np.isnan(y)
    if half.any():
        row = int(np.argmax(half))
        raise table.error(row, "x" if np.isnan(x[row]) else "y", "a number")


def _score(table: Table, column: str) -> npt.NDArray[np.float32]:
    return table.numbers(column, gaps=True).astype(np.float32)


def _names(
    table: Table, column: npt.NDArray[np.int64], n_tracks: int
) -> tuple[str, ...]:
    names: list[str | None] = [None] * n_tracks
    for row, (n, name) in enumerate(
        zip(column.tolist(), table.columns["name"], strict=True)
    ):
        if names[n] is None:
            names[n] = name
        elif names[n] != name:
            raise table.error(row, "name", f"{names[n]!r} as in the rows before")
    return tuple(name or "" for name in names)


FORMAT = TracksFormat(
    "csv",
    "own CSV table",
    (".csv",),
    matches,
    read,
    write,
    ASPECTS - {"fps", "times", "size", "disagreement"},
)
