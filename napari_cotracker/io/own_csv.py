"""Own CSV of tracks: one row per track and frame, lossless for all but two values.

Columns: ``track`` (integer ``point_id``), ``name``, ``frame`` (from 0), ``x``, ``y``
(pixels, (0, 0) = centre of the top-left pixel; empty where nothing is known),
``visible`` (0 or 1), ``visibility``, ``confidence`` (raw, 0..1; empty for NaN) and
``source`` (0 = empty, 1 = model, 2 = manual). Rows are ordered by track, then frame.
Numbers are the shortest text that gives the same float32 again. Not held by the file:
frames per second and frame size; give them when loading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import FormatError
from napari_cotracker.io.table import Table, read_table, write_table
from napari_cotracker.tracks import Source, Tracks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "csv"
SUFFIXES = (".csv",)
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


def write(tracks: Tracks, path: Path) -> None:
    """Write tracks.

    Raises
    ------
    FormatError
        There is nothing to write, ids are not unique, or values are infinite.
    OSError
        The disk says so.
    """
    _check_writable(tracks)
    write_table(path, _rows(tracks))


def read(
    path: Path, *, fps: float | None = None, size: tuple[int, int] = (0, 0)
) -> Tracks:
    """Read tracks.

    Parameters
    ----------
    path : Path
    fps, size
        What the file does not hold, passed through to :class:`Tracks`.

    Raises
    ------
    FormatError
        The file is not of this format; the message names line and column.
    """
    table = read_table(path, COLUMNS)
    track, frame = table.integers("track"), table.integers("frame")
    if (frame < 0).any():
        raise table.error(int(np.argmax(frame < 0)), "frame", "0 or more")
    table.refuse_duplicates(track, frame)
    ids, column = _by_appearance(track)
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
        fps=fps,
        size=size,
    )


def same(tracks: Tracks, again: Tracks) -> bool:
    """Whether two tracks agree in all that the format holds."""
    arrays = ("xy", "visibility", "confidence", "visible", "source", "point_id")
    return tracks.name == again.name and all(
        np.array_equal(
            a := getattr(tracks, key),
            getattr(again, key),
            equal_nan=a.dtype.kind == "f",
        )
        for key in arrays
    )


def _check_writable(tracks: Tracks) -> None:
    if tracks.n_frames == 0 or tracks.n_tracks == 0:
        raise FormatError(
            f"There is nothing to save: {tracks.n_tracks} tracks over "
            f"{tracks.n_frames} frames."
        )
    if len(set(tracks.point_id.tolist())) != tracks.n_tracks:
        raise FormatError(
            "Several tracks have the same point_id, so a file could not tell them "
            "apart; give each its own."
        )
    for key in ("xy", "visibility", "confidence"):
        if np.isinf(getattr(tracks, key)).any():
            raise FormatError(
                f"Tracks.{key} holds infinite values, which a CSV file cannot; replace "
                "them by NaN."
            )


def _rows(tracks: Tracks) -> Iterator[tuple[object, ...]]:
    yield COLUMNS
    for n in range(tracks.n_tracks):
        track, name = int(tracks.point_id[n]), tracks.name[n]
        cells = zip(
            _texts(tracks.xy[:, n, 0]),
            _texts(tracks.xy[:, n, 1]),
            tracks.visible[:, n].astype(int).tolist(),
            _texts(tracks.visibility[:, n]),
            _texts(tracks.confidence[:, n]),
            tracks.source[:, n].tolist(),
            strict=True,
        )
        for frame, values in enumerate(cells):
            yield (track, name, frame, *values)


def _texts(values: npt.NDArray[np.float32]) -> list[str]:
    return ["" if np.isnan(value) else str(value) for value in values]


def _by_appearance(
    track: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the distinct ids in file order, and each row's number among them."""
    ids, first, inverse = np.unique(track, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return ids[order], np.argsort(order)[inverse]


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
