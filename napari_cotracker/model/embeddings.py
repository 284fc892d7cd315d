"""Fixed encodings of time and motion."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_cotracker.model.config import MOTION_FREQUENCIES


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
