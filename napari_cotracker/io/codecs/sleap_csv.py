"""SLEAP's analysis CSV: one row per instance and frame.

Columns ``track`` (empty = none), ``frame_idx`` (from 0), ``instance.score`` and, per
node, ``<node>.x``, ``<node>.y``, ``<node>.score``, in any order. x and y are pixels,
(0, 0) = centre of the top-left pixel. Occluded positions are left out (empty cells), as
SLEAP does; the score is the confidence. Names "fly1/head" become instances of SLEAP
tracks. Not held: occluded positions, visibility, which points were placed by hand, the
numbers of tracks, frames after the last visible position, frame rate, times and frame
size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows, visible_cells
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.naming import NOBODY, Layout, distinct_names, join
from napari_cotracker.io.table import Table, csv_header, read_table, texts, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

HOLDS = frozenset({"position", "visible", "confidence"})
COLUMNS = ("track", "frame_idx", "instance.score")
COORDS = ("x", "y", "score")


def matches(path: Path) -> bool:
    """Tell whether the header is SLEAP's."""
    return set(COLUMNS) <= set(csv_header(path))


def write(tracks: Tracks, path: Path) -> None:
    """Write the visible positions.

    Raises
    ------
    FormatError
        No position is visible, or a part has a name that the header has already.
    """
    seen = visible_cells(tracks)
    layout = Layout.of(distinct_names(tracks))
    header = [*COLUMNS, *(f"{part}.{c}" for part in layout.parts for c in COORDS)]
    if len(set(header)) < len(header):
        raise FormatError(
            "A point called 'instance' would get the column 'instance.score', which "
            "SLEAP has already; rename it."
        )
    shape = (tracks.n_frames, len(layout.individuals), len(layout.parts), len(COORDS))
    cells = np.full(shape, np.nan, np.float32)
    for n, (individual, part) in enumerate(layout.place):
        values = np.column_stack([tracks.xy[:, n], tracks.confidence[:, n]])
        cells[:, individual, part] = np.where(seen[:, n, None], values, np.nan)
    write_table(path, [header, *_rows(cells, layout.individuals)])


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        The file is not of this format, or has several instances without a track on
        one frame; the message names line and column.
    """
    table = read_table(path, COLUMNS)
    individuals = list(dict.fromkeys(table.columns["track"]))
    owner = np.array([individuals.index(cell) for cell in table.columns["track"]])
    frame = table.frames("frame_idx")
    _refuse_unlinked(table, frame)
    table.refuse_duplicates(owner, frame)
    nodes = [c[:-2] for c in table.columns if c.endswith(".x")]
    if not nodes:
        raise FormatError(f"'{path.name}', line 1: no columns <node>.x; add them.")
    values = np.stack([_of_node(table, node) for node in nodes])  # (N, R, 3)
    node, row = np.nonzero(np.isfinite(values[..., :2]).all(axis=-1))
    number = owner[row] * len(nodes) + node
    ordered = np.lexsort((frame[row], number))
    node, row, number = node[ordered], row[ordered], number[ordered]
    names = [join(individual, node) for individual in individuals for node in nodes]
    found = values[node, row]
    return Rows(
        number,
        frame[row],
        found[:, :2],
        dict(enumerate(names)),
        {"confidence": found[:, 2]},
    ).to_tracks()


def _rows(
    cells: npt.NDArray[np.float32], individuals: tuple[str, ...]
) -> Iterator[list[object]]:
    for frame, i in np.argwhere(np.isfinite(cells[..., 0]).any(axis=-1)).tolist():
        scores = cells[frame, i, :, 2]
        scores = scores[np.isfinite(scores)]
        mean = str(scores.mean()) if len(scores) else ""
        who = "" if individuals[i] == NOBODY else individuals[i]
        yield [who, frame, mean, *texts(cells[frame, i].ravel())]


def _refuse_unlinked(table: Table, frame: npt.NDArray[np.int64]) -> None:
    alone = frame[[cell == "" for cell in table.columns["track"]]]
    found, count = np.unique(alone, return_counts=True)
    if (count > 1).any():
        raise FormatError(
            f"'{table.path.name}': frame {found[count > 1][0]} has two instances "
            "without a track, so it is not known which points belong together over "
            "time; assign tracks in SLEAP."
        )


def _of_node(table: Table, node: str) -> npt.NDArray[np.float64]:
    """Return x, y and score of a node, (R, 3)."""
    if f"{node}.y" not in table.columns:
        raise FormatError(
            f"'{table.path.name}', line 1: '{node}.x' has no column '{node}.y'; add it."
        )
    x, y = (table.numbers(f"{node}.{axis}", gaps=True) for axis in "xy")
    scored = f"{node}.score" in table.columns
    score = table.numbers(f"{node}.score", gaps=True) if scored else x * np.nan
    return np.column_stack([x, y, score])


FORMAT = TracksFormat(
    "sleap-csv",
    "SLEAP analysis CSV",
    (".analysis.csv", ".csv"),
    matches,
    read,
    write,
    HOLDS,
)
