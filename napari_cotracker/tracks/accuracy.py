"""TAP-Vid's position accuracy (Doersch et al. 2022, section 3.1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

THRESHOLDS_PX = (1, 2, 4, 8, 16)
# TAP-Vid measures in pixels of a frame resized to this side, aspect ratio ignored.
COMMON_SIDE = 256


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
