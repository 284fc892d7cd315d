"""Edits and values as bytes, as they stand in a project file.

An edit is zlib-compressed: one line of JSON (kind, sentence and, for every change, its
small parts and the number of its positions), then the arrays of the cell changes in
the order of the changes: frame and point_id as int64, then before and after as
:data:`FIELDS` lists them. Values of positions are the same columns of bytes. All
numbers are little-endian, so that a file can go to another machine.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.project.cells import FIELDS, Cells
from napari_cotracker.project.changes import (
    CellChange,
    ConstraintChange,
    Entry,
    Renaming,
    TableChange,
)
from napari_cotracker.project.edit import Edit
from napari_cotracker.tracks import Constraints

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.project.changes import Change


def edit_to_bytes(edit: Edit) -> bytes:
    """Return an edit as bytes."""
    head = {
        "kind": edit.kind,
        "sentence": edit.sentence,
        "changes": [_plain(change) for change in edit.changes],
    }
    parts = [json.dumps(head).encode(), b"\n"]
    for change in edit.changes:
        if isinstance(change, CellChange):
            parts += [
                _little(change.frame, np.int64).tobytes(),
                _little(change.point_id, np.int64).tobytes(),
                cells_to_bytes(change.before),
                cells_to_bytes(change.after),
            ]
    return zlib.compress(b"".join(parts), 1)


def edit_from_bytes(data: bytes) -> Edit:
    """Return the edit that :func:`edit_to_bytes` was given.

    Raises
    ------
    FormatError
        The bytes are something else.
    """
    try:
        head_bytes, _, rest = zlib.decompress(data).partition(b"\n")
        head = json.loads(head_bytes)
        reader = _Reader(rest)
        changes = tuple(_change(plain, reader) for plain in head["changes"])
        return Edit(head["kind"], head["sentence"], changes)
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"An edit in the project cannot be read ({error}); the file is damaged."
        ) from error


def cells_to_bytes(cells: Cells) -> bytes:
    """Return the values of M positions as bytes, field by field."""
    return b"".join(
        _little(getattr(cells, key), dtype).tobytes() for key, dtype in FIELDS.items()
    )


def cells_from_bytes(data: bytes, n: int) -> Cells:
    """Return the values of M = n positions.

    Raises
    ------
    ValueError
        There are more or fewer bytes.
    """
    reader = _Reader(data)
    cells = reader.cells(n)
    if reader.place != len(data):
        raise ValueError(f"{len(data)} bytes for {n} positions")
    return cells


class _Reader:
    """Takes arrays from bytes, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def array(self, dtype: npt.DTypeLike, n: int) -> npt.NDArray[Any]:
        kind = np.dtype(dtype)
        stored = np.frombuffer(self._data, kind.newbyteorder("<"), n, self.place)
        self.place += n * kind.itemsize
        return stored.astype(kind)

    def cells(self, n: int) -> Cells:
        columns = {
            key: self.array(dtype, 2 * n if key == "xy" else n)
            for key, dtype in FIELDS.items()
        }
        columns["xy"] = columns["xy"].reshape(n, 2)
        return Cells(**columns)


def _little(values: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<"))


def _plain(change: Change) -> dict[str, Any]:
    if isinstance(change, CellChange):
        return {"cells": len(change.frame)}
    if isinstance(change, TableChange):
        return {
            "removed": change.removed,
            "added": change.added,
            "renamed": change.renamed,
        }
    return {
        "point_ids": change.point_ids,
        "before": change.before.to_dict(),
        "after": change.after.to_dict(),
    }


def _change(plain: dict[str, Any], reader: _Reader) -> Change:
    if "cells" in plain:
        n = plain["cells"]
        frame, point_id = reader.array(np.int64, n), reader.array(np.int64, n)
        return CellChange(frame, point_id, reader.cells(n), reader.cells(n))
    if "removed" in plain:
        return TableChange(
            tuple(Entry(*row) for row in plain["removed"]),
            tuple(Entry(*row) for row in plain["added"]),
            tuple(Renaming(*row) for row in plain["renamed"]),
        )
    return ConstraintChange(
        tuple(plain["point_ids"]),
        Constraints.from_dict(plain["before"]),
        Constraints.from_dict(plain["after"]),
    )
