"""Support points: extra queries that give the network context; never returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# CoTracker's own evaluation surrounds each query with a grid of this extent, in
# model-frame pixels, and keeps global grids this share of the width off the border.
LOCAL_EXTENT = 50.0
MARGIN = 1 / 64


def global_grid(side: int, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Spread ``side`` x ``side`` points over an (H, W) model frame, (P, 2) xy."""
    rows, columns = size
    if side == 1:
        return np.array([[(columns - 1) / 2, (rows - 1) / 2]], np.float32)
    margin = columns * MARGIN
    x = np.linspace(margin, columns - 1 - margin, side)
    y = np.linspace(margin, rows - 1 - margin, side)
    return _product(x, y).astype(np.float32)


def local_grids(
    side: int, xy: npt.NDArray[np.float32], size: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Surround each of (N, 2) model-frame queries with ``side`` x ``side`` points.

    Returns
    -------
    points_xy : (P, 2) float32
        Those inside the (H, W) model frame that are not the query itself.
    owner : (P,) int64
        Index of the query that each belongs to.
    """
    half = LOCAL_EXTENT / 2 if side > 1 else 0.0
    reach = np.linspace(-half, half, side)
    offsets = _product(reach, reach)
    offsets = offsets[np.abs(offsets).max(axis=1, initial=0) > 1e-6]
    points = xy[:, None, :] + offsets  # (N, P, 2)
    owner = np.broadcast_to(np.arange(len(xy))[:, None], points.shape[:2])
    high = np.array(size[::-1]) - 1
    inside = ((points >= 0) & (points <= high)).all(axis=2)
    return points[inside].astype(np.float32), owner[inside].astype(np.int64)


def _product(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    columns, rows = np.meshgrid(x, y)
    return np.stack([columns.ravel(), rows.ravel()], axis=1)
