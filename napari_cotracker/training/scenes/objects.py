"""Things a scene is built of: grounds, free objects, animals, swarms, veils, masks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes import shapes
from napari_cotracker.training.scenes.layers import DENSITY, Layer
from napari_cotracker.training.scenes.motion import (
    Warp,
    drifting,
    elastic_warp,
    placed,
    plane_motion,
    unbent,
)
from napari_cotracker.training.scenes.surfaces import draw_plain, draw_surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw
    from napari_cotracker.training.scenes.options import SceneOptions

# Rotation, growth and elastic waves rarely peak together with translation; this
# brings the fastest step that is really reached near the speed that was drawn.
REACH = 1.8


@dataclass(frozen=True, eq=False)
class Builder:
    """Settings shared by the layers of one scene."""

    draw: Draw
    options: SceneOptions
    family: str
    channels: int
    speed: float
    grain: float

    @property
    def extent(self) -> float:
        """Shorter side of the frame in pixels."""
        return float(min(self.options.size))

    def surface(self, height: int, width: int) -> Tensor:
        """Draw a (C, H, W) surface."""
        return draw_surface(
            self.draw,
            (height, width),
            family=self.family,
            channels=self.channels,
            grain=self.grain,
            use_photos=self.options.photos,
        )

    def motion(self, speed: float, radius: float, stiff: float = 0.5) -> Warp:
        """Draw a layer's own motion about its origin; ``stiff`` 0 is all elastic."""
        draw = self.draw
        elastic = (1 - stiff) * draw.uniform(0.2, 1.0) if draw.chance(0.7) else 0.0
        shares = (
            draw.uniform(0.2, 1),
            draw.uniform(0, 0.7),
            draw.uniform(0, 0.35),
            draw.uniform(0, 0.2),
        )
        rigid = REACH * speed * (1 - elastic)
        plane = plane_motion(draw, self.options.frames, rigid, radius, shares)
        return elastic_warp(draw, plane, REACH * speed * elastic, radius)

    def layer_speed(self) -> float:
        """Draw a layer's part of the scene's speed."""
        return self.speed * self.draw.log_uniform(0.3, 1.0)

    def background(self) -> Layer:
        """Draw the opaque back plane, larger than the frame."""
        size = tuple(even(1.4 * side * DENSITY) for side in self.options.size)
        height, width = size
        empty = {"texture": 0.0, "articulated": 0.5}.get(self.family, 0.25)
        if self.draw.chance(empty):
            colour = draw_plain(self.draw, (height, width), self.channels, self.grain)
        else:
            colour = self.surface(height, width)
        canvas = torch.cat([colour, torch.ones_like(colour[:1])])
        still = torch.eye(3, dtype=torch.float64, device=self.draw.device)
        warp = unbent(still.repeat(self.options.frames, 1, 1))
        if self.family == "texture":
            warp = self.motion(self.speed, self.extent / 2, stiff=0.1)
        elif self.draw.chance(0.4):
            warp = self.motion(self.layer_speed() / 2, self.extent / 2)
        return Layer(canvas, warp.moved_by(self.middle()))

    def middle(self) -> Tensor:
        """Motion that puts the origin at the centre of the frame."""
        height, width = self.options.size
        return placed((width - 1) / 2, (height - 1) / 2, 0, 1, self.draw.device)

    def somewhere(self, margin: float = 0.05) -> Tensor:
        """Motion that puts the origin somewhere in the frame, turned at random."""
        height, width = self.options.size
        x = self.draw.uniform(margin, 1 - margin) * width
        y = self.draw.uniform(margin, 1 - margin) * height
        turn = self.draw.uniform(-math.pi, math.pi)
        return placed(x, y, turn, 1, self.draw.device)

    def cutout(self, radius: float, distance: Callable[[Draw, int], Tensor]) -> Tensor:
        """Draw a textured shape about ``radius`` frame pixels large: its canvas."""
        size = even(2 * radius * DENSITY)
        softness = self.draw.choice((1.0, 1.3, 1.3, 2.0, 4.0))
        alpha = shapes.alpha_of(distance(self.draw, size), softness * DENSITY)
        return torch.cat([self.surface(size, size), alpha[None]])

    def thing(self, radius: float) -> Layer:
        """Draw one free moving object."""
        canvas = self.cutout(radius, self.draw.choice(shapes.SHAPES))
        warp = self.motion(self.layer_speed(), radius)
        return Layer(canvas, warp.moved_by(self.somewhere()))

    def twin(self, layer: Layer) -> Layer:
        """Repeat a layer's looks with a motion of its own."""
        radius = float(layer.half_xy.max())
        warp = self.motion(self.layer_speed(), radius)
        return replace(layer, warp=warp.moved_by(self.somewhere()))

    def animal(self, budget: int) -> list[Layer]:
        """Draw a body with chains of limbs that turn about joints."""
        draw = self.draw
        size = self.extent * draw.uniform(0.16, 0.3)
        body = self.thing(size)
        family = [body]
        coat = self.cutout(size * 0.8, shapes.limb) if draw.chance(0.6) else None
        while len(family) < budget and (len(family) < 3 or draw.chance(0.8)):
            length = size * draw.uniform(0.5, 1.0)
            parent, joint = body.warp.matrix, self._rim(size)
            for _ in range(draw.integer(1, 3)):
                canvas = self.cutout(length, shapes.limb) if coat is None else coat
                limb, parent = self._limb(canvas, parent, joint)
                joint = (0.75 * float(limb.half_xy[0]), 0.0)
                family.insert(0 if draw.chance(0.5) else len(family), limb)
                if len(family) >= budget:
                    break
        return family

    def _rim(self, size: float) -> tuple[float, float]:
        turn = self.draw.uniform(0, 2 * math.pi)
        return 0.5 * size * math.cos(turn), 0.5 * size * math.sin(turn)

    def _limb(
        self, canvas: Tensor, parent: Tensor, joint_xy: tuple[float, float]
    ) -> tuple[Layer, Tensor]:
        """Hang a limb on a joint of its parent; return it and its motion."""
        draw = self.draw
        reach = canvas.shape[2] / DENSITY / 2
        speed = REACH * self.layer_speed()
        shares = (0.0, 1.0, 0.05, 0.0)
        swing = plane_motion(draw, self.options.frames, speed, 2 * reach, shares)
        turn = math.atan2(joint_xy[1], joint_xy[0]) + draw.uniform(-0.8, 0.8)
        to_joint = placed(*joint_xy, turn, 1, draw.device)
        from_end = placed(0.75 * reach, 0, 0, 1, draw.device)
        matrix = parent @ to_joint @ swing @ from_end
        return Layer(canvas, elastic_warp(draw, matrix, 0.15 * speed, reach)), matrix

    def swarm(self, count: int) -> list[Layer]:
        """Draw many small, almost identical particles, each on its own way."""
        draw = self.draw
        radius = self.grain * draw.log_uniform(1.2, 6)
        looks = [self.particle(radius) for _ in range(draw.choice((1, 1, 2, 3)))]
        extent = torch.tensor(self.options.size[::-1], device=draw.device)
        places = draw.rand(count, 2).double() * extent
        speed = REACH * self.speed
        warps = drifting(draw, places, self.options.frames, speed)
        return [Layer(draw.choice(looks), warp) for warp in warps]

    def particle(self, radius: float) -> Tensor:
        """Draw the canvas of a spot, a disc, a rod or a small textured body."""
        draw = self.draw
        kind = draw.choice(("spot", "spot", "disc", "rod", "body"))
        if kind == "body" and radius > 3:
            return self.cutout(radius * 1.2, shapes.ellipse)
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
        colour = bright * torch.ones(self.channels, size, size, device=draw.device)
        if self.channels == 3:
            colour = torch.lerp(colour, draw.rand(3, 1, 1).expand_as(colour), 0.4)
        return torch.cat([colour, alpha[None]])

    def veil(self) -> Layer:
        """Draw a moving shadow, mist or reflection: too thin to hide anything."""
        draw = self.draw
        radius = self.extent * draw.uniform(0.25, 0.8)
        canvas = self.cutout(radius, shapes.blob)
        if draw.chance(0.5):
            canvas[:-1] = 0
        canvas[-1] *= draw.uniform(0.15, 0.45)
        warp = self.motion(self.layer_speed(), radius)
        return Layer(canvas, warp.moved_by(self.somewhere()), followed=False)

    def mask(self) -> Layer:
        """Draw a still, dark frame round an ellipse or a fan, as instruments show."""
        draw, (height, width) = self.draw, self.options.size
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
        canvas = torch.stack([*[colour] * self.channels, alpha])
        still = self.middle().repeat(self.options.frames, 1, 1)
        return Layer(canvas, unbent(still), followed=False)


def even(pixels: float) -> int:
    """Round up to a multiple of 16, a size that FFTs are fast at."""
    return max(16, 16 * math.ceil(pixels / 16))
