"""CSV text as checked columns; every error names its line and column."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# Beyond this a float64 no longer holds every whole number.
_LARGEST_INTEGER = 2.0**53
# As float32 prints its largest number, which is a little above it.
_LARGEST_FLOAT32 = 3.4028235e38
# So much of a cell is shown in messages.
_SHOWN = 80
_LONGEST_HEADER = 1_000_000


@dataclass(frozen=True)
class Table:
    """The rows of a CSV file by column.

    Parameters
    ----------
    path : Path
        For messages.
    columns : dict of str to list of str
        Cells as they are in the file.
    lines : list of int
        Line of the file on which each row ends, from 1.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def numbers(self, column: str, *, gaps: bool = False) -> npt.NDArray[np.float64]:
        """Return a column as finite numbers; with ``gaps``, empty cells are NaN.

        Raises
        ------
        FormatError
            A cell holds something else.
        """
        cells = self.columns[column]
        filled = ["nan" if cell == "" else cell for cell in cells] if gaps else cells
        try:
            values = np.array([float(cell) for cell in filled])
        except ValueError:
            row = next(i for i, cell in enumerate(filled) if not is_number(cell))
            raise self.error(row, column, "a number") from None
        bad = ~(np.abs(values) <= _LARGEST_FLOAT32)  # also NaN
        for row in np.flatnonzero(bad).tolist():
            if not gaps or cells[row] != "":
                raise self.error(row, column, "a finite number up to 3e38")
        return values

    def integers(self, column: str) -> npt.NDArray[np.int64]:
        """Return a column as whole numbers.

        Raises
        ------
        FormatError
            A cell holds something else.
        """
        values = self.numbers(column)
        bad = (values != np.round(values)) | (np.abs(values) > _LARGEST_INTEGER)
        if bad.any():
            raise self.error(int(np.flatnonzero(bad)[0]), column, "a whole number")
        return values.astype(np.int64)

    def frames(self, column: str) -> npt.NDArray[np.int64]:
        """Return a column as frame numbers, 0 or more.

        Raises
        ------
        FormatError
            A cell holds something else.
        """
        values = self.integers(column)
        if (values < 0).any():
            raise self.error(int(np.argmax(values < 0)), column, "0 or more")
        return values

    def choices(self, column: str, allowed: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return a column of codes.

        Raises
        ------
        FormatError
            A cell holds something else than one of ``allowed``.
        """
        values = self.integers(column)
        bad = ~np.isin(values, list(allowed))
        if bad.any():
            listed = ", ".join(str(code) for code in allowed)
            raise self.error(int(np.flatnonzero(bad)[0]), column, f"one of {listed}")
        return values

    def rows(self, chosen: slice | list[int]) -> Table:
        """Return some of the rows.

        Raises
        ------
        FormatError
            None are left.
        """
        which = range(len(self))[chosen] if isinstance(chosen, slice) else chosen
        if not which:
            raise FormatError(f"'{self.path.name}' holds a header but no tracks.")
        columns = {
            key: [cells[i] for i in which] for key, cells in self.columns.items()
        }
        return Table(self.path, columns, [self.lines[i] for i in which])

    def error(self, row: int, column: str, expected: str) -> FormatError:
        """Make the error for one cell."""
        cell = _short(self.columns[column][row])
        return FormatError(
            f"'{self.path.name}', line {self.lines[row]}, column '{column}': expected "
            f"{expected}, found {cell!r}; correct it there."
        )

    def refuse_duplicates(
        self,
        first: npt.NDArray[np.int64],
        second: npt.NDArray[np.int64],
        column: str = "track",
    ) -> None:
        """Refuse two rows for one track and frame.

        Raises
        ------
        FormatError
            Names the lines of the first such pair.
        """
        order = np.lexsort((np.arange(len(first)), second, first))
        same = (np.diff(first[order]) == 0) & (np.diff(second[order]) == 0)
        if same.any():
            at = int(np.flatnonzero(same)[0])
            one, two = (self.lines[int(order[i])] for i in (at, at + 1))
            row = int(order[at])
            raise FormatError(
                f"'{self.path.name}', lines {one} and {two}: two rows for track "
                f"{self.columns[column][row]} on frame {second[row]}; keep one."
            )


def csv_header(path: Path) -> list[str]:
    """Return the cells of the first line, or [] if that is not text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline(_LONGEST_HEADER)
        return [cell.strip() for cell in next(csv.reader([line]), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def read_table(path: Path, required: Sequence[str]) -> Table:
    """Read a CSV file with a header line; further columns are kept too.

    Raises
    ------
    FormatError
        The file is missing, empty, no text, lacks a required column or has two, or a
        line has too few or too many cells.
    """
    lines = read_lines(path, f"the columns {','.join(required)}")
    header = [cell.strip() for cell in next(lines, (1, []))[1]]
    _check_header(path, header, required)
    columns: list[list[str]] = [[] for _ in header]
    numbers: list[int] = []
    for line, row in lines:
        numbers.append(line)
        for column, cell in zip(
            columns, _checked(path, line, row, header), strict=True
        ):
            # What repeats itself, names above all, is kept once.
            same = bool(column) and column[-1] == cell
            column.append(column[-1] if same else cell)
    if not numbers:
        raise FormatError(f"'{path.name}' holds a header but no rows.")
    return Table(path, _by_name(path, header, columns), numbers)


def read_lines(path: Path, expected: str) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a CSV file that are not blank, each with its line, from 1.

    Parameters
    ----------
    path : Path
    expected : str
        What should be in the file, for messages.

    Raises
    ------
    FormatError
        The file is missing, no text, or not CSV.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                # Spreadsheets leave a row of nothing but commas of a deleted one.
                if any(map(str.strip, row)):
                    yield reader.line_num, row
    except OSError as error:
        raise FormatError(
            f"'{path}' cannot be read ({error.strerror or error}); check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise FormatError(
            f"'{path.name}' is not text in UTF-8; expected a CSV file with {expected}."
        ) from error
    except csv.Error as error:
        raise FormatError(
            f"'{path.name}', line {reader.line_num}: {error}; correct it there."
        ) from error


def texts(values: npt.NDArray[np.floating]) -> list[str]:
    """Return the shortest texts that give the same numbers again; "" for NaN."""
    return ["" if np.isnan(value) else str(value) for value in values]


def write_table(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write rows of cells, the header first, as UTF-8 with Unix line ends.

    Raises
    ------
    FormatError
        A text cannot be written as UTF-8.
    OSError
        The disk says so.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            plain = csv.writer(file, lineterminator="\n")
            quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
            for row in rows:
                # Until Python 3.13 a bare carriage return is not quoted by itself.
                bare = any(isinstance(cell, str) and "\r" in cell for cell in row)
                (quoted if bare else plain).writerow(row)
    except (UnicodeEncodeError, csv.Error) as error:
        raise FormatError(
            f"A name cannot be written as CSV text ({error}); rename that track."
        ) from error


def _check_header(path: Path, header: list[str], required: Sequence[str]) -> None:
    if not any(header):
        raise FormatError(
            f"'{path.name}' is empty; expected a header line {','.join(required)}."
        )
    missing = [column for column in required if column not in header]
    if missing:
        other = len(header) == 1 and any(sign in header[0] for sign in ";\t")
        advice = (
            "write commas between columns, and points in numbers"
            if other
            else "correct that line"
        )
        raise FormatError(
            f"'{path.name}', line 1: column(s) {', '.join(missing)} missing; expected "
            f"{','.join(required)}, found {_short(','.join(header))!r}; {advice}."
        )


def _by_name(
    path: Path, header: list[str], columns: list[list[str]]
) -> dict[str, list[str]]:
    """Return the columns; one may be there twice (pandas writes an index so)."""
    named: dict[str, list[str]] = {}
    for name, cells in zip(header, columns, strict=True):
        if named.setdefault(name, cells) != cells and name:
            raise FormatError(
                f"'{path.name}', line 1: column '{name}' is there twice, with other "
                "cells; keep one."
            )
    return named


def _checked(path: Path, line: int, row: list[str], header: list[str]) -> list[str]:
    if len(row) != len(header):
        raise FormatError(
            f"'{path.name}', line {line}: {len(row)} cells, but the header has "
            f"{len(header)} columns; complete or remove that line."
        )
    return row


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number, NaN and infinity included."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
