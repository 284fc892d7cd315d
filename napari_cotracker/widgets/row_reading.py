"""What a person did to the rows of the editable layer, as an edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.tracks import Source
from napari_cotracker.widgets.edits import CellEdit, Cells, Labels, columns_of

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Reading:
    """Difference between the layer and the tracks it shows.

    Parameters
    ----------
    edit : CellEdit or None
        Positions that were moved, added or deleted.
    refused : int
        Rows that cannot be positions of a track (no such track, outside the image
        or the recording); the layer must be written again to drop them.
    """

    edit: CellEdit | None
    refused: int


def read_rows(
    labels: Labels, txy: npt.NDArray[np.float64], track_id: npt.ArrayLike
) -> Reading:
    """Compare the rows of the layer with the tracks.

    Parameters
    ----------
    labels : Labels
        What the layer was last written from.
    txy : (R, 3) float
        Rows of the layer as (t, x, y).
    track_id : (R,)
        Feature of the rows; NaN for a row of no track.

    Returns
    -------
    Reading
        Of several rows for one frame of one track the moved or added one counts.
    """
    tracks = labels.tracks
    ids = np.asarray(track_id, np.float64)
    column = columns_of(tracks, np.nan_to_num(ids, nan=-1).astype(np.int64))
    frame = np.rint(np.nan_to_num(txy[:, 0], nan=-1)).astype(np.int64)
    xy = txy[:, 1:].astype(np.float32)
    usable = (
        (column >= 0)
        & (frame >= 0)
        & (frame < tracks.n_frames)
        & _inside(xy, tracks.size)
    )
    known = tracks.source != Source.EMPTY
    present = np.zeros_like(known)
    # A row dragged out of the image is put back, not deleted.
    member = (column >= 0) & (frame >= 0) & (frame < tracks.n_frames)
    present[frame[member], column[member]] = True
    rows = np.flatnonzero(usable)
    old = tracks.xy[frame[rows], column[rows]]
    changed = rows[(old != xy[rows]).any(axis=1)]  # NaN differs from everything
    cell = frame[changed] * tracks.n_tracks + column[changed]
    _, last = np.unique(cell[::-1], return_index=True)
    moved = changed[::-1][last]
    gone_frame, gone_column = np.nonzero(known & ~present)
    return Reading(
        _edit(
            labels,
            np.concatenate([frame[moved], gone_frame]),
            np.concatenate([column[moved], gone_column]),
            xy[moved],
        ),
        int((~usable).sum()),
    )


def _edit(
    labels: Labels,
    frame: npt.NDArray[np.int64],
    column: npt.NDArray[np.int64],
    placed_xy: npt.NDArray[np.float32],
) -> CellEdit | None:
    if len(frame) == 0:
        return None
    placed = Cells.placed(placed_xy)
    gone = Cells.unknown(len(frame) - len(placed_xy))
    after = Cells(
        **{
            key: np.concatenate([getattr(placed, key), getattr(gone, key)])
            for key in Cells.__dataclass_fields__
        }
    )
    return CellEdit(
        frame,
        labels.tracks.point_id[column],
        Cells.of(labels, frame, column),
        after,
    )


def _inside(
    xy: npt.NDArray[np.float32], size: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    height, width = size
    x, y = xy.T
    # Half a pixel beyond the outermost centres is still on the image.
    return np.asarray(
        (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    )
