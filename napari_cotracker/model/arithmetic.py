"""Reduced precision where a network asks for it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def reduced(
    arithmetic: torch.dtype, device: torch.device
) -> AbstractContextManager[None]:
    """Run convolutions and matrix products in ``arithmetic``; sums stay float32."""
    if arithmetic is torch.float32:
        return nullcontext()
    return torch.autocast(device.type, arithmetic)
