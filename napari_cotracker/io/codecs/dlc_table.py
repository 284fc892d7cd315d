"""DeepLabCut's wide tables as CSV or HDF5: scorer, individual, part, coordinate.

Both hold the same ``DataFrame``: CSV with three header lines (four with individuals),
HDF5 as pandas (PyTables) stores it. Names "individual/part" become the columns of an
individual; in a table with individuals all other names belong to "single".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.libraries import library
from napari_cotracker.io.naming import NOBODY, Layout, join, split
from napari_cotracker.io.table import is_number, read_lines, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

SCORER = "napari-cotracker"
HDF_SUFFIXES = (".h5", ".hdf5")
_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")
_LEVELS = ("scorer", "individuals", "bodyparts", "coords")


@dataclass(frozen=True, eq=False)
class WideTable:
    """One row per frame, one column per coordinate.

    Parameters
    ----------
    scorer : str
    name : N names of tracks
    values : (R, N, C) float
        Coordinates as in ``coords``; NaN where the table is empty.
    coords : tuple of str
        ``("x", "y", "likelihood")`` or ``("x", "y")``.
    index : list of R labels
        What stands before each row: text, or a tuple of texts.
    """

    scorer: str
    name: tuple[str, ...]
    values: npt.NDArray[np.float64]
    coords: tuple[str, ...]
    index: list[Any]


def coordinates_inside(path: Path) -> set[str] | None:
    """Return the coordinates that a table has, or None if it is none of this kind."""
    try:
        if path.suffix.lower() in HDF_SUFFIXES:
            return {str(column[-1]) for column in _frame(path).columns}
        head = _first_lines(path)
    except Exception:
        # Only asked what it looks like: whatever goes wrong, not like this.
        return None
    if not head or head[0][0] != "scorer":
        return None
    named = [line for line in head if line[0] == "coords"]
    return {cell for cell in named[0] if cell not in ("coords", "")} if named else None


def write_wide(table: WideTable, path: Path, key: str) -> None:
    """Write a table; the suffix says how."""
    layout = Layout.of(table.name)
    table = _completed(table, layout)
    columns = []
    for name in table.name:
        individual, part = split(name)
        for coordinate in table.coords:
            who = (individual,) if layout.has_individuals else ()
            columns.append((table.scorer, *who, part, coordinate))
    levels = [
        level for level in _LEVELS if level != "individuals" or layout.has_individuals
    ]
    if path.suffix.lower() in HDF_SUFFIXES:
        _write_hdf(table, path, key, columns, levels)
    else:
        _write_csv(table, path, columns, levels)


def read_wide(path: Path, coords: tuple[str, ...]) -> WideTable:
    """Read a table that has these coordinates; others in it are left alone.

    Raises
    ------
    FormatError
        It is not of this kind; for CSV the message names line and column.
    """
    is_hdf = path.suffix.lower() in HDF_SUFFIXES
    columns, index, cells = _read_hdf(path) if is_hdf else _read_csv(path)
    places: dict[str, dict[str, int]] = {}
    for number, column in enumerate(columns):
        name = join(column.get("individuals", ""), column["bodyparts"])
        if column["coords"] in places.setdefault(name, {}):
            raise FormatError(
                f"'{name}' has two columns '{column['coords']}'; keep one."
            )
        places[name][column["coords"]] = number
    for name, found in places.items():
        missing = [c for c in coords if c not in found]
        if missing:
            raise FormatError(f"'{name}' has no column '{missing[0]}'; add it.")
    if not places:
        raise FormatError("It holds no body parts; expected columns x and y of each.")
    picked = [[found[c] for c in coords] for found in places.values()]
    values = cells[:, picked]
    # an individual without that part
    blank = ~np.isfinite(values[..., :2]).any(axis=(0, 2))
    blank &= np.array([split(name)[0] != NOBODY for name in places])
    names = tuple(n for n, absent in zip(places, blank, strict=True) if not absent)
    scorer = columns[0].get("scorer", "")
    return WideTable(scorer, names, values[:, ~blank], coords, index)


def frames_of_images(index: list[Any]) -> npt.NDArray[np.int64]:
    """Return the frames that rows are about, from the names of their images.

    Raises
    ------
    FormatError
        They are of several videos, or a name has no number.
    """
    paths = [_image(label) for label in index]
    folders = {path.parent for path in paths}
    if len(folders) > 1:
        one, two = sorted(map(str, folders))[:2]
        raise FormatError(
            f"It holds labels of several videos ('{one}', '{two}', ...); keep the rows "
            "of one."
        )
    numbers = [_LAST_NUMBER.search(path.stem) for path in paths]
    if None in numbers:
        name = paths[numbers.index(None)].name
        raise FormatError(
            f"'{name}' has no number, so its frame is not known; expected img0012.png."
        )
    return np.array([int(match[1]) for match in numbers if match], np.int64)


def are_images(index: list[Any]) -> bool:
    """Tell whether rows are labelled with images rather than with numbers."""
    paths = [_image(label) for label in index]
    return all(path.suffix and not is_number(path.name) for path in paths)


def _image(label: Any) -> PurePosixPath:
    if isinstance(label, tuple):
        return PurePosixPath(*map(str, label))
    return PurePosixPath(str(label).replace("\\", "/"))


def _completed(table: WideTable, layout: Layout) -> WideTable:
    """Give every individual all parts: readers count on a full grid."""
    owners = [i for i in layout.individuals if i != NOBODY]
    parts = dict.fromkeys(p for i, p in map(split, table.name) if i != NOBODY)
    more = {join(i, p) for i in owners for p in parts}.difference(table.name)
    if not more:
        return table
    names = (*table.name, *more)
    blank = np.full((len(table.index), len(more), len(table.coords)), np.nan)
    if "likelihood" in table.coords:
        blank[..., table.coords.index("likelihood")] = 0
    values = np.concatenate([table.values, blank], axis=1)
    # grouped by individual, parts in the same order in each
    order = sorted(range(len(names)), key=lambda n: _rank(names[n], layout))
    return WideTable(
        table.scorer,
        tuple(names[n] for n in order),
        values[:, order],
        table.coords,
        table.index,
    )


def _rank(name: str, layout: Layout) -> tuple[int, int]:
    individual, part = split(name)
    return layout.individuals.index(individual), layout.parts.index(part)


def _write_csv(
    table: WideTable,
    path: Path,
    columns: Sequence[tuple[str, ...]],
    levels: Sequence[str],
) -> None:
    wide = len(table.index[0]) if isinstance(table.index[0], tuple) else 1
    blank = [""] * (wide - 1)
    head = [[level, *blank, *(c[i] for c in columns)] for i, level in enumerate(levels)]
    numbers = table.values.astype(np.float32)
    body = (
        [
            *(label if isinstance(label, tuple) else (label,)),
            *("" if np.isnan(v) else str(v) for v in row.ravel()),
        ]
        for label, row in zip(table.index, numbers, strict=True)
    )
    write_table(path, [*head, *body])


def _write_hdf(
    table: WideTable,
    path: Path,
    key: str,
    columns: Sequence[tuple[str, ...]],
    levels: Sequence[str],
) -> None:
    library("tables")
    pandas = library("pandas")
    index = (
        pandas.MultiIndex.from_tuples(table.index)
        if isinstance(table.index[0], tuple)
        else pandas.Index(table.index)
    )
    frame = pandas.DataFrame(
        table.values.reshape(len(table.index), -1),
        index=index,
        columns=pandas.MultiIndex.from_tuples(columns, names=levels),
    )
    # A fixed layout has no limit on the number of columns.
    frame.to_hdf(path, key=key, mode="w", format="fixed")


_Parsed = tuple[list[dict[str, str]], list[Any], "npt.NDArray[np.float64]"]


def _frame(path: Path) -> Any:
    library("tables")
    pandas = library("pandas")
    _refuse_damaged(path)
    with pandas.HDFStore(path, mode="r") as store:
        keys = store.keys()
        if len(keys) != 1:
            raise FormatError(
                f"It holds {len(keys)} tables of pandas; expected one of DeepLabCut."
            )
        return store[keys[0]]


def _refuse_damaged(path: Path) -> None:
    """Raise where attributes are damaged: PyTables would crash the process."""

    def look(_: str, item: Any) -> None:
        dict(item.attrs)

    with library("h5py").File(path, "r") as file:
        look("/", file)
        file.visititems(look)


def _read_hdf(path: Path) -> _Parsed:
    frame = _frame(path)
    columns = getattr(frame, "columns", None)
    levels = [] if columns is None else list(columns.names)
    if not {"bodyparts", "coords"} <= set(levels):
        raise FormatError(
            f"Its columns have the levels {levels}; expected scorer, bodyparts, coords."
        )
    named = [
        dict(zip(levels, map(str, column), strict=True)) for column in frame.columns
    ]
    return named, list(frame.index), frame.to_numpy(np.float64)


def _read_csv(path: Path) -> _Parsed:
    lines = list(
        read_lines(path, "DeepLabCut's header lines scorer, bodyparts, coords")
    )
    heads: dict[str, list[str]] = {}
    while lines and lines[0][1][0] in _LEVELS:
        row = lines.pop(0)[1]
        heads[row[0]] = row
    if not {"bodyparts", "coords"} <= heads.keys():
        raise FormatError(
            f"'{path.name}' does not begin with the lines scorer, bodyparts, coords."
        )
    if not lines:
        raise FormatError(f"'{path.name}' holds header lines but no rows.")
    width = len(heads["coords"])
    # The labels of rows take one column, or three: folder, video, image.
    first = next((i for i, c in enumerate(heads["coords"][1:], 1) if c), width)
    for line, row in [*((0, head) for head in heads.values()), *lines]:
        if len(row) != width:
            raise FormatError(
                f"'{path.name}', {f'line {line}' if line else 'header'}: {len(row)} "
                f"cells, but there are {width} columns; complete or remove that line."
            )
    columns = [
        {level: head[i] for level, head in heads.items()} for i in range(first, width)
    ]
    cells = np.array([_numbers(path, line, row[first:]) for line, row in lines])
    index: list[Any] = [
        row[0] if first == 1 else tuple(row[:first]) for _, row in lines
    ]
    return columns, index, cells.reshape(len(lines), len(columns))


def _numbers(path: Path, line: int, cells: list[str]) -> list[float]:
    try:
        return [float(cell) if cell else np.nan for cell in cells]
    except ValueError as error:
        raise FormatError(
            f"'{path.name}', line {line}: {error}; correct it there."
        ) from error


def _first_lines(path: Path, count: int = 4) -> list[list[str]]:
    lines: list[list[str]] = []
    for _, row in read_lines(path, ""):
        lines.append(row)
        if len(lines) == count:
            break
    return lines
