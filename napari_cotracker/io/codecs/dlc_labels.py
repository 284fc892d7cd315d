"""DeepLabCut's labels, ``CollectedData_<scorer>`` as CSV or HDF5: for training it.

Columns scorer, (individuals,) bodyparts, coords = x, y; one row per labelled image
``labeled-data/<folder>/img0012.png``, whose number is the frame, from 0. x and y are
pixels, (0, 0) = centre of the top-left pixel; HDF5 key ``df_with_missing``. All visible
positions are written as labels, which read back as placed by hand; occluded positions
are left out. DeepLabCut expects the file in the folder of the images, whose name
stands in the rows. Not held: visibility, confidence, which points the model found, the
numbers of tracks, frames without a label, frame rate, times and frame size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows, known_cells
from napari_cotracker.io.codecs.dlc_table import (
    SCORER,
    WideTable,
    coordinates_inside,
    frames_of_images,
    read_wide,
    write_wide,
)
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.naming import distinct_names
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

COORDS = ("x", "y")
KEY = "df_with_missing"
_LEAST_DIGITS = 4


def matches(path: Path) -> bool:
    """Tell whether it is a table without likelihoods."""
    return coordinates_inside(path) == set(COORDS)


def write(tracks: Tracks, path: Path) -> None:
    """Write the visible positions as labels."""
    seen = known_cells(tracks) & tracks.visible
    frames = np.flatnonzero(seen.any(axis=1))
    if not len(frames):
        raise FormatError("No point is visible, so there is no label to write.")
    values = np.where(seen[..., None], tracks.xy, np.nan)[frames].astype(np.float64)
    digits = max(_LEAST_DIGITS, len(str(tracks.n_frames - 1)))
    folder = path.resolve().parent.name
    index: list[Any] = [
        ("labeled-data", folder, f"img{frame:0{digits}d}.png") for frame in frames
    ]
    table = WideTable(SCORER, distinct_names(tracks), values, COORDS, index)
    write_wide(table, path, KEY)


def read(path: Path) -> Tracks:
    """Read labels as positions placed by hand.

    Raises
    ------
    FormatError
        It is not a table of labels, or of several videos.
    """
    table = read_wide(path, COORDS)
    frame = frames_of_images(table.index)
    row, column = np.nonzero(np.isfinite(table.values).all(axis=-1))
    ordered = np.lexsort((frame[row], column))
    row, column = row[ordered], column[ordered]
    manual = np.full(len(row), Source.MANUAL, np.uint8)
    return Rows(
        column,
        frame[row],
        table.values[row, column],
        dict(enumerate(table.name)),
        {"source": manual},
    ).to_tracks()


FORMAT = TracksFormat(
    "dlc-labels",
    "DeepLabCut labels (CollectedData, CSV or HDF5)",
    (".dlc-labels.h5", ".dlc-labels.csv", ".h5", ".csv"),
    matches,
    read,
    write,
    frozenset({"position", "visible"}),
)
