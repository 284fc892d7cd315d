"""What a person did to the rows of the editable layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.project import columns_of
from napari_cotracker.tracks.queries import within
from napari_cotracker.tracks.wording import counted

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks
    from napari_cotracker.widgets.layers.rows import Rows

    Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reading:
    """Difference between the layer and what was written into it.

    Parameters
    ----------
    frame, point_id : (P,) int64
        Positions that were moved or added.
    xy : (P, 2) float32
        Where they are now.
    gone_frame, gone_id : (G,) int64
        Positions that were deleted.
    outside : int
        Rows moved or added outside the image. A prediction there that stayed where it
        was is none.
    stray : int
        Rows of no track, or on no frame of the recording. To drop these and those, the
        layer must be written again.
    """

    frame: Integers
    point_id: Integers
    xy: npt.NDArray[np.float32]
    gone_frame: Integers
    gone_id: Integers
    outside: int
    stray: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done."""
        done = len(self.frame) or len(self.gone_frame)
        return not (done or self.outside or self.stray)

    @property
    def remark(self) -> str:
        """Return what could not be taken, and what to do instead; empty if nothing."""
        parts = []
        if self.outside:
            parts.append(
                f"{counted(self.outside, 'point')} put back: outside the image. "
                "Where a point is out of view hide its track (H) or end it."
            )
        if self.stray:
            parts.append(
                f"{counted(self.stray, 'point')} put back: of no track or frame. "
                "Add new points to your own Points layer and press Run."
            )
        return " ".join(parts)


def read_rows(
    tracks: Tracks,
    shown: Rows,
    txy: npt.NDArray[np.float64],
    track_id: npt.ArrayLike,
) -> Reading:
    """Compare the rows of the layer with those written into it.

    Parameters
    ----------
    tracks : Tracks
        Say which identities and frames there are, and how large the image is.
    shown : Rows
        What was written.
    txy : (R, 3) float
        Rows of the layer as (t, x, y).
    track_id : (R,)
        Feature of the rows; NaN for a row of no track.

    Returns
    -------
    Reading
        Of several rows for one frame of one track the moved or added one counts.
    """
    column = columns_of(
        tracks, np.nan_to_num(np.asarray(track_id, np.float64), nan=-1).astype(np.int64)
    )
    frame = np.rint(np.nan_to_num(txy[:, 0], nan=-1)).astype(np.int64)
    xy = txy[:, 1:].astype(np.float32)
    # A row dragged out of the image is put back, not deleted.
    member = (column >= 0) & (frame >= 0) & (frame < tracks.n_frames)
    cell = frame * tracks.n_tracks + column
    old_column = columns_of(tracks, shown.point_id)
    old_cell = shown.frame * tracks.n_tracks + old_column
    stayed = np.zeros(len(xy), np.bool_)
    was = _look_up(old_cell, shown.xy, cell[member])
    stayed[member] = (was == xy[member]).all(axis=1)
    usable = member & within(xy, tracks.size)
    changed = np.flatnonzero(usable & ~stayed)
    _, last = np.unique(cell[changed][::-1], return_index=True)
    moved = changed[::-1][last]
    gone = (old_column >= 0) & ~np.isin(old_cell, cell[member])
    return Reading(
        frame[moved],
        tracks.point_id[column[moved]],
        xy[moved],
        shown.frame[gone],
        shown.point_id[gone],
        int((member & ~usable & ~stayed).sum()),
        int((~member).sum()),
    )


def _look_up(
    cells: Integers, xy: npt.NDArray[np.float32], wanted: Integers
) -> npt.NDArray[np.float32]:
    """Return the positions (W, 2) of some cells; NaN, unlike all, for new ones."""
    found = np.full((len(wanted), 2), np.nan, np.float32)
    if len(cells):
        order = np.argsort(cells)
        place = order[
            np.minimum(np.searchsorted(cells, wanted, sorter=order), len(cells) - 1)
        ]
        same = cells[place] == wanted
        found[same] = xy[place[same]]
    return found
