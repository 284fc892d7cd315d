"""CSV of query points: ``track,frame,x,y`` and, if wanted, ``name``.

``track`` says which rows are anchors of one track: whole numbers are taken as ids;
any other text is a name, and ids are then 0, 1, 2, ... in order of appearance.
Further columns are left alone, so label files can be given as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import FormatError, InputError
from napari_cotracker.io.table import Table, read_table, write_table
from napari_cotracker.tracks import Queries

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("track", "frame", "x", "y")
SUFFIXES = (".csv", ".txt", "")

# Not "01": as a name it differs from "1". "1.0" is what spreadsheets make of 1.
_WHOLE = re.compile(r"-?(0|[1-9]\d*)(\.0*)?")


def read(path: Path) -> Queries:
    """Read query points.

    Raises
    ------
    FormatError
        The file is not of this format; the message names line and column.
    """
    table = read_table(path, COLUMNS)
    ids, names = _identities(table)
    frame = table.frames("frame")
    table.refuse_duplicates(ids, frame)
    xy = np.column_stack([table.numbers("x"), table.numbers("y")])
    try:
        return Queries(frame, xy.astype(np.float32), ids, names)  # type: ignore[arg-type]
    except InputError as error:
        raise FormatError(f"'{path.name}': {error}") from error


def write(queries: Queries, path: Path) -> None:
    """Write query points with their names.

    Raises
    ------
    FormatError
        A name cannot be written.
    OSError
        The disk says so.
    """
    rows = zip(
        queries.point_id.tolist(),
        queries.frame.tolist(),
        (str(x) for x in queries.xy[:, 0]),
        (str(y) for y in queries.xy[:, 1]),
        queries.name,
        strict=True,
    )
    write_table(path, [(*COLUMNS, "name"), *rows])


def same(queries: Queries, again: Queries) -> bool:
    """Whether two sets of queries agree."""
    return queries.name == again.name and all(
        np.array_equal(getattr(queries, key), getattr(again, key))
        for key in ("frame", "xy", "point_id")
    )


def _identities(table: Table) -> tuple[npt.NDArray[np.int64], tuple[str, ...] | None]:
    cells = [cell.strip() for cell in table.columns["track"]]
    if "" in cells:
        raise table.error(cells.index(""), "track", "a number or a name")
    names = table.columns.get("name")
    if all(_WHOLE.fullmatch(cell) for cell in cells):
        return table.integers("track"), None if names is None else tuple(names)
    numbers = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    ids = np.array([numbers[cell] for cell in cells], np.int64)
    return ids, tuple(cells if names is None else names)
