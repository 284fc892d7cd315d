"""By which anchors of its track a point is known, besides the one it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# The nearest ones; four serve as well as eight.
MOST_OTHERS = 4


def others_of(
    frames: npt.NDArray[np.int64], own: int, sign: int, usable: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Choose further anchors of a track to know a point by.

    The one that it walks towards is left out, so that what is said from here does not
    change when that one moves.

    Parameters
    ----------
    frames : (A,) int64
        Frames of the track's anchors.
    own : int
        Frame of the anchor that is followed.
    sign : 1 or -1
        In which direction.
    usable : (A,) bool
        Which of them show the point.

    Returns
    -------
    (K,) int64
        Indices into ``frames``, nearest first.
    """
    apart = frames - own
    ahead = apart[apart * sign > 0]
    left = usable & (apart != 0)
    if len(ahead):
        left &= apart != sign * np.abs(ahead).min()
    found = np.flatnonzero(left)
    return found[np.argsort(np.abs(apart[found]), kind="stable")][:MOST_OTHERS]
