"""Outlines of layers as soft alpha masks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes.textures import smooth_noise

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw


def _polar(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return x, y, radius, angle of a (size, size) canvas, in half-canvas units."""
    line = torch.linspace(-1, 1, size, device=device)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y, torch.hypot(x, y), torch.atan2(y, x)


def blob(draw: Draw, size: int) -> Tensor:
    """Return the signed distance (inside positive) of a wavy closed curve."""
    _, _, radius, angle = _polar(size, draw.device)
    outline = torch.full_like(radius, 0.65)
    for order in range(2, draw.integer(3, 7)):
        wave = torch.cos(order * angle + draw.uniform(0, 2 * math.pi))
        outline = outline + draw.uniform(0, 0.3 / order) * wave
    return outline.clamp(0.2, 0.92) - radius


def ellipse(draw: Draw, size: int) -> Tensor:
    """Return the signed distance of an ellipse of random axes and direction."""
    x, y, _, _ = _polar(size, draw.device)
    turn = draw.uniform(0, math.pi)
    long, short = 0.9, 0.9 * draw.uniform(0.3, 1)
    u = (x * math.cos(turn) + y * math.sin(turn)) / long
    v = (y * math.cos(turn) - x * math.sin(turn)) / short
    return (1 - torch.hypot(u, v)) * short


def polygon(draw: Draw, size: int) -> Tensor:
    """Return the signed distance of a convex polygon with 3 to 7 corners."""
    x, y, _, _ = _polar(size, draw.device)
    sides = draw.integer(3, 7)
    start = draw.uniform(0, 2 * math.pi)
    distance = 0.92 - torch.hypot(x, y)
    for side in range(sides):
        turn = start + 2 * math.pi * (side + draw.uniform(-0.25, 0.25)) / sides
        edge = draw.uniform(0.35, 0.7)
        distance = torch.minimum(
            distance, edge - x * math.cos(turn) - y * math.sin(turn)
        )
    return distance


def star(draw: Draw, size: int) -> Tensor:
    """Return the signed distance of a star with 3 to 8 arms."""
    _, _, radius, angle = _polar(size, draw.device)
    arms = draw.integer(3, 8)
    phase = (angle + draw.uniform(0, 6.3)) * arms / (2 * math.pi)
    saw = 2 * (phase - phase.floor() - 0.5).abs()
    inner = draw.uniform(0.25, 0.6)
    return (inner + (0.92 - inner) * saw - radius) * 0.6


def limb(draw: Draw, size: int) -> Tensor:
    """Return the signed distance of a tapering rod along x, as wide as 1/5 to 1/2."""
    x, y, _, _ = _polar(size, draw.device)
    start, end = draw.uniform(0.12, 0.28), draw.uniform(0.08, 0.2)
    reach = 0.92 - max(start, end)
    along = x.clamp(-reach, reach)
    thick = start + (end - start) * (along / reach + 1) / 2
    return thick - torch.hypot(x - along, y)


SHAPES = (blob, blob, ellipse, polygon, star, limb)


def capsule(
    length: float, start: float, end: float, density: float, device: torch.device
) -> Tensor:
    """Return the signed distance (h, w) of a tapering rod along x, in frame pixels.

    The round ends are centred ``length`` apart, half as far from the middle; ``start``
    and ``end`` are their radii. The rim is at least two pixels wide.
    """
    thick = max(start, end)
    rows = math.ceil((2 * thick + 4) * density) | 1
    columns = math.ceil((length + 2 * thick + 4) * density) | 1
    y = (torch.arange(rows, device=device) - rows // 2)[:, None] / density
    x = (torch.arange(columns, device=device) - columns // 2)[None] / density
    along = x.clamp(-length / 2, length / 2)
    radius = start + (end - start) * (along / max(length, 1e-6) + 0.5)
    return radius - torch.hypot(y, x - along)


def ragged(draw: Draw, distance: Tensor) -> Tensor:
    """Fray an outline as fur, hair or leaves do."""
    size = distance.shape[0]
    rough = smooth_noise(draw, size, size, draw.uniform(0.8, 2.5))
    return distance + draw.uniform(0.03, 0.12) * rough


def alpha_of(distance: Tensor, softness: float) -> Tensor:
    """Turn a signed distance into alpha with an edge ``softness`` pixels wide."""
    pixels = distance * (distance.shape[0] - 1) / 2
    return (pixels / softness + 0.5).clamp(0, 1)
