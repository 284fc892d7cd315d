"""A document as rows of the project file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import CoTrackerError
from napari_cotracker.project.blocks import read_cells, write_difference
from napari_cotracker.project.document import Document, same_times
from napari_cotracker.project.facts import fact, set_fact
from napari_cotracker.project.failures import damaged
from napari_cotracker.tracks import Constraints, Tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.project.sqlite_file import SqliteFile

SHAPE, TIMES, CONSTRAINTS, NEXT_ID = "shape", "times", "constraints", "next_id"


def write_document(file: SqliteFile, before: Document | None, after: Document) -> None:
    """Write what differs from the document that is stored; None = nothing is yet."""
    if before is after:
        return
    with file.step():
        if before is None or _shape(before) != _shape(after):
            set_fact(file, SHAPE, _shape(after))
        if before is None or not same_times(before, after):
            times = after.tracks.times
            set_fact(file, TIMES, None if times is None else times.tolist())
        if before is None or before.constraints != after.constraints:
            set_fact(file, CONSTRAINTS, after.constraints.to_dict())
        if before is None or _table(before) != _table(after):
            file.write("DELETE FROM tracks", [()])
            file.write("INSERT INTO tracks VALUES (?, ?, ?)", _table(after))
        if before is None or before.next_id != after.next_id:
            set_fact(file, NEXT_ID, after.next_id)
        same_length = before is None or (
            before.tracks.n_frames == after.tracks.n_frames
        )
        if not same_length:
            file.write("DELETE FROM cells", [()])
        write_difference(file, before if same_length else None, after)


def read_stored(file: SqliteFile) -> Document:
    """Read the document.

    Raises
    ------
    ProjectError
        What is stored makes no document.
    """
    table = file.rows("SELECT point_id, name FROM tracks ORDER BY place")
    point_id = np.array([row[0] for row in table], np.int64)
    try:
        shape = fact(file, SHAPE)
        cells = read_cells(file, shape["n_frames"], point_id)
        constraints = Constraints.from_dict(fact(file, CONSTRAINTS))
        empty = Tracks.empty(
            shape["n_frames"],
            point_id,
            tuple(row[1] for row in table),
            size=tuple(shape["size"]),
            fps=shape["fps"],
            times=_array(fact(file, TIMES)),
        )
        next_id = int(fact(file, NEXT_ID, 0))
        document = Document(empty, constraints=constraints, next_id=next_id)
        return document.with_cells(cells)
    except (CoTrackerError, TypeError, KeyError, ValueError) as error:
        raise damaged(file.path, error) from error


def _shape(document: Document) -> dict[str, Any]:
    tracks = document.tracks
    size = [int(side) for side in tracks.size]
    fps = None if tracks.fps is None else float(tracks.fps)
    return {"n_frames": tracks.n_frames, "size": size, "fps": fps}


def _array(times: list[float] | None) -> npt.NDArray[np.float64] | None:
    return None if times is None else np.array(times, np.float64)


def _table(document: Document) -> list[tuple[int, int, str]]:
    tracks = document.tracks
    rows = zip(tracks.point_id.tolist(), tracks.name, strict=True)
    return [(place, *row) for place, row in enumerate(rows)]
