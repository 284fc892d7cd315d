"""Lucas-Kanade at the recording's own resolution: small motion, exactly.

It knows nothing of what a point is and drifts off or jumps over when something hides
it; the network knows, but not to the tenth of a pixel. ``sharpen`` brings them
together.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.video import FrameSource

# Those of most tutorials, made a little better.
WINDOW = (21, 21)
LEVELS = 4
CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.01)
# Pictures kept: those of a window and what leads up to it, in a large recording fewer.
MOST_KEPT = 32
BUDGET = 160 * 2**20


class Found(NamedTuple):
    """Where Lucas-Kanade found points.

    ``xy`` (P, 2) float32 pixels; ``error`` (P,) float32: how far from its start a
    point ends up when it is followed there and back, infinite where it was lost.
    """

    xy: npt.NDArray[np.float32]
    error: npt.NDArray[np.float32]


class GreyFrames:
    """Grey pictures of single frames, the latest ones kept.

    Parameters
    ----------
    source : FrameSource
    budget : int
        Bytes.
    """

    def __init__(self, source: FrameSource, budget: int = BUDGET) -> None:
        self._source = source
        self._budget = budget
        self._kept: OrderedDict[int, npt.NDArray[np.uint8]] = OrderedDict()

    def __getitem__(self, frame: int) -> npt.NDArray[np.uint8]:
        """Return the (H, W) picture."""
        if frame in self._kept:
            self._kept.move_to_end(frame)
        else:
            picture = self._source.read(frame, frame + 1)[0]
            self._kept[frame] = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(
                np.uint8
            )
            fitting = self._budget // self._kept[frame].nbytes
            while len(self._kept) > max(1, min(MOST_KEPT, fitting)):
                self._kept.popitem(last=False)
        return self._kept[frame]


def follow(
    before: npt.NDArray[np.uint8],
    after: npt.NDArray[np.uint8],
    xy: npt.NDArray[np.float32],
    guess: npt.NDArray[np.float32] | None = None,
    *,
    levels: int = LEVELS,
) -> Found:
    """Find (P, 2) points of one picture in another.

    Parameters
    ----------
    before, after : (H, W) uint8
    xy : (P, 2) float32
        In ``before``.
    guess : (P, 2) float32 or None
        In ``after``, where to begin; None = at ``xy``.
    levels : int
        Halvings of the pictures, 0 = none.
    """
    if not len(xy):
        return Found(np.zeros((0, 2), np.float32), np.zeros(0, np.float32))
    there, found = one_way(before, after, xy, guess, levels)
    back, again = one_way(after, before, there, None if guess is None else xy, levels)
    error = np.linalg.norm(back - xy, axis=1)
    error[~(found & again)] = np.inf
    return Found(there, error.astype(np.float32))


def one_way(
    before: npt.NDArray[np.uint8],
    after: npt.NDArray[np.uint8],
    xy: npt.NDArray[np.float32],
    guess: npt.NDArray[np.float32] | None = None,
    levels: int = LEVELS,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Find (P, 2) points of one picture in another, without looking back.

    Returns
    -------
    xy (P, 2), found (P,)
    """
    # OpenCV 5 refuses the strides that indexing with None makes.
    begin = np.array(xy if guess is None else guess, np.float32).reshape(-1, 1, 2)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        np.array(xy, np.float32).reshape(-1, 1, 2),
        begin,
        winSize=WINDOW,
        maxLevel=levels,
        criteria=CRITERIA,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(there[:, 0], np.float32), np.asarray(found[:, 0] > 0)
