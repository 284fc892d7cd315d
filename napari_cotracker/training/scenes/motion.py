"""Motion of surfaces, with pixels and points driven by the same equations.

A surface point has material coordinates u (frame pixels, origin at the layer's
centre). A frame pixel x shows the point

    u = y + sum_k amplitude_k(t) * sin(wave_k . y + phase_k(t)),  y = M_t^-1 x

so rendering needs no inversion at all; points go the other way by a fixed point
that converges because the waves are kept shallow (:data:`STEEPEST`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


# Bound on the gradient of the elastic field, far below 1: no folding, and 24
# fixed-point steps leave 0.4^24 of the first error, below 1e-8 px.
STEEPEST = 0.4
# Rows and columns of a part of the frame, each from first to one past the last.
Box = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Warp:
    """Where a layer's surface is over time.

    Parameters
    ----------
    matrix : (T, 3, 3) float64
        Material plane to frame pixels, homogeneous.
    wave : (K, 2) float64
        Wave vectors in radians per pixel.
    phase : (T, K) float64
    amplitude : (T, K, 2) float64
        Pixels.
    """

    matrix: Tensor
    wave: Tensor
    phase: Tensor
    amplitude: Tensor

    def at(self, frames: Tensor | slice) -> Warp:
        """Return the warp at the given frames only."""
        return replace(
            self,
            matrix=self.matrix[frames],
            phase=self.phase[frames],
            amplitude=self.amplitude[frames],
        )

    def shifted(self, delay: float) -> Warp:
        """Return the warp a fraction of a frame later, for motion blur."""

        def later(values: Tensor) -> Tensor:
            padded = torch.cat([values[:1], values, values[-1:]])
            return values + delay * (padded[2:] - padded[:-2]) / 2

        return Warp(
            later(self.matrix), self.wave, later(self.phase), later(self.amplitude)
        )

    def moved_by(self, outer: Tensor) -> Warp:
        """Return the warp seen through a further plane motion (T, 3, 3)."""
        return replace(self, matrix=outer @ self.matrix)

    def _bump(self, y: Tensor) -> Tensor:
        """Elastic displacement at (T, N, 2)."""
        angle = y @ self.wave.T + self.phase[:, None]
        bump: Tensor = torch.sin(angle) @ self.amplitude
        return bump

    def material_at(self, xy: Tensor) -> Tensor:
        """Return material coordinates of frame places (T, N, 2), float64."""
        inverse = torch.linalg.inv(self.matrix)
        y = xy @ inverse[:, :2, :2].mT + inverse[:, None, :2, 2]
        material: Tensor = y + self._bump(y)
        return material

    def frame_at(self, material: Tensor) -> Tensor:
        """Return where (N, 2) surface points are in each frame, (T, N, 2) float64."""
        goal = material.expand(len(self.matrix), -1, -1)
        y = goal
        for _ in range(24 if len(self.wave) else 0):
            y = goal - self._bump(y)
        return y @ self.matrix[:, :2, :2].mT + self.matrix[:, None, :2, 2]

    def corners(self, half_xy: Tensor) -> Tensor:
        """Return corners (T, 4, 2) that enclose a surface of this half size."""
        half = half_xy + self.amplitude.abs().sum(1)  # (T, 2)
        signs = half.new_tensor([[-1, -1], [-1, 1], [1, -1], [1, 1]])
        spread = (half[:, None] * signs) @ self.matrix[:, :2, :2].mT
        corners: Tensor = spread + self.matrix[:, None, :2, 2]
        return corners

    def smallest_scale(self) -> float:
        """Return the strongest shrinking along any direction at any time."""
        scale = float(torch.linalg.svdvals(self.matrix[:, :2, :2]).min())
        return max(scale, 0.1)

    def pixel_grid(self, box: Box, scale_xy: Tensor) -> Tensor:
        """Return ``material * scale`` of the pixels of a box, (T, h, w, 2) float32.

        The sine of a plane wave over a pixel grid is a sum of two outer products,
        so that the whole grid is one small matrix product instead of sines.
        """
        inverse = torch.linalg.inv(self.matrix)
        (y0, y1), (x0, x1) = box
        device = inverse.device
        x = torch.arange(x0, x1, device=device, dtype=torch.float64)
        y = torch.arange(y0, y1, device=device, dtype=torch.float64)
        slope = self.wave @ inverse[:, :2, :2]  # (T, K, 2)
        start = inverse[:, :2, 2] @ self.wave.T + self.phase  # (T, K)
        along_x = slope[..., :1] * x + start[..., None]  # (T, K, W)
        along_y = slope[..., 1:] * y  # (T, K, H)
        ones = torch.ones_like(y).expand(len(inverse), 1, -1)
        left = torch.cat([along_y.cos(), along_y.sin(), ones, ones * y], 1)
        waves = torch.cat([along_x.sin(), along_x.cos()], 1)[..., None]
        bump = waves * self.amplitude.repeat(1, 2, 1)[:, :, None]  # (T, 2K, W, 2)
        flat = inverse[:, None, :2, 0] * x[:, None] + inverse[:, None, :2, 2]
        tilt = inverse[:, None, :2, 1].expand_as(flat)
        right = torch.cat([bump, flat[:, None], tilt[:, None]], 1) * scale_xy
        grid = left.float().mT @ right.float().flatten(2)  # (T, H, 2W)
        return grid.view(len(grid), len(y), len(x), 2)


def unbent(matrix: Tensor) -> Warp:
    """Return the warp of a plane motion (T, 3, 3) alone."""
    none = matrix.new_zeros(len(matrix), 0, 2)
    return Warp(matrix, matrix.new_zeros(0, 2), none[..., 0], none)


def placed(
    x: float, y: float, angle: float, scale: float, device: torch.device
) -> Tensor:
    """Return the (3, 3) float64 motion that turns, scales and puts the origin."""
    cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
    rows = [[cosine, -sine, x], [sine, cosine, y], [0.0, 0.0, 1.0]]
    return torch.tensor(rows, dtype=torch.float64, device=device)
