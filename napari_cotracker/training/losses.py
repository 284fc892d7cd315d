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
# The published Huber loss pulls as hard at 40 px as at its threshold; but a point that
# is lost teaches little, and what counts is how many end within 1 to 16 px.
SOFT_PX = 1.5
LOSS_SCALE = 2.5
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
        decay = ITERATION_DECAY ** (len(states) - 1 - k)
        terms["position"].append(decay * (weight * distance_loss(error)).mean())
        terms["visibility"].append(
            F.binary_cross_entropy_with_logits(state.visibility, seen, used)
            / len(states)
        )
        near = (error.detach() <= CONFIDENT_PX).float()
        wrong = F.binary_cross_entropy_with_logits(state.confidence, near, seen * used)
        terms["confidence"].append(wrong / len(states))
    return {key: torch.stack(values).sum() for key, values in terms.items()}


def distance_loss(error_px: Tensor) -> Tensor:
    """Weigh distances: like their square below a pixel, like their logarithm above.

    The slope is 0.9 at 1 px, 0.5 at 4 px and 0.15 at 16 px.
    """
    soft = error_px**2 / (SOFT_PX * (1 + error_px))
    return LOSS_SCALE * torch.log1p(soft)
