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

    from napari_cotracker.training.scenes.draw import Draw

# Bound on the gradient of the elastic field, far below 1: no folding, and 24
# fixed-point steps leave 0.4^24 of the first error, below 1e-8 px.
STEEPEST = 0.4
# Rows and columns of a part of the frame, each from first to one past the last.
Box = tuple[tuple[int, int], tuple[int, int]]
WAVES = 3


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

    def at(self, frames: Tensor) -> Warp:
        """Return the warp at the given frame indices only."""
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

    def box_of(self, half_xy: Tensor, size: tuple[int, int]) -> Box:
        """Return the pixel rows and columns a surface of this half size ever covers."""
        half = half_xy + self.amplitude.abs().sum(1).amax(0)
        signs = torch.tensor([[-1, -1], [-1, 1], [1, -1], [1, 1]]).to(half)
        corners = (half * signs) @ self.matrix[:, :2, :2].mT
        corners = (corners + self.matrix[:, None, :2, 2]).flatten(0, 1)
        x0, y0 = corners.amin(0).floor().long().tolist()
        x1, y1 = (corners.amax(0).ceil().long() + 1).tolist()
        height, width = size
        rows = (min(max(y0, 0), height), max(min(y1, height), 0))
        return rows, (min(max(x0, 0), width), max(min(x1, width), 0))

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


def series(draw: Draw, frames: int, count: int) -> Tensor:
    """Draw ``count`` random motions (T, count) whose fastest step is 1 per frame.

    Each is a drift, an oscillation, an AR(2) process or a shake.
    """
    time = torch.arange(frames, dtype=torch.float64, device=draw.device)
    lag = (time[:, None] - time[None])[..., None]  # (T, T, 1)
    past = (lag >= 0).double()
    kicks = draw.randn(frames, count).double()
    kind, period, start, decay = draw.rand(4, count).double()
    period = 4 + 36 * period
    wave = torch.sin(2 * math.pi * (time[:, None] / period + start))
    # AR processes as matrix products with their impulse responses.
    swing = (0.8 + 0.18 * decay) ** lag * torch.cos(3 * lag / period) * past
    walk = torch.einsum("tsn,sn->tn", swing, kicks.cumsum(0))
    shake = torch.einsum("tsn,sn->tn", (0.6**lag * past).expand_as(swing), kicks)
    table = torch.where(kind < 0.3, time[:, None] + 0.05 * period * wave, wave)
    table = torch.where(kind >= 0.5, walk, table)
    table = torch.where(kind >= 0.9, shake, table)
    fastest = table.diff(dim=0).abs().amax(0).clamp_min(1e-9)
    return (table - table[draw.integer(0, frames - 1)]) / fastest


def _soft_limit(values: Tensor, limit: float) -> Tensor:
    return limit * torch.tanh(values / limit)


def plane_motion(
    draw: Draw, frames: int, speed: float, radius: float, shares: tuple[float, ...]
) -> Tensor:
    """Draw (T, 3, 3) motion about the origin, at most ``speed`` px per frame.

    ``shares`` are the parts of the speed spent on translation, rotation, scale
    and shear, measured at ``radius`` pixels from the origin.
    """
    total = sum(shares) or 1.0
    move, turn, grow, skew = (speed * share / total for share in shares)
    motion = series(draw, frames, 5)
    heading = draw.uniform(0, 2 * math.pi)
    angle = motion[:, 2] * turn / radius
    scale = torch.exp(_soft_limit(motion[:, 3] * grow / radius, 0.35))
    shear = _soft_limit(motion[:, 4] * skew / radius, 0.25)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    matrix = torch.eye(3, dtype=torch.float64, device=draw.device).repeat(frames, 1, 1)
    matrix[:, 0, 0], matrix[:, 0, 1] = cosine, shear * cosine - sine
    matrix[:, 1, 0], matrix[:, 1, 1] = sine, shear * sine + cosine
    sway = draw.uniform(0, 0.7)
    first, second = move * (1 - 0.3 * sway) * motion[:, 0], move * sway * motion[:, 1]
    matrix[:, 0, 2] = first * math.cos(heading) - second * math.sin(heading)
    matrix[:, 1, 2] = first * math.sin(heading) + second * math.cos(heading)
    return matrix


def drifting(draw: Draw, places_xy: Tensor, frames: int, speed: float) -> list[Warp]:
    """Draw motion for many small rigid things: a common flow and each one's own."""
    count, device = len(places_xy), draw.device
    common = draw.uniform(0, 1) if draw.chance(0.5) else 0.0
    own = series(draw, frames, 2 * count).view(frames, count, 2)
    flow = series(draw, frames, 2)[:, None]
    share = speed * (0.3 + 0.7 * draw.rand(count, 1).double()) / math.sqrt(2)
    places = places_xy + share * (common * flow + (1 - common) * own)
    turn = 2 * math.pi * draw.rand(count).double() + share[:, 0] * 0.05 * own[..., 0]
    matrix = torch.zeros(count, frames, 3, 3, dtype=torch.float64, device=device)
    matrix[..., 0, 0] = matrix[..., 1, 1] = turn.cos().T
    matrix[..., 1, 0], matrix[..., 0, 1] = turn.sin().T, -turn.sin().T
    matrix[..., :2, 2] = places.transpose(0, 1)
    matrix[..., 2, 2] = 1
    return [unbent(one) for one in matrix]


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


def elastic_warp(draw: Draw, matrix: Tensor, speed: float, radius: float) -> Warp:
    """Add smooth elastic waves of at most ``speed`` px per frame to a plane motion."""
    frames, device = len(matrix), draw.device
    lengths = radius * (0.8 + 2.7 * draw.rand(WAVES).double())
    turns = 2 * math.pi * draw.rand(WAVES).double()
    number = (2 * math.pi / lengths)[:, None]
    wave = number * torch.stack([turns.cos(), turns.sin()], 1)
    motion = series(draw, frames, 2 * WAVES).view(frames, WAVES, 2)
    limit = STEEPEST / WAVES / math.sqrt(2) / number
    amplitude = limit * torch.tanh(motion * speed / WAVES / limit)
    travel = draw.uniform(0, 1) if draw.chance(0.3) else 0.0
    drift = travel * torch.arange(frames, device=device, dtype=torch.float64) / 16
    phase = 2 * math.pi * draw.rand(WAVES).double() + drift[:, None]
    return Warp(matrix, wave, phase, amplitude)


def played(draw: Draw, frames: int) -> Tensor:
    """Return the frame order (T,): mostly plain, at times reversed or stuttering."""
    order = torch.arange(frames, device=draw.device)
    if draw.chance(0.15):
        stays = (draw.rand(frames) < 0.2).long()
        order = (order - stays.cumsum(0)).clamp_min(0)
    return order.flip(0) if draw.chance(0.3) else order
