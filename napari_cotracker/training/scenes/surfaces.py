"""Which pattern suits which family, and how it is coloured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes import (
    domain_textures,
    held_out_textures,
    textures,
)
from napari_cotracker.training.scenes.layers import DENSITY
from napari_cotracker.training.scenes.photos import held_out_crop, photo_crop, photos

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw

    Pattern = Callable[[Draw, int, int, float], Tensor]

NATURAL: tuple[Pattern, ...] = (
    textures.dead_leaves,
    textures.power_noise,
    textures.mosaic,
    textures.creased,
    photo_crop,
    photo_crop,
    domain_textures.fur,
)
MICROSCOPY: tuple[Pattern, ...] = (
    domain_textures.beads,
    domain_textures.cells,
    domain_textures.nuclei,
    domain_textures.few_spots,
    domain_textures.speckle,
    domain_textures.filaments,
    textures.mosaic,
    textures.power_noise,
)
ANIMAL: tuple[Pattern, ...] = (
    domain_textures.fur,
    domain_textures.fur,
    textures.creased,
    photo_crop,
    textures.power_noise,
    domain_textures.few_spots,
)
SHEET: tuple[Pattern, ...] = (
    textures.creased,
    textures.creased,
    domain_textures.speckle,
    domain_textures.few_spots,
    domain_textures.fur,
    textures.power_noise,
    photo_crop,
)
# For validation only: what a network meets is not what it was trained on.
HELD_OUT: tuple[Pattern, ...] = (
    held_out_crop,
    held_out_crop,
    held_out_textures.weave,
    held_out_textures.maze,
)
POOLS = {"microscopy": MICROSCOPY, "articulated": ANIMAL, "texture": SHEET}


def draw_surface(
    draw: Draw,
    size: tuple[int, int],
    *,
    family: str,
    channels: int,
    grain: float,
    use_photos: bool,
    held_out: bool = False,
) -> Tensor:
    """Draw a (C, H, W) surface that suits the family.

    Parameters
    ----------
    draw : Draw
    size : (H, W)
        Canvas in texture pixels.
    family : str
    channels : int
        1 or 3.
    grain : float
        Size of the features relative to their usual one.
    use_photos : bool
    held_out : bool
        Photos and half of the patterns are those that are never trained on.
    """
    pool = POOLS.get(family, NATURAL)
    if draw.chance(0.2):
        pool = NATURAL + MICROSCOPY
    if held_out:
        other = tuple(made for made in pool if made is not photo_crop)
        pool = HELD_OUT if draw.chance(0.5) else other
    if not (use_photos and photos(draw.device)):
        pool = tuple(made for made in pool if made not in (photo_crop, held_out_crop))
    image = draw.choice(pool)(draw, *size, DENSITY * grain * draw.uniform(0.7, 1.4))
    return tinted(draw, image if image.ndim == 3 else image[None], channels)


def draw_plain(
    draw: Draw, size: tuple[int, int], channels: int, grain: float
) -> Tensor:
    """Draw an almost empty (C, H, W) ground, often very dark or very bright."""
    image = textures.plain(draw, *size, DENSITY * grain)[None]
    flat = 0.5 + (image - 0.5) * draw.uniform(0.3, 1.5)
    if channels == 3:
        flat = flat.expand(3, -1, -1) + 0.3 * (draw.rand(3, 1, 1) - 0.5)
    level = draw.choice((-0.42, -0.35, 0.0, 0.3, 0.4))
    return (flat + level).clamp(0, 1)


def draw_boiling(
    draw: Draw, size: tuple[int, int], channels: int, grain: float
) -> Tensor:
    """Draw two looks (2, C, H, W) of one tissue whose speckle differs."""
    density = DENSITY * grain * draw.uniform(0.7, 1.4)
    looks = domain_textures.speckles(draw, *size, density, looks=2)
    contrast = draw.uniform(0.5, 1.0)
    looks = looks * contrast + draw.uniform(0, 1 - contrast)
    return looks[:, None].expand(-1, channels, -1, -1)


def cropped(draw: Draw, surface: Tensor, height: int, width: int) -> Tensor:
    """Cut (C, height, width) out of a surface, mirrored or not, at times shaded."""
    top = draw.integer(0, surface.shape[1] - height)
    left = draw.integer(0, surface.shape[2] - width)
    part = surface[:, top : top + height, left : left + width]
    flips = [axis for axis in (1, 2) if draw.chance(0.5)]
    shade = draw.uniform(-0.15, 0.15) if draw.chance(0.5) else 0.0
    return (part.flip(flips) + shade).clamp(0, 1)


def tinted(draw: Draw, image: Tensor, channels: int) -> Tensor:
    """Give grey patterns two colours, and every surface its own brightness."""
    contrast = draw.uniform(0.35, 1.0)
    level = draw.uniform(0, 1 - contrast)
    if channels == 1:
        grey = image.mean(0, keepdim=True)
        return (1 - grey if draw.chance(0.3) else grey) * contrast + level
    if image.shape[0] == 1:
        ends = draw.rand(2, 3, 1, 1)
        # Half of the surfaces differ in brightness more than in hue.
        if draw.chance(0.5):
            ends = torch.lerp(ends, ends.mean(1, keepdim=True), draw.uniform(0.3, 1))
        image = ends[0] + (ends[1] - ends[0]) * image
    return image * contrast + level
