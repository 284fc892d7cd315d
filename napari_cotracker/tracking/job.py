"""What a run works on, checked, with everything that its answers depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.model.config import (
    PUBLISHED_ITERATIONS,
    PUBLISHED_SUPPORT_GRID,
)
from napari_cotracker.tracking.further_anchors import others_of
from napari_cotracker.tracking.identity import own_or

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracking.frames.model_frame import ModelFrame
    from napari_cotracker.tracking.frames.views import Views
    from napari_cotracker.tracking.options import TrackingOptions
    from napari_cotracker.tracks import Constraints, Queries
    from napari_cotracker.video import FrameSource


@dataclass(frozen=True, eq=False)
class Job:
    """What a run works on, checked.

    Parameters
    ----------
    source : FrameSource
    anchors : Queries
    tracker : WindowTracker
    frame : ModelFrame
        What the network is shown ...
    views : Views
        ... and which boxes of it at a time.
    frame_range : (first, last)
        Recording frames to track, both inclusive.
    options : TrackingOptions
    constraints : Constraints
    network_digest : bytes
        Identity of weights and arithmetic.
    """

    source: FrameSource
    anchors: Queries
    tracker: WindowTracker
    frame: ModelFrame
    views: Views
    frame_range: tuple[int, int]
    options: TrackingOptions
    constraints: Constraints
    network_digest: bytes

    @property
    def support_grid(self) -> int:
        """Side of the global grid of support points."""
        return self._own_unless_given("support_grid", PUBLISHED_SUPPORT_GRID)

    @property
    def iterations(self) -> int:
        """Refinement iterations per window."""
        return self._own_unless_given("iterations", PUBLISHED_ITERATIONS)

    def others(self, row: int, sign: int) -> npt.NDArray[np.int64]:
        """Rows of the further anchors that a point followed from one is known by."""
        if not hasattr(self.tracker, "join"):
            return np.zeros(0, np.int64)
        mine, shown = self.shown_of(row)
        frames = self.anchors.frame[mine]
        chosen = others_of(frames, int(self.anchors.frame[row]), sign, shown)
        found: npt.NDArray[np.int64] = mine[chosen]
        return found

    def shown_of(self, row: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Rows of the anchors of the same track, and whether each shows the point."""
        point_id = int(self.anchors.point_id[row])
        mine = np.flatnonzero(self.anchors.point_id == point_id)
        # One that was given twice says no more than once.
        frames, first = np.unique(self.anchors.frame[mine], return_index=True)
        shown = np.ones(len(frames), np.bool_)
        # Where it is hidden, something else is seen at the anchor.
        for span in self.constraints.of([point_id]).hidden:
            shown &= (frames < span.first) | (frames > span.last)
        return mine[first], shown

    def _own_unless_given(self, name: str, usual: int) -> int:
        given = getattr(self.options, name)
        if given is not None:
            return int(given)
        return own_or(self.tracker, name, usual)

    @property
    def manner(self) -> tuple[object, ...]:
        """How the network is asked: all that changes answers but what it is shown."""
        options = self.options
        support = (self.support_grid, options.local_support)
        boxes = type(self.views).__name__
        return self.iterations, support, boxes, options.sharpen
