"""Families of scenes: which things they hold, how fast, seen by which camera."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes import covers
from napari_cotracker.training.scenes.bodies import body
from napari_cotracker.training.scenes.layers import Layer, Scene
from napari_cotracker.training.scenes.objects import USUAL_SIDE, Builder
from napari_cotracker.training.scenes.particles import balls, colony, swarm
from napari_cotracker.training.scenes.paths import plane_motion, played

if TYPE_CHECKING:
    from napari_cotracker.training.scenes.draw import Draw
    from napari_cotracker.training.scenes.options import SceneOptions

STILL_CAMERA = 0.3
# Visibility maps count layers in a byte; this also bounds the time of a clip.
MOST_LAYERS = 60


def build_scene(draw: Draw, options: SceneOptions) -> Scene:
    """Draw a family, its layers and all their motion."""
    family = draw.choice(options.families)
    grey = draw.chance(0.85 if family == "microscopy" else 0.4)
    zoom = min(options.size) / USUAL_SIDE
    # Larger frames show the same things larger, but not all of it.
    grain = draw.log_uniform(0.8, 1.8) * math.sqrt(zoom)
    speed = zoom * _draw_speed(draw, family, options.speed)
    camouflage = 0.5 if family == "occlusion" and draw.chance(0.6) else 0.12
    channels = 1 if grey else 3
    builder = Builder(draw, options, family, channels, speed, grain, camouflage)
    layers = _with_camera(builder, [builder.background(), *_foreground(builder)])
    if draw.chance(0.15 if family in ("texture", "microscopy") else 0.03):
        layers.append(covers.mask(builder))
    order = played(draw, options.frames)
    kept = tuple(layer.at(order).antialiased() for layer in layers[:MOST_LAYERS])
    blurs = options.motion_blur and draw.chance(0.6 if speed > 2 * zoom else 0.15)
    exposure = draw.uniform(0.2, 1.0) if blurs else 0.0
    return Scene(kept, family, channels, exposure)


def _draw_speed(draw: Draw, family: str, limits: tuple[float, float]) -> float:
    """Draw a speed, evenly on a log scale but for a preference of the faster ones."""
    low, high = limits
    liking = 0.45 if family in ("motion", "occlusion", "articulated") else 0.7
    share = draw.uniform(0, 1) ** liking
    return math.exp(math.log(low) + share * math.log(high / low))


def _foreground(builder: Builder) -> list[Layer]:
    draw, family = builder.draw, builder.family
    if family == "articulated":
        layers = _bodies(builder)
    elif family == "microscopy":
        kind = draw.uniform(0, 1)
        if kind < 0.4:
            layers = swarm(builder, draw.integer(6, builder.options.max_particles))
        elif kind < 0.65:
            layers = colony(builder, draw.integer(4, 14))
        else:
            layers = _things(builder)
    elif family == "motion" and draw.chance(0.25):
        layers = balls(builder, draw.integer(1, 8))
        layers += _things(builder) if draw.chance(0.4) else []
    else:
        layers = covers.polished(builder, _things(builder))
    return _covered(builder, layers)


def _covered(builder: Builder, layers: list[Layer]) -> list[Layer]:
    """Let things come between, mostly where occlusion is the subject."""
    draw = builder.draw
    visits = draw.integer(1, 3) if builder.family == "occlusion" else 0
    if builder.family == "articulated" and draw.chance(0.25):
        visits = 1
    for _ in range(visits):
        place = draw.integer(0, len(layers))
        layers.insert(place, covers.visitor(builder))
    if draw.chance(0.2 if builder.family == "occlusion" else 0.03):
        layers.append(covers.fence(builder))
    if draw.chance(0.12):
        layers.append(covers.veil(builder))
    return layers


def _bodies(builder: Builder) -> list[Layer]:
    """Draw one body, or two or three, half of these exactly alike."""
    draw = builder.draw
    count = draw.choice((1, 1, 2, 3))
    budget = builder.options.max_limbs // count
    first = body(builder, max(2, budget))
    layers = list(first.layers)
    alike = draw.chance(0.6)
    for _ in range(count - 1):
        layers += body(builder, max(2, budget), first if alike else None).layers
    return layers


def _things(builder: Builder) -> list[Layer]:
    """Draw free objects and, in 30 % of the scenes, copies that look the same."""
    draw, most = builder.draw, builder.options.max_layers
    count, small, large = {
        "motion": (draw.integer(1, 5), 0.05, 0.35),
        "occlusion": (draw.integer(3, 8), 0.08, 0.4),
        "texture": (draw.integer(0, 2), 0.1, 0.3),
        "microscopy": (draw.integer(0, 7), 0.05, 0.2),
    }[builder.family]
    things = [
        builder.thing(max(5, builder.extent * draw.log_uniform(small, large)))
        for _ in range(min(count, most))
    ]
    if things and draw.chance(0.3):
        original = draw.choice(things)
        copies = min(draw.integer(1, 4), most - len(things))
        things += [builder.twin(original) for _ in range(copies)]
    return things


def _with_camera(builder: Builder, layers: list[Layer]) -> list[Layer]:
    """Move everything by a common camera in 70 % of the scenes."""
    draw, options = builder.draw, builder.options
    if draw.chance(STILL_CAMERA):
        return layers
    speed = builder.speed * draw.log_uniform(0.03, 1.0)
    shares = (1.0, draw.uniform(0, 0.3), draw.uniform(0, 0.4), 0.0)
    # Not so far that the picture leaves the ground altogether.
    far = builder.extent * draw.uniform(0.1, 0.4)
    camera = plane_motion(draw, options.frames, speed, builder.extent / 2, shares, far)
    middle = builder.middle()
    camera = middle @ camera @ torch.linalg.inv(middle)
    return [replace(layer, warp=layer.warp.moved_by(camera)) for layer in layers]
