"""Many small things: swarms of spots, thrown balls, colonies of cells that divide."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes import shapes
from napari_cotracker.training.scenes.layers import DENSITY, Layer
from napari_cotracker.training.scenes.objects import REACH
from napari_cotracker.training.scenes.paths import drifting, elastic_warp

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.objects import Builder

DIVIDING = 0.3


def swarm(builder: Builder, count: int) -> list[Layer]:
    """Draw many small, almost identical particles, each on its own way."""
    draw = builder.draw
    radius = builder.grain * draw.log_uniform(1.2, 6)
    looks = [particle(builder, radius) for _ in range(draw.choice((1, 1, 2, 3)))]
    warps = drifting(
        draw,
        _scattered(builder, count),
        builder.options.frames,
        REACH * builder.speed,
        builder.roam(),
    )
    return [Layer(draw.choice(looks), warp) for warp in warps]


def balls(builder: Builder, count: int) -> list[Layer]:
    """Draw fast, alike, often plain round things that come back."""
    draw = builder.draw
    radius = builder.extent * draw.log_uniform(0.02, 0.09)
    looks = []
    for _ in range(draw.choice((1, 1, 2))):
        canvas = builder.cutout(radius, draw.choice((shapes.ellipse, shapes.blob)))
        if draw.chance(0.4):
            plain = draw.rand(builder.channels, 1, 1).expand_as(canvas[:-1])
            canvas = torch.cat([plain, canvas[-1:]])
        looks.append(canvas)
    far = builder.extent * draw.uniform(0.2, 0.6)
    speed = REACH * builder.speed * draw.log_uniform(1, 3)
    places = _scattered(builder, count)
    warps = drifting(draw, places, builder.options.frames, speed, far)
    return [Layer(draw.choice(looks), warp) for warp in warps]


def _scattered(builder: Builder, count: int) -> Tensor:
    extent = torch.tensor(builder.options.size[::-1], device=builder.draw.device)
    return builder.draw.rand(count, 2).double() * extent


def particle(builder: Builder, radius: float) -> Tensor:
    """Draw the canvas of a spot, a disc, a rod or a small textured body."""
    draw = builder.draw
    kind = draw.choice(("spot", "spot", "disc", "rod", "body"))
    if kind == "body" and radius > 3:
        return builder.cutout(radius * 1.2, shapes.ellipse)
    size = max(9, math.ceil(6 * radius * DENSITY) | 1)
    line = torch.linspace(-3, 3, size, device=draw.device)
    slim = draw.uniform(1.5, 3) if kind == "rod" else draw.uniform(1, 1.25)
    distance = (line[None] ** 2 + (slim * line[:, None]) ** 2).sqrt()
    if kind == "disc":
        alpha = torch.sigmoid((1.1 - distance) * 3 * radius)
    else:
        alpha = torch.exp(-(distance**2))
    # Zero at the rim, so that no frame of the canvas shows.
    alpha = (alpha - alpha[0].max()).clamp_min(0) * draw.uniform(0.7, 1)
    bright = draw.choice((0.0, 1.0, 1.0)) * draw.uniform(0.8, 1)
    colour = bright * torch.ones(builder.channels, size, size, device=draw.device)
    if builder.channels == 3:
        colour = torch.lerp(colour, draw.rand(3, 1, 1).expand_as(colour), 0.4)
    return torch.cat([colour, alpha[None]])


def colony(builder: Builder, count: int) -> list[Layer]:
    """Draw soft cells side by side, some of which divide."""
    draw = builder.draw
    radius = builder.extent * draw.log_uniform(0.035, 0.12)
    looks = [_cell(builder, radius) for _ in range(draw.choice((1, 2, 4)))]
    places = _packed(builder, count, radius * draw.uniform(1.5, 2.2))
    speed = REACH * builder.speed * draw.log_uniform(0.1, 1)
    warps = drifting(draw, places, builder.options.frames, speed, radius)
    cells = []
    for warp in warps:
        soft = elastic_warp(draw, warp.matrix, 0.3 * speed, radius)
        cell = Layer(draw.choice(looks), soft)
        divides = draw.chance(DIVIDING)
        cells += _divided(builder, cell, radius) if divides else [cell]
    return cells


def _cell(builder: Builder, radius: float) -> Tensor:
    """Draw the canvas of a cell, at times with a rim brighter than its inside."""
    draw = builder.draw
    canvas = builder.cutout(radius, draw.choice((shapes.blob, shapes.ellipse)))
    if draw.chance(0.5):
        rim = 4 * canvas[-1:] * (1 - canvas[-1:])
        canvas[:-1] += draw.uniform(-0.5, 0.6) * rim
    return canvas.clamp(0, 1)


def _packed(builder: Builder, count: int, pitch: float) -> Tensor:
    """Place cells on a jittered hexagonal patch somewhere in the frame, (n, 2)."""
    draw = builder.draw
    side = math.ceil(math.sqrt(count))
    index = torch.arange(count, device=draw.device)
    row, column = index // side, index % side
    x = (column + 0.5 * (row % 2) - side / 2) * pitch
    y = (row - side / 2) * pitch * math.sqrt(3) / 2
    jitter = 0.3 * pitch * (draw.rand(count, 2).double() - 0.5)
    middle = builder.somewhere(0.25)[:2, 2]
    return torch.stack([x, y], 1) + jitter + middle


def _divided(builder: Builder, cell: Layer, radius: float) -> list[Layer]:
    """Let two daughters part from one place; before, one hides the other exactly."""
    draw, frames = builder.draw, builder.options.frames
    time = torch.arange(frames, dtype=torch.float64, device=draw.device)
    moment, slow = draw.uniform(0, frames), draw.log_uniform(0.5, 4)
    slow = max(slow, radius / 4 / builder.fastest)
    apart = torch.sigmoid((time - moment) / slow)
    apart = torch.where(apart < 0.01, 0.0, apart)
    shrink = 1 - draw.uniform(0.05, 0.3) * apart
    angle = draw.uniform(0, 2 * math.pi)
    way = draw.uniform(0.7, 1.1) * radius * apart
    daughters = []
    for sign in (-1, 1):
        matrix = cell.warp.matrix.clone()
        matrix[:, :2, :2] *= shrink[:, None, None]
        matrix[:, 0, 2] += sign * way * math.cos(angle)
        matrix[:, 1, 2] += sign * way * math.sin(angle)
        daughters.append(replace(cell, warp=replace(cell.warp, matrix=matrix)))
    return daughters
