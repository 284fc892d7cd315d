"""Visible and confidence in formats that have one score per position.

The score is the confidence of a visible point, and 0 where it is occluded, so that no
reader with any threshold takes an occluded point for a seen one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.tracks import VISIBILITY_THRESHOLD

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

# Stands for the confidence 0 of a visible point.
_LEAST = np.float32(1e-7)


def to_score(tracks: Tracks) -> npt.NDArray[np.float32]:
    """Return the score of every position, (T, N)."""
    score = np.where(tracks.visible, np.maximum(tracks.confidence, _LEAST), 0)
    return np.asarray(score, np.float32)


def from_score(
    score: npt.NDArray[Any], *, ours: bool
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]:
    """Return visible and confidence.

    Parameters
    ----------
    score : (T, N)
        NaN = the file does not say; counts as visible.
    ours : bool
        Whether this package wrote the score; scores of others have no mark for
        occluded, and below the threshold count as that.
    """
    occluded = score <= 0 if ours else score < VISIBILITY_THRESHOLD
    return ~occluded, score
