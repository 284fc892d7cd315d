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


def works_in_parts(device: torch.device) -> bool:
    """Whether work is done a little at a time, to stay in a processor's caches.

    Accelerators want it all at once, and training keeps all activations anyway.
    """
    return device.type == "cpu" and not torch.is_grad_enabled()


def gains_from_bf16(device: torch.device) -> bool:
    """Whether a device multiplies in bf16 itself; emulated it would be slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    # Not public yet in every torch that we support.
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, bool)() for probe in probes)
