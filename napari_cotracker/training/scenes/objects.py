"""The workbench of one scene: surfaces, motion, grounds and free objects."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes import shapes
from napari_cotracker.training.scenes.layers import DENSITY, Layer
from napari_cotracker.training.scenes.motion import Warp, placed, unbent
from napari_cotracker.training.scenes.paths import elastic_warp, plane_motion, series
from napari_cotracker.training.scenes.surfaces import (
    cropped,
    draw_boiling,
    draw_plain,
    draw_surface,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw
    from napari_cotracker.training.scenes.options import SceneOptions

# Rotation, growth and elastic waves rarely peak together with translation; this
# brings the fastest step that is really reached near the speed that was drawn.
REACH = 1.8
# Speeds are meant for a frame whose shorter side has this many pixels.
USUAL_SIDE = 128


@dataclass(frozen=True, eq=False)
class Builder:
    """Settings shared by the layers of one scene, and the surfaces drawn so far.

    ``camouflage`` is the chance that a thing is cut from a surface that the scene
    already shows.
    """

    draw: Draw
    options: SceneOptions
    family: str
    channels: int
    speed: float
    grain: float
    camouflage: float = 0.15
    drawn: list[Tensor] = field(default_factory=list)

    @property
    def extent(self) -> float:
        """Shorter side of the frame in pixels."""
        return float(min(self.options.size))

    @property
    def fastest(self) -> float:
        """Return the highest speed that any scene of these options has."""
        return self.options.speed[1] * self.extent / USUAL_SIDE

    def surface(self, height: int, width: int) -> Tensor:
        """Draw a (C, H, W) surface, or cut it from one that is in the scene."""
        fitting = [
            one
            for one in self.drawn
            if one.shape[1] >= height and one.shape[2] >= width
        ]
        if fitting and self.draw.chance(self.camouflage):
            return cropped(self.draw, self.draw.choice(fitting), height, width)
        made = draw_surface(
            self.draw,
            (height, width),
            family=self.family,
            channels=self.channels,
            grain=self.grain,
            use_photos=self.options.photos,
            held_out=self.options.held_out,
        )
        self.drawn.append(made)
        return made

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
        frames, roam = self.options.frames, self.roam()
        plane = plane_motion(draw, frames, rigid, radius, shares, roam)
        return elastic_warp(draw, plane, REACH * speed * elastic, radius)

    def roam(self) -> float:
        """Draw how far things go before they turn back; some never do."""
        far = self.extent * self.draw.uniform(0.2, 0.6)
        return far if self.draw.chance(0.75) else math.inf

    def layer_speed(self) -> float:
        """Draw a layer's part of the scene's speed; a quarter almost rests."""
        slowest, fastest = (0.02, 0.3) if self.draw.chance(0.25) else (0.3, 1.0)
        return self.speed * self.draw.log_uniform(slowest, fastest)

    def background(self) -> Layer:
        """Draw the opaque back plane, larger than the frame."""
        height, width = (even(1.4 * side * DENSITY) for side in self.options.size)
        empty = {"texture": 0.0, "articulated": 0.4}.get(self.family, 0.2)
        boiling = {"texture": 0.25, "microscopy": 0.1}.get(self.family, 0.02)
        fade = None
        if self.draw.chance(boiling):
            looks = draw_boiling(self.draw, (height, width), self.channels, self.grain)
            colour, fade = looks.flatten(0, 1), self.fading(1.4)
        elif self.draw.chance(empty):
            colour = draw_plain(self.draw, (height, width), self.channels, self.grain)
        else:
            colour = self.surface(height, width)
        canvas = torch.cat([colour, torch.ones_like(colour[:1])])
        still = torch.eye(3, dtype=torch.float64, device=self.draw.device)
        warp = unbent(still.repeat(self.options.frames, 1, 1))
        if self.family == "texture":
            warp = self.motion(self.speed, self.extent / 2, stiff=0.1)
        elif self.draw.chance(0.3):
            warp = self.motion(self.layer_speed() / 2, self.extent / 2)
        return Layer(canvas, warp.moved_by(self.middle()), fade=fade)

    def fading(self, most: float) -> Tensor:
        """Draw how one look turns into another, (T, 2), up to an angle of ``most``."""
        walk = series(self.draw, self.options.frames, 1).float().abs()
        angle = walk / walk.amax().clamp_min(1e-6) * self.draw.uniform(0.2, most)
        return torch.cat([angle.cos(), angle.sin()], 1)

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
        outline = distance(self.draw, size)
        if self.draw.chance(0.15):
            outline = shapes.ragged(self.draw, outline)
        softness = self.draw.choice((1.0, 1.3, 1.3, 2.0, 4.0))
        alpha = shapes.alpha_of(outline, softness * DENSITY)
        return torch.cat([self.surface(size, size), alpha[None]])

    def thing(self, radius: float) -> Layer:
        """Draw one free moving object; some change their looks."""
        canvas = self.cutout(radius, self.draw.choice(shapes.SHAPES))
        warp = self.motion(self.layer_speed(), radius)
        layer = Layer(canvas, warp.moved_by(self.somewhere()))
        if not self.draw.chance(0.08):
            return layer
        colour, alpha = canvas[:-1], canvas[-1:]
        other = self.surface(*alpha.shape[1:])
        later = torch.lerp(colour, other, self.draw.uniform(0.3, 1))
        return replace(
            layer, canvas=torch.cat([colour, later, alpha]), fade=self.fading(1.2)
        )

    def twin(self, layer: Layer) -> Layer:
        """Repeat a layer's looks with a motion of its own."""
        radius = float(layer.half_xy.max())
        warp = self.motion(self.layer_speed(), radius)
        return replace(layer, warp=warp.moved_by(self.somewhere()))


def even(pixels: float) -> int:
    """Round up to a multiple of 16, a size that FFTs are fast at."""
    return max(16, 16 * math.ceil(pixels / 16))
