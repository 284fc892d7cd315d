"""Make confidence mean what it says: the share of answers that need no correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from napari_cotracker.evaluation.dense import followed, targets
from napari_cotracker.tracking import TrackingOptions
from napari_cotracker.training.scenes import SPLITS
from napari_cotracker.training.validation import truths

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.model.cotracker3 import CoTracker3

# Close enough that nobody would correct it, at 256 x 256 scale.
CLOSE_PX = 4
# Clips of validation's kind that validation itself never shows.
FIRST_CLIP = 50_000
# Probabilities closer to 0 or 1 say nothing more in half precision.
_LEAST = 1e-6


def calibrate(model: CoTracker3, clips: int) -> tuple[float, float]:
    """Fit confidence to how often visible points are close; returns (scale, shift).

    On the visible targets of ``clips`` generated clips per split, all together,
    followed as they would be for a user.
    """
    model.eval()
    model.confidence_fit = (1.0, 0.0)
    follow = followed(model, TrackingOptions())
    confidence, right = [], []
    for split in SPLITS:
        for truth in truths(split, clips, skip=FIRST_CLIP):
            errors, seen, _, sure = targets(truth, follow(truth))
            confidence.append(sure[seen])
            right.append(errors[seen] < CLOSE_PX)
    return fit_logits(np.concatenate(confidence), np.concatenate(right))


def fit_logits(
    confidence: npt.NDArray[np.float32], right: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Fit a line through logits by likelihood (Platt 1999); (scale, shift).

    Parameters
    ----------
    confidence : (K,) in 0..1
    right : (K,) bool
    """
    chance = torch.from_numpy(confidence).double().clamp(_LEAST, 1 - _LEAST)
    logits, wanted = torch.logit(chance), torch.from_numpy(right).double()
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([line], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = F.binary_cross_entropy_with_logits(line[0] * logits + line[1], wanted)
        value.backward()
        return value

    solver.step(loss)
    scale, shift = line.tolist()
    return round(scale, 4), round(shift, 4)
