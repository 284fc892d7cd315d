"""Patterns for validation only, never trained on; same contract as textures.py."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes.domain_textures import bent
from napari_cotracker.training.scenes.textures import (
    filtered,
    frequencies,
    smooth_noise,
    spread,
)

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw


def weave(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw uneven cloth: two sets of threads over and under each other."""
    period = density * draw.uniform(5, 12)
    y = torch.arange(height, device=draw.device)[:, None] / period
    x = torch.arange(width, device=draw.device)[None] / period
    warp, weft = (math.pi * x).sin().abs(), (math.pi * y).sin().abs()
    over = ((x.floor() + y.floor()) % 2 == 0).float()
    cloth = over * warp + (1 - over) * weft
    dye = smooth_noise(draw, height, width, draw.uniform(4, 12) * density)
    wear = smooth_noise(draw, height, width, density)
    image = 0.1 + 0.4 * cloth + 0.2 * torch.sigmoid(2 * dye) + 0.06 * wear
    return bent(draw, image.clamp(0, 1), 5 * density, 20 * density)


def maze(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw winding stripes of one width, as on fish, fingers and corals."""
    fy, fx = frequencies(height, width, draw.device)
    radius = (fy**2 + fx**2).sqrt()
    wanted = 1 / (density * draw.uniform(5, 14))
    ring = torch.exp(-(((radius - wanted) / (0.25 * wanted)) ** 2))
    field = spread(filtered(draw.noise(height, width), ring)) - 0.5
    stripes = torch.sigmoid(field * draw.uniform(8, 40))
    shade = smooth_noise(draw, height, width, 10 * density)
    return (0.15 + 0.6 * stripes + 0.08 * shade).clamp(0, 1)
