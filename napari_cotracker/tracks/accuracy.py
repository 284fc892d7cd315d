"""TAP-Vid's measures (Doersch et al. 2022, section 3.1), and calibration."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

THRESHOLDS_PX = (1, 2, 4, 8, 16)
# TAP-Vid measures in pixels of a frame resized to this side, aspect ratio ignored.
COMMON_SIDE = 256
# What counts as right where one limit is needed: confidence should mean this.
RIGHT_PX = 8


def errors_256(
    xy: npt.NDArray[np.floating],
    truth_xy: npt.NDArray[np.floating],
    size: tuple[int, int],
) -> npt.NDArray[np.float64]:
    """Distances (K,) in pixels of a 256 x 256 frame; a missing answer is infinite."""
    height, width = size
    scale = np.array([COMMON_SIDE / width, COMMON_SIDE / height])
    error = np.linalg.norm((xy.astype(np.float64) - truth_xy) * scale, axis=-1)
    return np.where(np.isnan(error), np.inf, error)


def delta_avg(errors: npt.NDArray[np.floating]) -> float:
    """Mean over 1, 2, 4, 8 and 16 px of the share of targets that are closer."""
    return float(np.mean([(errors < limit).mean() for limit in THRESHOLDS_PX]))


def average_jaccard(
    errors: npt.NDArray[np.floating],
    seen: npt.NDArray[np.bool_],
    claimed: npt.NDArray[np.bool_],
) -> float:
    """Judge position and visibility together.

    Parameters
    ----------
    errors : (K,)
        Pixels at 256 scale, :func:`errors_256`.
    seen, claimed : (K,) bool
        Whether the point is visible in truth, and in the answer.

    Returns
    -------
    float
        Mean over the limits of right / (visible in truth + wrongly claimed).
    """
    shares = []
    for limit in THRESHOLDS_PX:
        right = seen & claimed & (errors < limit)
        wrong = claimed & ~right
        shares.append(right.sum() / max(1, seen.sum() + wrong.sum()))
    return float(np.mean(shares))


@dataclass(frozen=True)
class ConfidenceBin:
    """Answers whose confidence lies in ``low <= confidence < high``.

    Parameters
    ----------
    low, high : float
    count : int
    confidence : float
        Mean of what was said; NaN where the bin is empty.
    right : float
        Share within 8 px at 256 scale; NaN where the bin is empty.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float


def calibration(
    confidence: npt.NDArray[np.floating],
    errors: npt.NDArray[np.floating],
    n_bins: int = 10,
) -> list[ConfidenceBin]:
    """Compare confidences (K,) in 0..1 with how often the answer was right."""
    edges = np.linspace(0, 1, n_bins + 1)
    bins = []
    for low, high in itertools.pairwise(edges):
        # The last bin includes its upper end.
        inside = (confidence >= low) & ((confidence < high) | (high == 1))
        count = int(inside.sum())
        said = float(confidence[inside].mean()) if count else float("nan")
        right = float((errors[inside] < RIGHT_PX).mean()) if count else float("nan")
        row = (round(float(low), 3), round(float(high), 3), count, said, right)
        bins.append(ConfidenceBin(*row))
    return bins
