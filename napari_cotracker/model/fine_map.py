"""A second feature map of half the stride, carried within the first.

Whatever keeps, sends and pads features knows one tensor per frame. So the four fine
pixels of every feature pixel follow its own channels: C + 4 fine ones, of the pixels
(0, 0), (0, 1), (1, 0) and (1, 1), rows first.
"""

from __future__ import annotations

import torch
from torch import Tensor

PIXELS = 4


def packed(features: Tensor, fine: Tensor) -> Tensor:
    """Join (F, C, h, w) and (F, fine, 2h, 2w) to (F, C + 4 fine, h, w)."""
    height, width = features.shape[-2:]
    cells = fine.unflatten(-2, (height, 2)).unflatten(-1, (width, 2))
    pixels = cells.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)
    return torch.cat([features, pixels], dim=1)


def split(features: Tensor, channels: int) -> list[Tensor]:
    """Part (..., C + 4 fine) into (..., C) and four (..., fine), if fine is not 0."""
    fine = (features.shape[-1] - channels) // PIXELS
    sizes = [channels, *[fine] * PIXELS] if fine else [channels]
    return list(features.split(sizes, dim=-1))


def unpacked(features: Tensor, channels: int) -> tuple[Tensor, Tensor | None]:
    """Part (B, T, h, w, C + 4 fine) into (B, T, h, w, C) and (B, T, 2h, 2w, fine).

    The second is None where nothing is packed.
    """
    coarse, pixels = features[..., :channels], features[..., channels:]
    if not pixels.shape[-1]:
        return coarse, None
    cells = pixels.unflatten(-1, (2, 2, -1)).permute(0, 1, 2, 4, 3, 5, 6)
    return coarse, cells.flatten(2, 3).flatten(3, 4)
