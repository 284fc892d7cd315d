"""Local correlation by one gather and one matrix product per pyramid level.

All samples of a point share one fractional offset, and bilinear interpolation
commutes with the dot product. So the (2r+2)^2 whole-pixel neighbours are gathered,
multiplied with the support vectors, and the products are interpolated.
Offsets are x-major throughout: entry (a, b) lies at (x + a - r, y + b - r).
CoTracker 3 correlates patches with patches (``correlate``), CoTracker 1 and 2 one
feature per track and frame with patches (``correlate_feature``).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_cotracker.model.gradients import interpolate


class FeatureLevel(NamedTuple):
    """One pyramid level as rows: ``rows`` (B * T * H * W, C) and its grid shape.

    With ``beside``, they are those of a packed tensor (``fine_map.packed``): so many of
    another map, then four of this one, and so on.
    """

    rows: Tensor
    n_frames: int
    height: int
    width: int
    beside: int = 0

    @property
    def channels(self) -> int:
        """C, of every row."""
        return self.rows.shape[-1]

    def find(self, frame: Tensor, row: Tensor, column: Tensor) -> Tensor:
        """Return which rows lie at these places; frames count through all clips."""
        if not self.beside:
            return (frame * self.height + row) * self.width + column
        pixel = row % 2 * self.width + column
        cell = (frame * self.height + row) // 2 * (self.width // 2) + pixel // 4
        return cell * (self.beside + 4) + self.beside + pixel % 4


def build_pyramid(
    features: Tensor, levels: int, dtype: torch.dtype | None = None
) -> list[FeatureLevel]:
    """Average-pool (B, T, H, W, C) features into ``levels`` levels of rows.

    ``dtype`` is that of the rows: gathered rows are multiplied as they are, so rows in
    the arithmetic of the product are gathered with half the traffic and no conversion.
    """
    maps = features.flatten(0, 1).permute(0, 3, 1, 2)  # (B * T, C, H, W)
    pyramid = []
    for level in range(levels):
        if level:
            maps = F.avg_pool2d(maps, 2, 2)
        rows = maps.permute(0, 2, 3, 1).unflatten(0, features.shape[:2])
        pyramid.append(as_level(rows, dtype))
    return pyramid


def as_level(features: Tensor, dtype: torch.dtype | None = None) -> FeatureLevel:
    """Take (B, T, H, W, C) features as they are for one level."""
    n_frames, height, width, channels = features.shape[1:]
    rows = features.reshape(-1, channels).to(dtype or features.dtype)
    return FeatureLevel(rows, n_frames, height, width)


def gather_neighbours(
    level: FeatureLevel, frame: Tensor, xy: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    """Gather the whole-pixel neighbours of each position.

    Parameters
    ----------
    level : FeatureLevel
    frame : (B, M) int64
        Frame index of each position.
    xy : (B, M, 2)
        Positions in pixels of this level.
    radius : int
        r.

    Returns
    -------
    neighbours : (B, M, 2r+2, 2r+2, C), x-major
    fraction : (B, M, 2)
    """
    column, row, fraction = _taps(level, xy, radius)
    # Clamped taps equal border padding, also for positions outside the image.
    column = column.clamp(0, level.width - 1)
    row = row.clamp(0, level.height - 1)
    batch = torch.arange(len(xy), device=xy.device)[:, None]
    frame = (batch * level.n_frames + frame)[..., None, None]
    index = level.find(frame, row[..., None, :], column[..., :, None])
    picked = level.rows.index_select(0, index.flatten())
    return picked.reshape(*index.shape, -1), fraction


def sample_support(
    level: FeatureLevel, frame: Tensor, xy: Tensor, radius: int
) -> Tensor:
    """Sample the (2r+1)^2 support patch of each query; (B, N, (2r+1)^2, C)."""
    neighbours, fraction = gather_neighbours(level, frame, xy, radius)
    return interpolate(neighbours.float(), fraction).flatten(2, 3)


def correlate(level: FeatureLevel, support: Tensor, xy: Tensor, radius: int) -> Tensor:
    """Correlate each track's support patch with its surroundings in every frame.

    Parameters
    ----------
    level : FeatureLevel
        Of the S frames of the window.
    support : (B, N, (2r+1)^2, C)
    xy : (B, N, S, 2)
        Current positions in pixels of this level.
    radius : int

    Returns
    -------
    (B, N, S, (2r+1)^4): target offset slow, support offset fast.
    """
    batch, n_points, n_frames, _ = xy.shape
    frame = torch.arange(n_frames, device=xy.device).repeat(n_points)
    neighbours, fraction = gather_neighbours(
        level, frame.expand(batch, -1), xy.flatten(1, 2), radius
    )
    side, channels = neighbours.shape[2], neighbours.shape[-1]
    patches = neighbours.reshape(batch * n_points, n_frames * side**2, channels)
    keys = support.flatten(0, 1).transpose(1, 2)  # (B * N, C, K^2)
    products = torch.bmm(patches, keys).float()
    products = products.reshape(batch, n_points * n_frames, side, side, -1)
    volume = interpolate(products, fraction)  # (B, N * S, K, K, K^2)
    return volume.reshape(batch, n_points, n_frames, -1)


def correlate_feature(
    level: FeatureLevel,
    track_features: Tensor,
    xy: Tensor,
    radius: int,
    *,
    zero_outside: bool,
) -> Tensor:
    """Correlate one feature per track and frame with its surroundings.

    Parameters
    ----------
    level : FeatureLevel
        Of the S frames of the window.
    track_features : (B, S, N, C)
    xy : (B, S, N, 2)
        Current positions in pixels of this level.
    radius : int
    zero_outside : bool
        Whether nothing lies beyond the border (CoTracker 1), or its last pixels.

    Returns
    -------
    (B, S, N, (2r+1)^2)
    """
    batch, n_frames, n_points, channels = track_features.shape
    flat_xy = xy.flatten(1, 2)  # (B, S * N, 2)
    frame = torch.arange(n_frames, device=xy.device).repeat_interleave(n_points)
    neighbours, fraction = gather_neighbours(
        level, frame.expand(batch, -1), flat_xy, radius
    )
    patches = neighbours.flatten(2, 3).flatten(0, 1)  # (B * S * N, (2r+2)^2, C)
    keys = track_features.reshape(-1, channels, 1)
    products = torch.bmm(patches, keys).float().reshape(*neighbours.shape[:-1], 1)
    if zero_outside:
        column, row, _ = _taps(level, flat_xy, radius)
        inside_x = (column >= 0) & (column < level.width)
        inside_y = (row >= 0) & (row < level.height)
        products = (
            products * (inside_x[..., :, None] & inside_y[..., None, :])[..., None]
        )
    volume = interpolate(products, fraction) / channels**0.5
    return volume.reshape(batch, n_frames, n_points, -1)


def _taps(
    level: FeatureLevel, xy: Tensor, radius: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Find whole-pixel columns and rows (..., 2r+2) round each position."""
    # Far outside nothing changes any more, but the index would overflow.
    limit = xy.new_tensor([level.width + radius + 1, level.height + radius + 1])
    xy = torch.minimum(xy.clamp_min(-radius - 2.0), limit)
    corner = xy.floor()
    reach = torch.arange(-radius, radius + 2, device=xy.device)
    column, row = (part[..., None] + reach for part in corner.long().unbind(-1))
    return column, row, xy - corner
