"""A second feature map of half the stride, carried within the first.

Whatever keeps, sends and pads features knows one tensor per frame. So two rows of the
fine map follow every row of the other as further channels: C + 4 fine ones. Which of
the row's pixels they lie beside means nothing; nothing needs to be sorted this way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


def packed(maps: Sequence[Tensor]) -> Tensor:
    """Join (F, h, w, C) and (F, 2h, 2w, fine) to (F, h, w, C + 4 fine).

    A single one is left as it is.
    """
    if len(maps) == 1:
        return maps[0]
    features, fine = maps
    return torch.cat([features, fine.reshape(*features.shape[:3], -1)], dim=-1)


def unpacked(features: Tensor, channels: int) -> tuple[Tensor, Tensor | None]:
    """Part (B, T, h, w, C + 4 fine) into (B, T, h, w, C) and (B, T, 2h, 2w, fine).

    The second is None where nothing is packed.
    """
    if features.shape[-1] == channels:
        return features, None
    # Not two slices: each of them would fill a gradient of the whole with zeros.
    coarse, rows = features.split([channels, features.shape[-1] - channels], dim=-1)
    height, width = features.shape[2:4]
    return coarse, rows.reshape(*features.shape[:2], 2 * height, 2 * width, -1)
