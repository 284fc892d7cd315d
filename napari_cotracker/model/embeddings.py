"""Fixed encodings of time and motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_cotracker.model.config import FLOW_FREQUENCIES, MOTION_FREQUENCIES

if TYPE_CHECKING:
    from collections.abc import Sequence


def sincos_table(length: int, width: int) -> Tensor:
    """Sine half, then cosine half, of positions 0..length-1; (length, width)."""
    # float64 as in the published tables; float32 angles are visibly off.
    half = width // 2
    omega = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * omega
    return torch.cat([angle.sin(), angle.cos()], dim=1).float()


def stretch_table(table: Tensor, length: int) -> Tensor:
    """Resample a (1, S, D) time table linearly to (1, length, D)."""
    if table.shape[1] == length:
        return table
    rows = table.permute(0, 2, 1)  # (1, D, S)
    return F.interpolate(rows, length, mode="linear", align_corners=False).permute(
        0, 2, 1
    )


def encode_motion(xy: Tensor, scale_xy: Tensor) -> Tensor:
    """Encode the steps to the next and from the previous frame.

    Parameters
    ----------
    xy : (B, S, N, 2)
        Positions, in the unit of ``scale_xy``.
    scale_xy : (2,)
        What one unit of displacement is divided by.

    Returns
    -------
    (B, S, N, 84): raw values, sines (frequency-major), cosines.
    """
    step = (xy[:, :-1] - xy[:, 1:]) / scale_xy  # (B, S-1, N, 2)
    forward = F.pad(step, (0, 0, 0, 0, 0, 1))
    backward = F.pad(-step, (0, 0, 0, 0, 1, 0))
    u = torch.cat([forward, backward], dim=-1)  # (B, S, N, 4)
    frequency = 2.0 ** torch.arange(MOTION_FREQUENCIES, device=u.device, dtype=u.dtype)
    angle = (u[..., None, :] * frequency[:, None]).flatten(-2)  # (B, S, N, 40)
    return torch.cat([u, angle.sin(), (angle + torch.pi / 2).sin()], dim=-1)


def encode_flow(xy: Tensor) -> Tensor:
    """Encode displacements (..., 2) for CoTracker 1 and 2; (..., 130).

    Raw x and y, then sine and cosine interleaved, all frequencies of x before those
    of y.
    """
    omega = torch.arange(FLOW_FREQUENCIES, device=xy.device, dtype=xy.dtype)
    angle = xy[..., None] * (omega * (1000.0 / FLOW_FREQUENCIES))
    waves = torch.stack([angle.sin(), angle.cos()], dim=-1)  # (..., 2, 32, 2)
    return torch.cat([xy, waves.flatten(-3)], dim=-1)


def sample_position_table(xy: Tensor, size: Sequence[int], width: int) -> Tensor:
    """Sample the 2-D sine-cosine table of an (H, W) grid at (..., 2) positions.

    The first half of the ``width`` channels depends on x alone, the second on y, so
    two interpolated 1-D tables do; positions outside get the border's value.
    """
    halves = []
    for values, length in zip(xy.unbind(-1), reversed(size), strict=True):
        table = sincos_table(length, width // 2).to(xy)
        values = values.clamp(0, length - 1)
        low = values.floor()
        high = (low.long() + 1).clamp_max(length - 1)
        halves.append(
            torch.lerp(table[low.long()], table[high], (values - low)[..., None])
        )
    return torch.cat(halves, dim=-1)
