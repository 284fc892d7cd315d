"""Where a person has shown a point, and what identifies it from that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_cotracker.tracking.windows.look import sample

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracking.frames.views import Views
    from napari_cotracker.tracking.windows.look import Features


@dataclass(frozen=True, eq=False)
class Sightings:
    """Where the points of a pass were shown; the first of each is its query.

    Parameters
    ----------
    owner : (K,) int64
        Index of the point.
    frame : (K,) int64
        Recording frame.
    xy : (K, 2) float32
        Model-frame pixels.
    """

    owner: npt.NDArray[np.int64]
    frame: npt.NDArray[np.int64]
    xy: npt.NDArray[np.float32]

    def of(self, points: npt.NDArray[np.int64]) -> Sightings:
        """Keep those of some points, in their order."""
        mine = np.isin(self.owner, points)
        return Sightings(self.owner[mine], self.frame[mine], self.xy[mine])


class Looks:
    """What identifies the points of a pass, sampled when they are first needed.

    Parameters
    ----------
    first : (P,) int64
        Pass time of each point's query.
    sightings : Sightings
    tracker : WindowTracker
    features : Features
    views : Views
    """

    def __init__(
        self,
        first: npt.NDArray[np.int64],
        sightings: Sightings,
        tracker: WindowTracker,
        features: Features,
        views: Views,
    ) -> None:
        self._first = first
        self._sightings = sightings
        self._tracker = tracker
        self._features = features
        self._views = views
        # By the time of the query.
        self._known: dict[int, Tensor] = {}

    def of(self, points: npt.NDArray[np.int64]) -> Tensor:
        """Return what identifies some points, (1, P, ...)."""
        times = self._first[points]
        parts, order = [], []
        for time in np.unique(times).tolist():
            same = np.flatnonzero(self._first == time)
            mine = np.flatnonzero(times == time)
            # All points of one time, in whichever window and run they are sampled: the
            # same call gives the same numbers.
            if time not in self._known:
                self._known[time] = self._sampled(same)
            known = self._known[time]
            place = torch.from_numpy(np.searchsorted(same, points[mine]))
            parts.append(known[place.to(known.device)])
            order.append(mine)
        return _in_order(parts, order)[None]

    def keep_only(self, points: npt.NDArray[np.int64]) -> None:
        """Forget what these points do not need."""
        needed = set(self._first[points].tolist())
        self._known = {t: known for t, known in self._known.items() if t in needed}

    def _sampled(self, points: npt.NDArray[np.int64]) -> Tensor:
        """Sample points on every frame on which they were shown, (P, ...)."""
        shown = self._sightings.of(points)
        parts, order = [], []
        for frame in dict.fromkeys(shown.frame.tolist()):
            rows = np.flatnonzero(shown.frame == frame)
            parts.append(self._sampled_on(frame, shown.xy[rows]))
            order.append(rows)
        looks = _in_order(parts, order)
        starts = np.flatnonzero(np.diff(shown.owner, prepend=-1))
        if len(starts) == len(looks):
            return looks
        several = torch.tensor_split(looks, starts[1:].tolist())
        return torch.stack([self._joined(part) for part in several])

    def _sampled_on(self, frame: int, xy: npt.NDArray[np.float32]) -> Tensor:
        parts, order = [], []
        for box, which in self._views.split_anchors(xy):
            corner = np.array([box.x, box.y], np.float32)
            shown = self._features.frame(frame, box)
            parts.append(sample(self._tracker, shown, xy[which] - corner)[0])
            order.append(which)
        return _in_order(parts, order)

    def _joined(self, looks: Tensor) -> Tensor:
        # Only networks that can are shown a point more than once.
        if len(looks) == 1:
            return looks[0]
        tracker: Any = self._tracker
        joined: Tensor = tracker.join(looks)
        return joined


def _in_order(parts: list[Tensor], places: list[npt.NDArray[np.int64]]) -> Tensor:
    """Join rows so that each lies at its place."""
    joined = torch.cat(parts)
    back = torch.from_numpy(np.argsort(np.concatenate(places)))
    return joined[back.to(joined.device)]
