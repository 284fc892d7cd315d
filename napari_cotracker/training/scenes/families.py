"""Families of scenes: which things they hold, how fast, seen by which camera."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes.layers import Layer, Scene
from napari_cotracker.training.scenes.motion import plane_motion, played
from napari_cotracker.training.scenes.objects import Builder

if TYPE_CHECKING:
    from napari_cotracker.training.scenes.draw import Draw
    from napari_cotracker.training.scenes.options import SceneOptions


def build_scene(draw: Draw, options: SceneOptions) -> Scene:
    """Draw a family, its layers and all their motion."""
    family = draw.choice(options.families)
    grey = draw.chance(0.85 if family == "microscopy" else 0.4)
    # Larger frames show the same things larger, but not all of it.
    grain = draw.log_uniform(0.8, 1.8) * math.sqrt(min(options.size) / 128)
    speed = _draw_speed(draw, family, options.speed)
    builder = Builder(draw, options, family, 1 if grey else 3, speed, grain)
    layers = _with_camera(builder, [builder.background(), *_foreground(builder)])
    if draw.chance(0.15 if family in ("texture", "microscopy") else 0.03):
        layers.append(builder.mask())
    order = played(draw, options.frames)
    kept = tuple(layer.at(order).antialiased() for layer in layers)
    return Scene(kept, family, builder.channels)


def _draw_speed(draw: Draw, family: str, limits: tuple[float, float]) -> float:
    """Draw log-uniformly; families about large motion prefer the faster half."""
    low, high = limits
    if family in ("motion", "occlusion") and draw.chance(0.5):
        low = math.sqrt(low * high)
    return draw.log_uniform(low, high)


def _foreground(builder: Builder) -> list[Layer]:
    draw, most = builder.draw, builder.options.max_layers
    if builder.family == "articulated":
        layers = builder.animal(min(most, draw.integer(3, 9)))
    elif builder.family == "microscopy" and draw.chance(0.4):
        layers = builder.swarm(draw.integer(6, builder.options.max_particles))
    else:
        layers = _things(builder)
    if len(layers) < most and draw.chance(0.12):
        layers.append(builder.veil())
    return layers


def _things(builder: Builder) -> list[Layer]:
    """Draw free objects and, in 30 % of the scenes, copies that look the same."""
    draw, most = builder.draw, builder.options.max_layers
    count, small, large = {
        "motion": (draw.integer(1, 5), 0.1, 0.35),
        "occlusion": (draw.integer(4, 9), 0.12, 0.4),
        "texture": (draw.integer(0, 2), 0.1, 0.3),
        "microscopy": (draw.integer(0, 7), 0.05, 0.2),
    }[builder.family]
    things = [
        builder.thing(max(5, builder.extent * draw.log_uniform(small, large)))
        for _ in range(min(count, most))
    ]
    if things and draw.chance(0.3):
        original = draw.choice(things)
        copies = min(draw.integer(1, 3), most - len(things))
        things += [builder.twin(original) for _ in range(copies)]
    return things


def _with_camera(builder: Builder, layers: list[Layer]) -> list[Layer]:
    """Move everything by a common camera in 70 % of the scenes."""
    draw, options = builder.draw, builder.options
    if draw.chance(0.3):
        return layers
    speed = builder.speed * draw.log_uniform(0.1, 1.0)
    shares = (1.0, draw.uniform(0, 0.3), draw.uniform(0, 0.4), 0.0)
    camera = plane_motion(draw, options.frames, speed, builder.extent / 2, shares)
    middle = builder.middle()
    camera = middle @ camera @ torch.linalg.inv(middle)
    return [replace(layer, warp=layer.warp.moved_by(camera)) for layer in layers]
