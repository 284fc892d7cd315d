"""Tracks as rows of napari's layers: which positions are shown, and in what colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from napari.utils.colormaps import ensure_colormap

from napari_cotracker.tracks import Source
from napari_cotracker.widgets.layers.coordinates import from_txy

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks
    from napari_cotracker.widgets.layers.coordinates import PixelAxes

    Floats = npt.NDArray[np.float32]
    Integers = npt.NDArray[np.int64]

COLORMAP = "turbo"
# Multiples of it, modulo 1, lie far apart for neighbouring identities.
GOLDEN_RATIO = 0.618034
OCCLUDED_ALPHA = 0.0
PLACED_BORDER = (1.0, 1.0, 1.0, 1.0)
# Frames by which the trails reach further than they are drawn, to be stepped through.
TRAILS_SLACK = 15


@dataclass(frozen=True, eq=False)
class Rows:
    """Known positions of tracks as rows, ordered by frame, then by track.

    Parameters
    ----------
    frame, column, point_id : (R,) int64
        Where each row stands in the arrays of the tracks, and whose it is.
    xy : (R, 2) float32
    span : (first, last)
        Frames, both inclusive, whose known positions these are.
    """

    frame: Integers
    column: Integers
    point_id: Integers
    xy: Floats
    span: tuple[int, int]

    @classmethod
    def of(cls, tracks: Tracks, span: tuple[int, int]) -> Rows:
        """Take every known position of some frames."""
        first, last = span
        known = tracks.source[first : last + 1] != Source.EMPTY
        frame, column = np.nonzero(known)
        frame += first
        ids = tracks.point_id[column]
        return cls(frame, column, ids, tracks.xy[frame, column], span)

    def __len__(self) -> int:
        """Return R."""
        return len(self.frame)

    def data(self, axes: PixelAxes) -> Floats:
        """Return the rows in the axes of the result layers, (R, D)."""
        return _data(self.frame, self.xy, axes)

    def same_cells(self, other: Rows | None) -> bool:
        """Tell whether the rows of both stand for the same positions."""
        return (
            other is not None
            and np.array_equal(self.frame, other.frame)
            and np.array_equal(self.point_id, other.point_id)
        )

    def of_tracks(
        self, point_ids: tuple[int, ...], frame: int
    ) -> npt.NDArray[np.bool_]:
        """Mark the rows of some tracks on a frame."""
        return (self.frame == frame) & np.isin(self.point_id, point_ids)

    def standing_for(self, other: Rows | None, rows: Iterable[int]) -> set[int]:
        """Return the rows of the same positions as some rows of another.

        If these are of one frame only, those of the same tracks.
        """
        if other is None:
            return set()
        at = [i for i in rows if i < len(other)]
        cells, wanted = self.point_id, other.point_id
        if self.span[0] != self.span[1]:
            n_frames = max(self.span[1], other.span[1]) + 1
            cells, wanted = (x.point_id * n_frames + x.frame for x in (self, other))
        return set(np.flatnonzero(np.isin(cells, wanted[at])).tolist())


class IdentityColours:
    """Colours of tracks that do not depend on which others are shown.

    Stands where a Tracks layer expects a colormap.
    """

    def map(self, values: npt.ArrayLike) -> Floats:
        """Return the colours (N, 4) of identities (N,)."""
        place = np.asarray(values, np.float64) * GOLDEN_RATIO % 1
        return np.asarray(ensure_colormap(COLORMAP).map(place), np.float32)


def features_of(tracks: Tracks, rows: Rows) -> pd.DataFrame:
    """Return the feature table of the editable points, one line per row."""
    at = (rows.frame, rows.column)
    known = dict.fromkeys(tracks.name)
    code = {name: place for place, name in enumerate(known)}
    codes = np.array([code[name] for name in tracks.name], np.int64)
    return pd.DataFrame(
        {
            "track_id": tracks.point_id[rows.column],
            "name": pd.Categorical.from_codes(codes[rows.column], list(known)),
            "source": tracks.source[at],
            "visibility": tracks.visibility[at],
            "confidence": tracks.confidence[at],
        }
    )


def colours_of(tracks: Tracks, rows: Rows) -> tuple[Floats, Floats]:
    """Return face and border colours, (R, 4) each: hollow if occluded, white if placed.

    Parameters
    ----------
    tracks : Tracks
    rows : Rows
    """
    at = (rows.frame, rows.column)
    face = IdentityColours().map(tracks.point_id)[rows.column]
    border = face.copy()
    face[~tracks.visible[at], 3] = OCCLUDED_ALPHA
    border[tracks.source[at] == Source.MANUAL] = PLACED_BORDER
    return face, border


def trail_span(frame: int, tail: int, head: int) -> tuple[int, int]:
    """Return the frames, first and last, that trails around a frame are made of."""
    # Whole steps: the trails are written again once in so many frames.
    frame = frame // TRAILS_SLACK * TRAILS_SLACK
    return frame - tail, frame + head + TRAILS_SLACK


def trail_rows(
    tracks: Tracks, axes: PixelAxes, span: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Return rows (id, t, ..., y, x) of some frames, ordered by track, then by frame.

    Where nothing is known there is one row: a Tracks layer cannot be empty, and a
    single position draws nothing.
    """
    first, last = span
    order = np.argsort(tracks.point_id)
    known = tracks.source[first : last + 1, order] != Source.EMPTY
    place, frame = np.nonzero(known.T)
    column, frame = order[place], frame + first
    data = _data(frame, tracks.xy[frame, column], axes)
    rows = np.column_stack([tracks.point_id[column], data])
    return rows if len(rows) else np.zeros((1, rows.shape[1]))


def _data(frame: Integers, xy: Floats, axes: PixelAxes) -> Floats:
    txy = np.column_stack([frame, xy]).astype(np.float32)
    return from_txy(txy, axes).astype(np.float32)
