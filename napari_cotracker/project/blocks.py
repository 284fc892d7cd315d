"""Cells of a document as rows of the project file.

A row holds one track over ``BLOCK`` frames, whole also where the recording ends, its
values field by field as :data:`FIELDS` lists them, little-endian. Blocks that know
nothing have no row. An edit of one point writes one row; a window of a run writes one
or two rows per track.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.project.cells import FIELDS, Cells
from napari_cotracker.project.document import columns_of
from napari_cotracker.project.failures import damaged

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.project.document import Document
    from napari_cotracker.project.sqlite_file import SqliteFile

    Places = npt.NDArray[np.int64]

BLOCK = 64


def write_difference(
    file: SqliteFile, before: Document | None, after: Document
) -> None:
    """Write the rows in which two documents differ; None = all of them."""
    ids = after.tracks.point_id
    if before is not None:
        gone = np.setdiff1d(before.tracks.point_id, ids)
        file.write("DELETE FROM cells WHERE point_id = ?", [(int(i),) for i in gone])
    block, place = _changed_blocks(before, after)
    cells = _take(after.cells, block, place)  # (K, BLOCK)
    known = _says_something(cells).any(axis=1)
    file.write(
        "DELETE FROM cells WHERE point_id = ? AND block = ?",
        list(zip(ids[place[~known]].tolist(), block[~known].tolist(), strict=True)),
    )
    addresses = zip(ids[place[known]].tolist(), block[known].tolist(), strict=True)
    data = _to_rows(cells.at(known))
    file.write(
        "INSERT INTO cells (point_id, block, crc, data) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET crc = excluded.crc, data = excluded.data",
        [(i, b, zlib.crc32(d), d) for (i, b), d in zip(addresses, data, strict=True)],
    )


def _changed_blocks(before: Document | None, after: Document) -> tuple[Places, Places]:
    """Return the block and the column, (K,) each, of all rows to write."""
    n_frames, n_tracks = after.tracks.source.shape
    if before is None:
        changed = _says_something(after.cells)
    elif np.array_equal(before.tracks.point_id, after.tracks.point_id):
        changed = after.cells.differs(before.cells)
    else:
        column = columns_of(before.tracks, after.tracks.point_id)
        here = column >= 0
        old = Cells.unknown((n_frames, n_tracks))
        old.put((slice(None), here), before.cells.at((slice(None), column[here])))
        changed = after.cells.differs(old)
    frame, place = np.nonzero(changed)
    numbers = np.unique(frame // BLOCK * n_tracks + place)
    block, place = np.divmod(numbers, max(n_tracks, 1))
    return block, place


def _says_something(cells: Cells) -> npt.NDArray[np.bool_]:
    return cells.differs(Cells.unknown(cells.source.shape))


def _take(cells: Cells, block: Places, place: Places) -> Cells:
    """Return K blocks, (K, BLOCK), filled up with unknown cells."""
    frame = block[:, None] * BLOCK + np.arange(BLOCK)
    inside = frame < len(cells)
    taken = Cells.unknown(frame.shape)
    column = np.broadcast_to(place[:, None], frame.shape)
    taken.put(inside, cells.at((frame[inside], column[inside])))
    return taken


def read_cells(
    file: SqliteFile, n_frames: int, point_id: npt.NDArray[np.int64]
) -> Cells:
    """Read all cells, (T, N) for the tracks asked for.

    Raises
    ------
    ProjectError
        A row is damaged.
    """
    rows = file.rows("SELECT point_id, block, crc, data FROM cells")
    n_blocks = -(-n_frames // BLOCK)
    cells = Cells.unknown((n_blocks, BLOCK, len(point_id)))
    place = {i: k for k, i in enumerate(point_id.tolist())}
    for i, block, crc, data in rows:
        if zlib.crc32(data) != crc or i not in place or not 0 <= block < n_blocks:
            raise damaged(file.path, f"track {i}, frames from {block * BLOCK} on")
    if rows:
        at = (
            np.array([row[1] for row in rows]),
            slice(None),
            np.array([place[row[0]] for row in rows]),
        )
        cells.put(at, _from_rows([row[3] for row in rows]))
    return cells.reshaped(n_blocks * BLOCK, len(point_id)).at(slice(0, n_frames))


def _to_rows(cells: Cells) -> list[bytes]:
    """Return (K, BLOCK) cells as K rows of bytes."""
    columns = []
    for key, dtype in FIELDS.items():
        values = getattr(cells, key).astype(np.dtype(dtype).newbyteorder("<"))
        width = BLOCK * (2 if key == "xy" else 1)
        columns.append(values.reshape(len(cells), width).view(np.uint8))
    return [row.tobytes() for row in np.concatenate(columns, axis=1)]


def _from_rows(data: list[bytes]) -> Cells:
    """Return K rows of bytes as (K, BLOCK) cells."""
    table = np.frombuffer(b"".join(data), np.uint8).reshape(len(data), -1)
    values: dict[str, npt.NDArray[Any]] = {}
    place = 0
    for key, dtype in FIELDS.items():
        kind = np.dtype(dtype)
        shape = (len(data), BLOCK, 2) if key == "xy" else (len(data), BLOCK)
        width = kind.itemsize * BLOCK * (2 if key == "xy" else 1)
        column = np.ascontiguousarray(table[:, place : place + width])
        stored = column.view(kind.newbyteorder("<"))
        values[key] = stored.astype(kind).reshape(shape)
        place += width
    return Cells(**values)
