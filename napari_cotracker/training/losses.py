"""Losses on every iteration (CoTracker3 paper, section 3.3; ours where stated)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from napari_cotracker.model.interface import WindowState

ITERATION_DECAY = 0.8
VISIBLE_WEIGHT = 0.2
HIDDEN_WEIGHT = 0.04
# Below the published 6 px: the linear part then starts at one pixel, which keeps the
# pull towards sub-pixel accuracy.
HUBER_PX = 1.0
# A position is called confident if it is this close; stricter than the published
# 12 px, because people correct points that are visibly off.
CONFIDENT_PX = 4.0


def window_loss(
    states: list[WindowState], tracks_xy: Tensor, visible: Tensor, active: Tensor
) -> dict[str, Tensor]:
    """Loss terms of one window, each a scalar.

    Parameters
    ----------
    states : list of WindowState
        After every iteration; leaves (B, S, N, ...).
    tracks_xy : (B, S, N, 2)
    visible : (B, S, N) bool
    active : (B, S, N) bool
        Which positions count: points that are queried before the window's end.
    """
    seen = visible.float()
    used = active.float()
    weight = used * (VISIBLE_WEIGHT * seen + HIDDEN_WEIGHT * (1 - seen))
    terms: dict[str, list[Tensor]] = {
        "position": [],
        "visibility": [],
        "confidence": [],
    }
    for k, state in enumerate(states):
        error = torch.linalg.vector_norm(state.xy - tracks_xy, dim=-1)
        huber = F.huber_loss(error, torch.zeros_like(error), "none", HUBER_PX)
        decay = ITERATION_DECAY ** (len(states) - 1 - k)
        terms["position"].append(decay * (weight * huber).mean())
        terms["visibility"].append(
            F.binary_cross_entropy_with_logits(state.visibility, seen, used)
            / len(states)
        )
        near = (error.detach() <= CONFIDENT_PX).float()
        wrong = F.binary_cross_entropy_with_logits(state.confidence, near, seen * used)
        terms["confidence"].append(wrong / len(states))
    return {key: torch.stack(values).sum() for key, values in terms.items()}
