"""DeepLabCut predictions, CSV or HDF5, single and multi animal.

Columns scorer, (individuals,) bodyparts, coords = x, y, likelihood; one row per frame
from frame 0 (of frames without a row nothing is known). x and y are pixels, (0, 0) =
centre of the top-left pixel; HDF5 key ``df_with_missing``. ``likelihood`` is the
confidence; **0 marks an occluded point**, whose position is kept, and one that is not
known (x and y empty). Names "mouse1/nose" become individuals, who all have all parts.
Not held: visibility, the confidence of occluded points, which points were placed by
hand, the numbers of tracks, frame rate, times and frame size.
In files of others a likelihood below 0.5 counts as occluded, and rows may be images
``labeled-data/<folder>/img0012.png``, as in the machine labels that are to be refined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import from_grid, known_cells
from napari_cotracker.io.codecs.dlc_table import (
    SCORER,
    WideTable,
    are_images,
    coordinates_inside,
    frames_of_images,
    read_wide,
    write_wide,
)
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.naming import distinct_names
from napari_cotracker.io.single_score import from_score, to_score

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

COORDS = ("x", "y", "likelihood")
KEY = "df_with_missing"
# One absurd frame number must not ask for all the memory.
_MOST_FRAMES_PER_ROW, _SHORT = 1000, 1000
HOLDS = frozenset({"position", "occluded position", "visible", "confidence", "frames"})


def matches(path: Path) -> bool:
    """Tell whether it is a table with likelihoods."""
    return set(COORDS) <= (coordinates_inside(path) or set())


def write(tracks: Tracks, path: Path) -> None:
    """Write every known position."""
    known = known_cells(tracks)
    values = np.dstack([tracks.xy, to_score(tracks)])
    values[~known] = np.nan
    # Readers drop rows of nothing but NaN (movement 0.15 does), and frames shift.
    values[~known, 2] = 0
    index = list(range(tracks.n_frames))
    table = WideTable(SCORER, distinct_names(tracks), values, COORDS, index)
    write_wide(table, path, KEY)


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        It is not a table of predictions.
    """
    table = read_wide(path, COORDS)
    values = _by_frame(table)
    visible, confidence = from_score(values[..., 2], ours=table.scorer == SCORER)
    return from_grid(
        values[..., :2], table.name, visible=visible, confidence=confidence
    )


def _by_frame(table: WideTable) -> npt.NDArray[np.float64]:
    """Return the values with one row for every frame from 0.

    DeepLabCut's tracks of several animals begin with the first frame that has one.
    """
    try:
        if are_images(table.index):
            numbers = frames_of_images(table.index).astype(np.float64)
        else:
            numbers = np.array([float(label) for label in table.index])
    except (TypeError, ValueError) as error:
        raise FormatError(
            f"Its rows are not numbered by frame ({error}); expected 0, 1, 2, ..."
        ) from error
    with np.errstate(invalid="ignore"):
        frames = numbers.astype(np.int64)
    whole = (numbers == frames) & (numbers >= 0)
    if not whole.all() or len(np.unique(frames)) < len(frames):
        raise FormatError(
            f"Its {len(numbers)} rows are not numbered by frame, each frame once from "
            "0 on; correct the first column."
        )
    length = int(frames.max()) + 1
    if length > _MOST_FRAMES_PER_ROW * (len(frames) + _SHORT):
        raise FormatError(
            f"{length} frames for {len(frames)} rows is not plausible; correct the "
            f"frame number {length - 1}."
        )
    values = np.full((length, *table.values.shape[1:]), np.nan)
    values[frames] = table.values
    return values


FORMAT = TracksFormat(
    "dlc",
    "DeepLabCut predictions (CSV or HDF5)",
    (".dlc.h5", ".dlc.csv", ".h5", ".hdf5", ".csv"),
    matches,
    read,
    write,
    HOLDS,
)
