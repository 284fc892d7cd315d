"""Layers and the families of scenes they make up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes import domain_textures, shapes, textures
from napari_cotracker.training.scenes.motion import (
    Warp,
    elastic_warp,
    placed,
    plane_motion,
    played,
)
from napari_cotracker.training.scenes.photos import photo_crop, photos

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw
    from napari_cotracker.training.scenes.options import SceneOptions

    Pattern = Callable[[Draw, int, int, float], Tensor]

# Texture pixels per frame pixel: bilinear sampling of a band-limited canvas.
DENSITY = 1.25

NATURAL: tuple[Pattern, ...] = (
    textures.dead_leaves,
    textures.power_noise,
    textures.mosaic,
    photo_crop,
    photo_crop,
    domain_textures.fur,
)
MICROSCOPY: tuple[Pattern, ...] = (
    domain_textures.beads,
    domain_textures.cells,
    domain_textures.few_spots,
    domain_textures.speckle,
    domain_textures.filaments,
    textures.power_noise,
)
ANIMAL: tuple[Pattern, ...] = (
    domain_textures.fur,
    domain_textures.fur,
    photo_crop,
    textures.power_noise,
    domain_textures.few_spots,
)


@dataclass(frozen=True, eq=False)
class Layer:
    """One textured surface.

    Parameters
    ----------
    canvas : (C + 1, Hc, Wc) float32
        Colour (C is 1 or 3) in 0..1, then alpha in 0..1.
    warp : Warp
    """

    canvas: Tensor
    warp: Warp

    @property
    def half_xy(self) -> Tensor:
        """Half the canvas in material units (frame pixels), (2,) float64."""
        height, width = self.canvas.shape[1:]
        size = torch.tensor([width - 1, height - 1], dtype=torch.float64)
        return (size / 2 / DENSITY).to(self.canvas.device)


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers from back (the background) to front, and what they are made of."""

    layers: tuple[Layer, ...]
    family: str
    channels: int


@dataclass
class Builder:
    """Settings shared by the layers of one scene."""

    draw: Draw
    options: SceneOptions
    family: str
    channels: int
    speed: float

    @property
    def frames(self) -> int:
        """T."""
        return self.options.frames

    @property
    def extent(self) -> float:
        """Shorter side of the frame in pixels."""
        return float(min(self.options.size))

    def pattern(self, height: int, width: int) -> Tensor:
        """Draw a (C, H, W) surface that suits the family."""
        draw = self.draw
        pool = {"microscopy": MICROSCOPY, "articulated": ANIMAL}.get(self.family)
        if pool is None or draw.chance(0.15):
            pool = NATURAL + MICROSCOPY if draw.chance(0.4) else NATURAL
        if not (self.options.photos and photos(draw.device)):
            pool = tuple(made for made in pool if made is not photo_crop)
        image = draw.choice(pool)(draw, height, width, DENSITY)
        return self._tinted(image if image.ndim == 3 else image[None])

    def _tinted(self, image: Tensor) -> Tensor:
        """Give grey patterns two colours, and every surface its own brightness."""
        draw = self.draw
        contrast = draw.uniform(0.35, 1.0)
        level = draw.uniform(0, 1 - contrast)
        if self.channels == 1:
            grey = image.mean(0, keepdim=True)
            return (1 - grey if draw.chance(0.3) else grey) * contrast + level
        if image.shape[0] == 1:
            ends = draw.rand(2, 3, 1, 1)
            image = ends[0] + (ends[1] - ends[0]) * image
        return image * contrast + level

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
        plane = plane_motion(draw, self.frames, speed * (1 - elastic), radius, shares)
        return elastic_warp(draw, plane, speed * elastic, radius)

    def layer_speed(self) -> float:
        """Draw a layer's share of the scene's speed."""
        return self.speed * self.draw.log_uniform(0.2, 1.0)

    def background(self) -> Layer:
        """Draw the opaque back plane, larger than the frame."""
        height, width = (_even(1.4 * side * DENSITY) for side in self.options.size)
        colour = self.pattern(height, width)
        canvas = torch.cat([colour, torch.ones_like(colour[:1])])
        if self.family == "texture":
            warp = self.motion(self.speed, self.extent / 2, stiff=0.1)
        elif self.draw.chance(0.6):
            warp = self.motion(1e-6, self.extent)
        else:
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
        size = _even(2 * radius * DENSITY)
        softness = self.draw.choice((1.0, 1.3, 1.3, 2.0, 4.0))
        alpha = shapes.alpha_of(distance(self.draw, size), softness * DENSITY)
        return torch.cat([self.pattern(size, size), alpha[None]])

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
                joint = torch.tensor([0.75 * float(limb.half_xy[0]), 0.0])
                family.insert(0 if draw.chance(0.5) else len(family), limb)
                if len(family) >= budget:
                    break
        return family

    def _rim(self, size: float) -> Tensor:
        turn = self.draw.uniform(0, 2 * math.pi)
        return 0.5 * size * torch.tensor([math.cos(turn), math.sin(turn)])

    def _limb(
        self, canvas: Tensor, parent: Tensor, joint: Tensor
    ) -> tuple[Layer, Tensor]:
        """Hang a limb on ``joint`` of its parent; return it and its motion."""
        draw = self.draw
        reach = canvas.shape[2] / DENSITY / 2
        swing = plane_motion(
            draw, self.frames, self.layer_speed(), reach, (0.0, 1.0, 0.05, 0.0)
        )
        x, y = joint.tolist()
        turn = math.atan2(y, x) + draw.uniform(-0.8, 0.8)
        to_joint = placed(x, y, turn, 1, draw.device)
        from_end = placed(0.75 * reach, 0, 0, 1, draw.device)
        matrix = parent @ to_joint @ swing @ from_end
        bend = self.layer_speed() * 0.15
        return Layer(canvas, elastic_warp(draw, matrix, bend, reach)), matrix


