"""CSV of query points: ``track,frame,x,y`` and, if wanted, ``name``.

``track`` says which rows are anchors of one track: whole numbers are taken as ids;
any other text is a name, and ids are then 0, 1, 2, ... in order of appearance.
Rows whose ``visible`` is 0 are left out, with a warning: where a point is hidden its
position is a guess. Further columns are left alone, so label files can be given as
they are.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import FormatError, InputError
from napari_cotracker.io.table import Table, is_number, read_table, write_table
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
    table = _visible(read_table(path, COLUMNS))
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
    names = {i: queries.name_of(i) for i in queries.tracks.tolist()}
    rows = zip(
        queries.point_id.tolist(),
        queries.frame.tolist(),
        (str(x) for x in queries.xy[:, 0]),
        (str(y) for y in queries.xy[:, 1]),
        (names[i] for i in queries.point_id.tolist()),
        strict=True,
    )
    write_table(path, [(*COLUMNS, "name"), *rows])


def same(queries: Queries, again: Queries) -> bool:
    """Whether two sets of queries agree."""
    if not all(
        np.array_equal(getattr(queries, key), getattr(again, key))
        for key in ("frame", "xy", "point_id")
    ):
        return False
    ids = queries.tracks.tolist()
    return all(queries.name_of(i) == again.name_of(i) for i in ids)


def _visible(table: Table) -> Table:
    """Return the rows that do not say ``visible`` = 0."""
    if "visible" not in table.columns:
        return table
    seen = [
        row
        for row, cell in enumerate(table.columns["visible"])
        if _says_yes(table, row, cell.strip().lower())
    ]
    hidden = len(table) - len(seen)
    if not seen:
        raise FormatError(
            f"'{table.path.name}': all {hidden} points say visible = 0, so there is "
            "none to follow; give points that can be seen."
        )
    if hidden:
        warnings.warn(
            f"'{table.path.name}': {hidden} of {len(table)} points say visible = 0 and "
            "are left out.",
            stacklevel=4,
        )
    return table.rows(seen) if hidden else table


def _says_yes(table: Table, row: int, cell: str) -> bool:
    if cell in ("", "true", "false"):
        return cell != "false"
    if not is_number(cell):
        raise table.error(row, "visible", "0 or 1")
    return float(cell) > 0


def _identities(table: Table) -> tuple[npt.NDArray[np.int64], tuple[str, ...] | None]:
    cells = [cell.strip() for cell in table.columns["track"]]
    if "" in cells:
        raise table.error(cells.index(""), "track", "a number or a name")
    if all(_WHOLE.fullmatch(cell) for cell in cells):
        ids = table.integers("track")
        return ids, _names(table, ids) if "name" in table.columns else None
    numbers = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    ids = np.array([numbers[cell] for cell in cells], np.int64)
    return ids, _names(table, ids) if "name" in table.columns else tuple(cells)


def _names(table: Table, ids: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Return a name per row; two names in one track are two tracks taken for one."""
    found: dict[int, str] = {}
    cells = table.columns["name"]
    for row, (track, name) in enumerate(zip(ids.tolist(), cells, strict=True)):
        if name and found.setdefault(track, name) != name:
            known = f"{found[track]!r} as before in track {table.columns['track'][row]}"
            raise table.error(row, "name", known)
    return tuple(found.get(track, "") for track in ids.tolist())
