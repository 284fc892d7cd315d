"""The two layers that show tracks: editable points, and trails.

Neither is ever removed or made anew while it is in the viewer: napari can crash when
a Points layer goes that has shown a selection (``METADATA_KEY`` marks them as ours).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.utils.colormaps import ensure_colormap

from napari_cotracker.tracks import Source
from napari_cotracker.widgets.coordinates import from_txy

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Points

    from napari_cotracker.tracks import Tracks
    from napari_cotracker.widgets.coordinates import PixelAxes

METADATA_KEY = "napari_cotracker"  # written here and by session.py, read by session.py
POINTS_SUFFIX = "tracked"
TRAILS_SUFFIX = "trails"
COLORMAP = "turbo"


@dataclass(frozen=True)
class PointsStyle:
    """Looks of the editable points: a disc, hollow where occluded, white if placed."""

    size: float
    symbol: str = "disc"
    border_width: float = 0.15
    occluded_alpha: float = 0.0
    placed_border: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)

    def as_kwargs(self) -> dict[str, Any]:
        """Return what ``add_points`` takes."""
        return {
            "size": self.size,
            "symbol": self.symbol,
            "border_width": self.border_width,
        }


@dataclass(frozen=True)
class TrailsStyle:
    """Looks of the trails."""

    tail_length: int = 25
    tail_width: float = 2
    opacity: float = 0.8

    def as_kwargs(self) -> dict[str, Any]:
        """Return what ``add_tracks`` takes."""
        return {
            "tail_length": self.tail_length,
            "tail_width": self.tail_width,
            "opacity": self.opacity,
            "color_by": "track_id",
            "colormap": COLORMAP,
        }


@dataclass(frozen=True, eq=False)
class Rows:
    """Known positions of tracks as rows, ordered by frame, then by track.

    Parameters
    ----------
    frame, column : (R,) int64
        Where each row stands in the arrays of the tracks.
    data : (R, D) float32
        In the axes of the result layers.
    """

    frame: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    data: npt.NDArray[np.float32]

    @classmethod
    def of(cls, tracks: Tracks, axes: PixelAxes) -> Rows:
        """Take every position that is known."""
        frame, column = np.nonzero(tracks.source != Source.EMPTY)
        txy = np.column_stack([frame, tracks.xy[frame, column]]).astype(np.float32)
        return cls(frame, column, from_txy(txy, axes).astype(np.float32))

    def same_cells(self, other: Rows | None) -> bool:
        """Tell whether the rows of both stand for the same positions."""
        return (
            other is not None
            and np.array_equal(self.frame, other.frame)
            and np.array_equal(self.column, other.column)
        )


def features_of(tracks: Tracks, rows: Rows) -> pd.DataFrame:
    """Return the feature table of the editable points, one line per row."""
    at = (rows.frame, rows.column)
    names = np.array(tracks.name, dtype=object)
    return pd.DataFrame(
        {
            "track_id": tracks.point_id[rows.column],
            "name": pd.Categorical.from_codes(
                _codes(tracks.name)[rows.column], list(dict.fromkeys(names))
            ),
            "source": tracks.source[at],
            "visibility": tracks.visibility[at],
            "confidence": tracks.confidence[at],
        }
    )


def colours_of(
    tracks: Tracks, rows: Rows, style: PointsStyle
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return face and border colours, (R, 4) each."""
    at = (rows.frame, rows.column)
    face = track_colours(tracks.point_id)[rows.column]
    border = face.copy()
    face[~tracks.visible[at], 3] = style.occluded_alpha
    border[tracks.source[at] == Source.MANUAL] = style.placed_border
    return face, border


def track_colours(point_id: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the colour of each track, (N, 4), as a Tracks layer chooses it."""
    low, high = point_id.min(), point_id.max()
    place = (point_id - low) / max(high - low, 1)
    return np.asarray(ensure_colormap(COLORMAP).map(place), np.float32)


def trail_rows(tracks: Tracks, rows: Rows) -> npt.NDArray[np.float32]:
    """Return rows (id, t, ..., y, x) ordered by track, then by frame."""
    ids = tracks.point_id[rows.column]
    order = np.lexsort((rows.frame, ids))
    return np.column_stack([ids, rows.data])[order]


def write_points(
    layer: Points, tracks: Tracks, rows: Rows, style: PointsStyle, *, in_place: bool
) -> None:
    """Show rows in a Points layer, keeping the selection if rows stand for the same.

    Parameters
    ----------
    in_place : bool
        The layer already holds these positions in this order.
    """
    if in_place and len(layer.data) == len(rows.data):
        layer.data[:] = rows.data
    else:
        # A selected index beyond the new end would be an error inside napari.
        layer.selected_data = set()
        layer.data = rows.data
    if len(rows.data) == 0:
        return
    layer.features = features_of(tracks, rows)
    face, border = colours_of(tracks, rows, style)
    layer.face_color = face
    layer.border_color = border
    layer.refresh()


def point_size(size: tuple[int, int]) -> float:
    """Return a point diameter that is easy to grab in an image of (H, W) pixels."""
    return float(np.clip(0.022 * min(size), 3, 40))


def _codes(names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    order = {name: code for code, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], np.int64)
