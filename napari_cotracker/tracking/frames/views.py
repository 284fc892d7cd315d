"""What of each frame the network is shown: always all of it, or moving boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_cotracker.tracking.frames.model_frame import Box
from napari_cotracker.tracking.frames.regions import (
    FIRST_MARGIN,
    LARGEST_AREA,
    MARGIN,
    Group,
    expected_rects,
    group_points,
    round_boxes,
)

if TYPE_CHECKING:
    import numpy.typing as npt


class Views(Protocol):
    """Choose boxes of the model frame for the points of a window."""

    def split(
        self,
        xy: npt.NDArray[np.float32],
        seen: npt.NDArray[np.bool_],
        known: npt.NDArray[np.int64],
        n_real: int,
    ) -> list[Group]:
        """Divide N points among boxes before the network looks.

        Parameters
        ----------
        xy : (S, N, 2) float32
            Positions so far, model-frame pixels.
        seen : (N,) bool
            Whether each was visible when last looked at.
        known : (N, 2) int64
            First and one after the last frame on which ``xy`` is known.
        n_real : int
            Frames to find the points on.
        """

    def split_anchors(self, xy: npt.NDArray[np.float32]) -> list[Group]:
        """Divide (N, 2) points of one frame among boxes, to learn how they look."""

    def corrected(self, box: Box, xy: npt.NDArray[np.float32]) -> Box | None:
        """Return a better box for points found at (n, 2), or None if it was good."""


class WholeFrame:
    """All points in one view of everything.

    Parameters
    ----------
    box : Box
        The model frame.
    """

    def __init__(self, box: Box) -> None:
        self._box = box

    def split(
        self,
        xy: npt.NDArray[np.float32],
        seen: npt.NDArray[np.bool_],
        known: npt.NDArray[np.int64],
        n_real: int,
    ) -> list[Group]:
        """Put all points into one group."""
        return [Group(self._box, np.arange(xy.shape[1]))]

    def split_anchors(self, xy: npt.NDArray[np.float32]) -> list[Group]:
        """Put all points into one group."""
        return [Group(self._box, np.arange(len(xy)))]

    def corrected(self, box: Box, xy: npt.NDArray[np.float32]) -> Box | None:
        """There is nothing better than everything."""
        return None


class MovingBoxes:
    """Boxes that follow the points through a model frame too large to be shown.

    Parameters
    ----------
    size : (H, W)
        Of the model frame.
    unit : int
        Box sides are multiples of it.
    """

    def __init__(self, size: tuple[int, int], unit: int) -> None:
        self._size = size
        self._unit = unit

    def split(
        self,
        xy: npt.NDArray[np.float32],
        seen: npt.NDArray[np.bool_],
        known: npt.NDArray[np.int64],
        n_real: int,
    ) -> list[Group]:
        """Group points by where they are expected."""
        rects = expected_rects(xy, seen, known, n_real)
        return group_points(rects, self._size, self._unit)

    def split_anchors(self, xy: npt.NDArray[np.float32]) -> list[Group]:
        """Group points by where they are."""
        at = xy.astype(np.float64)
        rects = np.concatenate([at - FIRST_MARGIN, at + FIRST_MARGIN], axis=1)
        return group_points(rects, self._size, self._unit)

    def corrected(self, box: Box, xy: npt.NDArray[np.float32]) -> Box | None:
        """Enlarge or move a box that points reached the rim of."""
        if not len(xy):
            return None
        low, high = xy.min(axis=0), xy.max(axis=0)
        needed = round_boxes(
            np.concatenate([low - MARGIN, high + MARGIN])[None].astype(np.float64),
            self._size,
            self._unit,
        )[0]
        start = np.array([box.x, box.y])
        stop = start + np.array([box.width, box.height])
        # The border of the picture itself is no rim.
        start = start + _RIM * (start > 0)
        stop = stop - _RIM * (stop < self._size[::-1])
        inside = (low >= start).all() and (high < stop).all()
        better = Box(*needed.tolist())
        if inside or better == box or better.area > LARGEST_AREA:
            return None
        return better


# What is nearer to the end of the picture was found with less than half of the
# surroundings that the coarsest correlation compares.
_RIM = MARGIN // 2