def _even(pixels: float) -> int:
    """Round up to a multiple of 16, a size that FFTs are fast at."""
    return max(16, 16 * math.ceil(pixels / 16))


def build_scene(draw: Draw, options: SceneOptions) -> Scene:
    """Draw a family, its layers and all their motion."""
    family = draw.choice(options.families)
    grey = draw.chance(0.85 if family == "microscopy" else 0.4)
    speed = draw.log_uniform(*options.speed)
    builder = Builder(draw, options, family, 1 if grey else 3, speed)
    front = _foreground(builder)[: options.max_layers]
    layers = _with_camera(builder, [builder.background(), *front])
    order = played(draw, options.frames)
    kept = tuple(replace(layer, warp=layer.warp.at(order)) for layer in layers)
    return Scene(kept, family, builder.channels)


def _foreground(builder: Builder) -> list[Layer]:
    draw, extent, most = builder.draw, builder.extent, builder.options.max_layers
    if builder.family == "articulated":
        return builder.animal(min(most, draw.integer(3, 9)))
    count, small, large = {
        "motion": (draw.integer(1, 5), 0.1, 0.35),
        "occlusion": (draw.integer(4, 9), 0.12, 0.4),
        "texture": (draw.integer(0, 2), 0.1, 0.3),
        "microscopy": (draw.integer(1, 7), 0.04, 0.2),
    }[builder.family]
    things = [
        builder.thing(max(5, extent * draw.log_uniform(small, large)))
        for _ in range(min(count, most))
    ]
    if things and draw.chance(0.3):
        original = draw.choice(things)
        room = most - len(things)
        copies = draw.integer(1, 3)
        things += [builder.twin(original) for _ in range(min(copies, room))]
    return things


def _with_camera(builder: Builder, layers: list[Layer]) -> list[Layer]:
    """Move everything by a common camera in 70 % of the scenes."""
    draw = builder.draw
    if draw.chance(0.3):
        return layers
    speed = builder.speed * draw.log_uniform(0.1, 0.8)
    shares = (1.0, draw.uniform(0, 0.3), draw.uniform(0, 0.4), 0.0)
    camera = plane_motion(draw, builder.frames, speed, builder.extent / 2, shares)
    middle = builder.middle()
    camera = middle @ camera @ torch.linalg.inv(middle)
    return [replace(layer, warp=layer.warp.moved_by(camera)) for layer in layers]
