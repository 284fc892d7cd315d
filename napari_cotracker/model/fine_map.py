"""A second feature map of half the stride, carried within the first.

Whatever keeps, sends and pads features knows one tensor per frame. So two rows of the
fine map follow every row of the other as further channels: C + 4 fine ones. Which of
the row's pixels they lie beside means nothing; nothing needs to be sorted this way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_cotracker.model.correlation import FeatureLevel, as_level

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


def parted(features: Tensor, channels: int) -> tuple[Tensor, Tensor | None]:
    """Part (B, T, h, w, C + 4 fine) into C channels and 4 fine ones.

    The second is None where nothing is packed.
    """
    if features.shape[-1] == channels:
        return features, None
    # Not two slices: each of them would fill a gradient of the whole with zeros.
    coarse, rows = features.split([channels, features.shape[-1] - channels], dim=-1)
    return coarse, rows


def fine_level(
    features: Tensor, rows: Tensor, dtype: torch.dtype | None = None
) -> FeatureLevel:
    """Lay out the fine map for correlation, from what it was parted from and its part.

    It is looked up where it lies: a copy would take as long as the looking up. Only a
    gradient is better off without the other map.
    """
    _, n_frames, height, width, all_channels = features.shape
    fine = rows.shape[-1] // 4
    beside, rest = divmod(all_channels - 4 * fine, fine)
    if rest or torch.is_grad_enabled():
        return as_level(rows.reshape(-1, n_frames, 2 * height, 2 * width, fine), dtype)
    lying = features.reshape(-1, fine).to(dtype or features.dtype)
    return FeatureLevel(lying, n_frames, 2 * height, 2 * width, beside)
