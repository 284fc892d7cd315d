"""A processor's work, a little at a time and in few sizes.

A little at a time, so that everything stays in the caches and memory does not grow with
the number of points. In few sizes, because oneDNN, which multiplies in bf16, keeps half
a megabyte for every shape of a product that it has ever met, and points come and go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_cotracker.model.arithmetic import works_in_parts

if TYPE_CHECKING:
    from collections.abc import Callable

# Tokens that are worked on at once.
MOST_TOKENS = 2048
# Sizes between a power of two and the next.
SIZES_PER_OCTAVE = 8


def overwrite_in_portions(
    work: Callable[[Tensor], Tensor], x: Tensor, dim: int
) -> Tensor:
    """Do work that keeps the places along ``dim`` of (B, N, S, W) tokens apart.

    Where that is done in portions, ``x`` is overwritten.
    """
    if not works_in_parts(x.device):
        return work(x)
    length = x.shape[dim]
    tokens_per_place = max(1, x.shape[:3].numel() // max(1, length))
    several = _power_of_two(MOST_TOKENS // tokens_per_place)
    for begin in range(0, length, several):
        part = x.narrow(dim, begin, min(several, length - begin))
        size = usual_size(part.shape[dim], x)
        done = work(lengthened(part, dim, size))
        part.copy_(done.narrow(dim, 0, part.shape[dim]))
    return x


def usual_size(length: int, x: Tensor) -> int:
    """Round a length up to one of few sizes, where products of ``x`` are kept.

    Those in float32 are not.
    """
    if not works_in_parts(x.device) or x.dtype is torch.float32:
        return length
    step = max(1, _power_of_two(length) // SIZES_PER_OCTAVE)
    return -(-length // step) * step


def lengthened(x: Tensor, dim: int, length: int) -> Tensor:
    """Append zeros along ``dim`` up to a length."""
    missing = length - x.shape[dim]
    return F.pad(x, [0, 0] * (x.ndim - 1 - dim) + [0, missing]) if missing else x


def _power_of_two(limit: int) -> int:
    """Largest power of two up to a limit, at least 1."""
    return 1 << max(0, limit.bit_length() - 1)
