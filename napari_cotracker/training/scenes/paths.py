"""Random motion over time: series, plane motion, roaming, elastic waves, playback."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes.motion import STEEPEST, Warp, unbent

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw

WAVES = 3
DARTS = 3


def series(draw: Draw, frames: int, count: int) -> Tensor:
    """Draw ``count`` random motions (T, count) whose fastest step is 1 per frame.

    Each is a drift, an oscillation, an AR(2) process, diffusion, a few darts between
    rests, a bouncing arc or a shake.
    """
    time = torch.arange(frames, dtype=torch.float64, device=draw.device)
    lag = (time[:, None] - time[None])[..., None]  # (T, T, 1)
    past = (lag >= 0).double()
    kicks = draw.randn(frames, count).double()
    kind, period, start, decay = draw.rand(4, count).double()
    period = 4 + 36 * period
    turns = time[:, None] / period + start
    wave = torch.sin(2 * math.pi * turns)
    # AR processes as matrix products with their impulse responses.
    swing = (0.8 + 0.18 * decay) ** lag * torch.cos(3 * lag / period) * past
    walk = torch.einsum("tsn,sn->tn", swing, kicks.cumsum(0))
    shake = torch.einsum("tsn,sn->tn", (0.6**lag * past).expand_as(swing), kicks)
    hop = 4 * turns.frac() * (1 - turns.frac())
    table = time[:, None] + 0.05 * period * wave
    darts = _darts(draw, time, count)
    others = (wave, walk, kicks.cumsum(0), darts, hop, shake)
    for begin, other in zip((0.2, 0.42, 0.62, 0.72, 0.86, 0.92), others, strict=True):
        table = torch.where(kind >= begin, other, table)
    fastest = table.diff(dim=0).abs().amax(0).clamp_min(1e-9)
    return (table - table[draw.integer(0, frames - 1)]) / fastest


def _darts(draw: Draw, time: Tensor, count: int) -> Tensor:
    """Draw rests with sudden moves between them, (T, count)."""
    moment = draw.rand(DARTS, count).double() * len(time)
    width = 0.4 + 2.5 * draw.rand(DARTS, count).double()
    height = draw.randn(DARTS, count).double()
    steps = torch.tanh((time[:, None, None] - moment) / width)  # (T, DARTS, count)
    return (steps * height).sum(1)


def folded(path: Tensor, limit: float) -> Tensor:
    """Reflect a path at +- ``limit``: what is fast comes back instead of vanishing."""
    phase = torch.remainder(path + limit, 4 * limit)
    return torch.where(phase > 2 * limit, 4 * limit - phase, phase) - limit


def _soft_limit(values: Tensor, limit: float) -> Tensor:
    return limit * torch.tanh(values / limit)


def plane_motion(
    draw: Draw,
    frames: int,
    speed: float,
    radius: float,
    shares: tuple[float, ...],
    roam: float = math.inf,
) -> Tensor:
    """Draw (T, 3, 3) motion about the origin, at most ``speed`` px per frame.

    ``shares`` are the parts of the speed spent on translation, rotation, scale
    and shear, measured at ``radius`` pixels from the origin. Translation is
    reflected ``roam`` pixels away from its start.
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
    if roam < math.inf:
        first, second = folded(first, roam), folded(second, roam)
    matrix[:, 0, 2] = first * math.cos(heading) - second * math.sin(heading)
    matrix[:, 1, 2] = first * math.sin(heading) + second * math.cos(heading)
    return matrix


def swing_motion(
    draw: Draw, frames: int, count: int, speed: float, reach: float
) -> Tensor:
    """Draw ``count`` angles (T, count) of limbs ``reach`` px long, speed at their end.

    Half of the time they share one rhythm, each with its own phase, as in a gait.
    """
    most = draw.uniform(0.3, 1.2)
    if draw.chance(0.5):
        time = torch.arange(frames, dtype=torch.float64, device=draw.device)
        period = draw.log_uniform(4, 40)
        phase = 2 * math.pi * draw.rand(count).double()
        wide = min(most, speed / reach * period / (2 * math.pi))
        return wide * torch.sin(2 * math.pi * time[:, None] / period + phase)
    return _soft_limit(series(draw, frames, count) * speed / reach, most)


def visit(draw: Draw, frames: int, stay: float, quickest: float) -> Tensor:
    """Draw (T,) from 0 (away) to 1 (there) and back after ``stay`` frames.

    ``quickest`` is the shortest time constant of coming and going, in frames.
    """
    time = torch.arange(frames, dtype=torch.float64, device=draw.device)
    come = draw.uniform(-0.3 * stay, frames - 0.3 * stay)
    width = quickest * draw.log_uniform(1, 6)
    arrived = torch.sigmoid((time - come) / width)
    return arrived - torch.sigmoid((time - come - stay) / width)


def drifting(
    draw: Draw, places_xy: Tensor, frames: int, speed: float, roam: float = math.inf
) -> list[Warp]:
    """Draw motion for many small rigid things: a common flow and each one's own."""
    count, device = len(places_xy), draw.device
    common = draw.uniform(0, 1) if draw.chance(0.5) else 0.0
    own = series(draw, frames, 2 * count).view(frames, count, 2)
    flow = series(draw, frames, 2)[:, None]
    share = speed * (0.3 + 0.7 * draw.rand(count, 1).double()) / math.sqrt(2)
    path = share * (common * flow + (1 - common) * own)
    places = places_xy + (folded(path, roam) if roam < math.inf else path)
    turn = 2 * math.pi * draw.rand(count).double() + share[:, 0] * 0.05 * own[..., 0]
    matrix = torch.zeros(count, frames, 3, 3, dtype=torch.float64, device=device)
    matrix[..., 0, 0] = matrix[..., 1, 1] = turn.cos().T
    matrix[..., 1, 0], matrix[..., 0, 1] = turn.sin().T, -turn.sin().T
    matrix[..., :2, 2] = places.transpose(0, 1)
    matrix[..., 2, 2] = 1
    return [unbent(one) for one in matrix]


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
