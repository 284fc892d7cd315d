"""Things that come between: occluders, fences, veils, highlights, shadows, masks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes import shapes
from napari_cotracker.training.scenes.layers import DENSITY, Layer
from napari_cotracker.training.scenes.motion import placed, unbent
from napari_cotracker.training.scenes.objects import even
from napari_cotracker.training.scenes.paths import visit

if TYPE_CHECKING:
    from napari_cotracker.training.scenes.objects import Builder

# Below the opacity that hides a point.
THIN = 0.45


def visitor(builder: Builder) -> Layer:
    """Draw something large that comes, stays 5 to 40 frames, and leaves."""
    draw = builder.draw
    radius = builder.extent * draw.uniform(0.15, 0.45)
    canvas = builder.cutout(radius, draw.choice((shapes.blob, *shapes.SHAPES)))
    far, angle = 1.3 * builder.extent + radius, draw.uniform(0, 2 * math.pi)
    stay, quickest = draw.log_uniform(5, 40), far / 4 / builder.fastest
    there = visit(draw, builder.options.frames, stay, quickest)
    warp = builder.motion(0.3 * builder.layer_speed(), radius, stiff=1.0)
    path = torch.eye(3, dtype=torch.float64, device=draw.device)
    path = path.repeat(builder.options.frames, 1, 1)
    path[:, 0, 2] = far * (1 - there) * math.cos(angle)
    path[:, 1, 2] = far * (1 - there) * math.sin(angle)
    return Layer(canvas, warp.moved_by(path @ builder.somewhere(0.2)))


def fence(builder: Builder) -> Layer:
    """Draw bars in front of everything, still but for the camera."""
    draw = builder.draw
    height, width = (even(1.5 * side * DENSITY) for side in builder.options.size)
    x = torch.arange(width, device=draw.device) / DENSITY
    period = builder.extent * draw.log_uniform(0.12, 0.6)
    gap = (x / period + draw.uniform(0, 1)).frac().sub(0.5).abs() * period
    alpha = (draw.uniform(0.1, 0.3) * period - gap + 0.5).clamp(0, 1)
    alpha = alpha.expand(1, height, width)
    still = builder.middle() @ placed(0, 0, draw.uniform(-3.14, 3.14), 1, draw.device)
    warp = unbent(still.repeat(builder.options.frames, 1, 1))
    return Layer(torch.cat([builder.surface(height, width), alpha]), warp)


def veil(builder: Builder) -> Layer:
    """Draw a moving shadow, mist, glass or reflection: too thin to hide anything."""
    draw = builder.draw
    radius = builder.extent * draw.uniform(0.25, 0.8)
    canvas = builder.cutout(radius, shapes.blob)
    if draw.chance(0.5):
        canvas[:-1] = 0
    canvas[-1] *= draw.uniform(0.15, THIN)
    warp = builder.motion(builder.layer_speed(), radius)
    return Layer(canvas, warp.moved_by(builder.somewhere()), followed=False)


def highlight(builder: Builder, owner: Layer) -> Layer:
    """Draw a gleam that goes along with a thing but does not turn with it."""
    draw = builder.draw
    radius = max(2.0, float(owner.half_xy.min()) * draw.uniform(0.15, 0.5))
    size = math.ceil(6 * radius * DENSITY) | 1
    line = torch.linspace(-3, 3, size, device=draw.device)
    alpha = torch.exp(-(line[None] ** 2) - (draw.uniform(1, 2.5) * line[:, None]) ** 2)
    alpha = (alpha - alpha[0].max()).clamp_min(0) * draw.uniform(0.2, 1) * THIN
    colour = torch.ones(builder.channels, size, size, device=draw.device)
    path = owner.warp.matrix.clone()
    path[:, :2, :2] = torch.eye(2, dtype=path.dtype, device=path.device)
    path[:, :2, 2] *= draw.uniform(0.93, 1.0)
    offset = builder.motion(0.3 * builder.layer_speed(), radius).matrix
    return Layer(torch.cat([colour, alpha[None]]), unbent(path @ offset), False)


def shadow(builder: Builder, owner: Layer) -> Layer:
    """Draw a thing's soft dark copy beside it."""
    draw = builder.draw
    canvas = owner.canvas[-builder.channels - 1 :].clone()
    canvas[:-1] = 0
    canvas[-1] *= draw.uniform(0.3, 1) * THIN
    reach = 0.5 * float(owner.half_xy.max())
    x, y = draw.uniform(-reach, reach), draw.uniform(-reach, reach)
    aside = placed(x, y, 0, 1, draw.device)
    return replace(
        owner, canvas=canvas, warp=owner.warp.moved_by(aside), followed=False, fade=None
    )


def mask(builder: Builder) -> Layer:
    """Draw a still, dark frame round an ellipse or a fan, as instruments show."""
    draw, (height, width) = builder.draw, builder.options.size
    rows, columns = even(1.1 * height * DENSITY), even(1.1 * width * DENSITY)
    y = torch.linspace(-1.1, 1.1, rows, device=draw.device)[:, None]
    x = torch.linspace(-1.1, 1.1, columns, device=draw.device)[None]
    wide, high = draw.uniform(0.75, 1.1), draw.uniform(0.75, 1.1)
    outside = torch.hypot(x / wide, y / high) - 1
    if draw.chance(0.5):
        radius = torch.hypot(x, y + 1.1)
        angle = torch.atan2(x, y + 1.1).abs() - draw.uniform(0.6, 0.9)
        outside = torch.maximum(
            torch.maximum(radius - 1.9, 0.25 - radius), angle * radius
        )
    alpha = (outside * min(height, width) / 2 + 0.5).clamp(0, 1)
    colour = torch.full_like(alpha, draw.choice((0.0, 0.02, 0.1)))
    canvas = torch.stack([*[colour] * builder.channels, alpha])
    still = builder.middle().repeat(builder.options.frames, 1, 1)
    return Layer(canvas, unbent(still), followed=False)


def polished(builder: Builder, things: list[Layer]) -> list[Layer]:
    """Give some things a shadow behind and gleams in front."""
    draw, result = builder.draw, []
    for thing in things:
        if draw.chance(0.1):
            result.append(shadow(builder, thing))
        result.append(thing)
        if draw.chance(0.1):
            result += [highlight(builder, thing) for _ in range(draw.integer(1, 3))]
    return result
