"""Which part of a result an edit makes invalid; plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracking.windows.plan import Sign, lives_of
from napari_cotracker.tracks import Constraints, Span

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracking.windows.plan import Life
    from napari_cotracker.tracks import Queries

_DEFAULTS = TrackingOptions()
# Per frame and direction: the anchor that is answered for there (frame, x, y).
_WHO = 3


def invalid_spans(
    before: Queries | None,
    after: Queries | None,
    n_frames: int,
    *,
    constraints_before: Constraints | None = None,
    constraints_after: Constraints | None = None,
    options: TrackingOptions = _DEFAULTS,
) -> tuple[Span, ...]:
    """Compare two sets of anchors and say which cells they lead to differently.

    A cell is what a track is on one frame. It follows from the anchors on either side
    of it that are followed as far as this frame, and from whether it is hidden.

    Parameters
    ----------
    before, after : Queries or None
        All anchors; None = there are none.
    n_frames : int
        T.
    constraints_before, constraints_after : Constraints or None
    options : TrackingOptions
        Direction, frame range and horizon matter here.

    Returns
    -------
    tuple of Span
        Sorted by track and frame; empty if nothing needs to be tracked again.
    """
    one = _Origins(before, n_frames, constraints_before, options)
    two = _Origins(after, n_frames, constraints_after, options)
    spans = []
    for point_id in sorted(one.tracks | two.tracks):
        differs = (one.of(point_id) != two.of(point_id)).any(axis=1)
        spans += _spans_of(point_id, differs)
    return tuple(spans)


class _Origins:
    """Where the answer for every cell comes from."""

    def __init__(
        self,
        anchors: Queries | None,
        n_frames: int,
        constraints: Constraints | None,
        options: TrackingOptions,
    ) -> None:
        self._anchors = anchors
        self._n_frames = n_frames
        self._constraints = constraints or Constraints.none()
        self._options = options
        self.tracks = set() if anchors is None else set(anchors.tracks.tolist())

    def of(self, point_id: int) -> npt.NDArray[np.float64]:
        """Return (T, 8) numbers that are equal where nothing has changed."""
        origins = np.full((self._n_frames, 2 * _WHO + 2), -1.0)
        hidden = self._constraints.hidden_mask([point_id], self._n_frames)[:, 0]
        if self._anchors is None or point_id not in self.tracks:
            return origins
        mine = np.flatnonzero(self._anchors.point_id == point_id)
        frame, xy = self._anchors.frame[mine], self._anchors.xy[mine]
        signs: tuple[Sign, Sign] = (1, -1)
        for side, sign in enumerate(signs):
            for life in self._lives(frame, point_id, sign):
                low, high = sorted((life.first, life.last))
                who = origins[low : high + 1, side * _WHO : (side + 1) * _WHO]
                who[:, 0], who[:, 1:] = life.first, xy[life.row]
        # Followed by nobody, an anchor still is where it is.
        origins[frame, :_WHO] = origins[frame, _WHO : 2 * _WHO] = np.column_stack(
            [frame, xy]
        )
        origins[frame, -1] = 1
        told = (origins[:, 0] >= 0) | (origins[:, _WHO] >= 0)
        origins[:, -2] = hidden & told
        return origins

    def _lives(
        self, frame: npt.NDArray[np.int64], point_id: int, sign: Sign
    ) -> list[Life]:
        options = self._options
        if sign not in options.signs:
            return []
        first, last = options.span_in(self._n_frames)
        return lives_of(
            frame.tolist(),
            [point_id] * len(frame),
            sign,
            last if sign == 1 else first,
            options.horizon,
            self._constraints,
        )


def _spans_of(point_id: int, differs: npt.NDArray[np.bool_]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], differs, [False]])))
    return [
        Span(point_id, int(first), int(stop) - 1)
        for first, stop in edges.reshape(-1, 2)
    ]
