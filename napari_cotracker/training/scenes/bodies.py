"""Jointed bodies: animals with thin limbs, hands, worms, insects.

Every segment is a layer that hangs on its parent: its motion is the parent's, times
the place of the joint, times its own swing. Limbs of a body look the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes import shapes
from napari_cotracker.training.scenes.layers import DENSITY, Layer
from napari_cotracker.training.scenes.motion import placed
from napari_cotracker.training.scenes.objects import REACH, even
from napari_cotracker.training.scenes.paths import (
    elastic_warp,
    plane_motion,
    swing_motion,
)
from napari_cotracker.training.scenes.surfaces import cropped, draw_plain

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.objects import Builder

PLANS = ("walker", "walker", "insect", "hand", "worm", "star")
# Limbs that share a body move together with it; their own swings come on top.
OWN = 0.7


@dataclass(frozen=True)
class Root:
    """Where a chain hangs on the body: joint in body pixels, direction, group.

    Chains of one group have the same segments.
    """

    x: float
    y: float
    heading: float
    group: int


@dataclass(frozen=True, eq=False)
class Segment:
    """One link of a chain: its canvas and the distance between its two joints."""

    canvas: Tensor
    length: float


def body(builder: Builder, budget: int, likeness: Body | None = None) -> Body:
    """Draw an articulated body of at most ``budget`` layers.

    Parameters
    ----------
    builder : Builder
    budget : int
    likeness : Body or None
        Look exactly like this one, with a motion of one's own.
    """
    plan = likeness or _designed(builder, budget)
    return Body(plan.trunk, plan.roots, plan.chains, _moved(builder, plan))


@dataclass(frozen=True, eq=False)
class Body:
    """A trunk, the chains that hang on it, and the layers that show them."""

    trunk: Segment
    roots: tuple[Root, ...]
    chains: tuple[tuple[Segment, ...], ...]
    layers: list[Layer]


def _designed(builder: Builder, budget: int) -> Body:
    draw = builder.draw
    size = builder.extent * draw.log_uniform(0.12, 0.35)
    plan = draw.choice(PLANS)
    slim = draw.uniform(0.08, 0.18) if plan == "worm" else draw.uniform(0.15, 0.4)
    roots = _roots(builder, plan, size, size * slim)
    while roots and len(roots) > budget - 1:
        roots.pop()
    each = max(1, (budget - 1) // max(1, len(roots)))
    coat = _coat(builder, 1.7 * size)
    chains = []
    for group in range(1 + max((root.group for root in roots), default=0)):
        most = 5 if plan == "worm" or group else 3
        links = min(each, draw.integer(1 if group else 2, most))
        thick = size * (slim if plan == "worm" else draw.log_uniform(0.015, 0.13))
        length = size * draw.log_uniform(0.25, 1.1) / math.sqrt(links)
        chains.append(_chain(builder, coat, links, length, thick))
    trunk = _segment(builder, coat, size, size * slim, size * slim)
    return Body(trunk, tuple(roots), tuple(chains), [])


def _roots(builder: Builder, plan: str, size: float, thick: float) -> list[Root]:
    """Place limbs: pairs, a fan, or rays; group 0 are legs, 1 head and tail."""
    draw, half = builder.draw, size / 2
    tail, head = Root(-half, 0, math.pi, 1), Root(half, 0, 0, 1)
    if plan == "worm":
        return [tail]
    if plan == "star":
        count = draw.integer(4, 8)
        turns = [2 * math.pi * k / count for k in range(count)]
        return [
            Root(0.5 * thick * math.cos(a), 0.5 * thick * math.sin(a), a, 0)
            for a in turns
        ]
    if plan == "hand":
        count = draw.integer(3, 5)
        wide = draw.uniform(0.3, 1.0)
        fan = [wide * (2 * k / (count - 1) - 1) for k in range(count)]
        return [Root(half, thick * a, a, 0) for a in fan] + [tail]
    pairs = 3 if plan == "insect" else draw.integer(1, 3)
    lean = draw.uniform(0.7, 1.9)
    legs = []
    for pair in range(pairs):
        along = 0.8 * half * (1 - 2 * pair / max(1, pairs - 1)) if pairs > 1 else 0.0
        spread = lean + draw.uniform(-0.4, 0.4)
        for side in (-1, 1):
            legs.append(Root(along, side * 0.7 * thick, side * spread, 0))
    ends = [root for root in (head, tail) if draw.chance(0.6)]
    return legs + ends


def _coat(builder: Builder, side: float) -> Tensor:
    """Draw what the whole body is covered with: often hardly any texture."""
    pixels = even(side * DENSITY)
    if builder.draw.chance(0.35):
        size = (pixels, pixels)
        return draw_plain(builder.draw, size, builder.channels, builder.grain)
    return builder.surface(pixels, pixels)


def _chain(
    builder: Builder, coat: Tensor, links: int, length: float, thick: float
) -> tuple[Segment, ...]:
    """Draw a chain whose links taper; none is thinner than about a pixel."""
    taper = builder.draw.uniform(0.5, 1.0)
    ends = [max(0.6, thick * taper**k) for k in range(links + 1)]
    return tuple(
        _segment(builder, coat, length, ends[k], ends[k + 1]) for k in range(links)
    )


def _segment(
    builder: Builder, coat: Tensor, length: float, start: float, end: float
) -> Segment:
    draw = builder.draw
    distance = shapes.capsule(length, start, end, DENSITY, draw.device)
    softness = draw.choice((1.0, 1.3, 1.6))
    alpha = (distance / softness + 0.5).clamp(0, 1)
    rows, columns = alpha.shape
    height, width = min(rows, coat.shape[1]), min(columns, coat.shape[2])
    colour = cropped(draw, coat, height, width)
    colour = torch.nn.functional.pad(
        colour[None], (0, columns - width, 0, rows - height), mode="replicate"
    )[0]
    return Segment(torch.cat([colour, alpha[None]]), length)


def _moved(builder: Builder, plan: Body) -> list[Layer]:
    """Draw the motion of a body and all its joints; returns layers, back to front."""
    draw, frames = builder.draw, builder.options.frames
    reach = plan.trunk.length / 2
    shares = (1.0, draw.uniform(0, 1), draw.uniform(0, 0.15), 0.0)
    speed = REACH * builder.layer_speed() * draw.log_uniform(0.2, 1)
    own = plane_motion(draw, frames, speed, 2 * reach, shares, builder.roam())
    matrix = builder.somewhere(0.2) @ own
    trunk = Layer(plan.trunk.canvas, elastic_warp(draw, matrix, 0.2 * speed, reach))
    behind, before = [], []
    below = draw.choice((0.0, 0.5, 1.0))
    for root in plan.roots:
        limb = _limb(builder, plan.chains[root.group], root, matrix)
        if draw.chance(below):
            behind += limb
        else:
            before += limb
    return [*behind, trunk, *before]


def _limb(
    builder: Builder, chain: tuple[Segment, ...], root: Root, parent: Tensor
) -> list[Layer]:
    """Hang one chain on its root."""
    draw, frames = builder.draw, builder.options.frames
    speed = OWN * REACH * builder.layer_speed() / math.sqrt(len(chain))
    reach = sum(segment.length for segment in chain)
    swing = swing_motion(draw, frames, len(chain), speed, reach)
    heading = root.heading + draw.uniform(-0.15, 0.15)
    joint = placed(root.x, root.y, heading, 1, draw.device)
    layers = []
    for k, segment in enumerate(chain):
        at_joint = parent @ joint @ _turned(swing[:, k])
        middle = placed(segment.length / 2, 0, 0, 1, draw.device)
        layers.append(
            Layer(
                segment.canvas,
                elastic_warp(draw, at_joint @ middle, 0.1 * speed, segment.length),
            )
        )
        parent = at_joint
        bend = draw.uniform(-0.7, 0.7)
        joint = placed(segment.length, 0, bend, 1, draw.device)
    return layers


def _turned(angle: Tensor) -> Tensor:
    """Return rotations (T, 3, 3) by (T,) angles."""
    matrix = torch.zeros(len(angle), 3, 3, dtype=angle.dtype, device=angle.device)
    matrix[:, 0, 0] = matrix[:, 1, 1] = angle.cos()
    matrix[:, 1, 0], matrix[:, 0, 1] = angle.sin(), -angle.sin()
    matrix[:, 2, 2] = 1
    return matrix
