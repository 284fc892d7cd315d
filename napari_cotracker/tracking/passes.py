"""One walk through the recording, window by window, with explicit state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_cotracker.errors import TrackingError
from napari_cotracker.model.interface import WindowState
from napari_cotracker.model.windowed import carry_over
from napari_cotracker.tracking.finished import FinishedWindow
from napari_cotracker.tracking.inference import guarded_inference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracking.plan import PassPlan, Window


@dataclass(frozen=True, eq=False)
class PassPoints:
    """Everything a pass follows, index for index the plan's lives.

    Parameters
    ----------
    xy : (P, 2) float32
        Query positions in model-frame pixels.
    first, last : (P,) int64
        Pass time of the query, and of the last frame wanted.
    anchor : (P,) int64
        Row of the anchor, or -1 for a support point.
    """

    xy: npt.NDArray[np.float32]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    anchor: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WindowResult:
    """What one window says about the anchors in it.

    Parameters
    ----------
    frames : (n,) int64
        Recording frames, in pass order.
    anchor : (P,) int64
        Rows of the anchors.
    wanted : (n, P) bool
        Where the answer counts: after the query and within the anchor's life.
    xy : (n, P, 2) float32
        Model-frame pixels.
    visibility, confidence : (n, P) float32
        In 0..1.
    """

    frames: npt.NDArray[np.int64]
    anchor: npt.NDArray[np.int64]
    wanted: npt.NDArray[np.bool_]
    xy: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]


class Pass:
    """Follows points through the windows of a plan.

    Its windows are run in order, or taken from an earlier run, and adopted. A window
    starts from nothing but what its predecessor left behind, so those of an earlier
    run lead to the same numbers.

    Parameters
    ----------
    name : str
        Fingerprint of the walk, see :class:`FinishedWindow`.
    plan : PassPlan
    points : PassPoints
    tracker : WindowTracker
    window_features : callable
        Maps S recording frames to (1, S, h, w, C) features.
    support_xy : (G, 2) float32
        Global support points, seeded afresh on the first frame of every window: in a
        long recording the ones of the first frame would soon be out of the picture.
    iterations : int
        Refinement iterations per window.
    """

    def __init__(
        self,
        name: str,
        plan: PassPlan,
        points: PassPoints,
        tracker: WindowTracker,
        window_features: Callable[[Sequence[int]], Tensor],
        *,
        support_xy: npt.NDArray[np.float32],
        iterations: int,
    ) -> None:
        self.plan = plan
        self.name = name
        self._points = points
        self._tracker = tracker
        self._window_features = window_features
        self._support_xy = support_xy
        self._iterations = iterations
        self._before: FinishedWindow | None = None
        # What identifies the points, by the time of their query.
        self._looks: dict[int, Tensor] = {}

    def run(self, index: int) -> FinishedWindow:
        """Ask the network about one window; :meth:`adopt` it to go on.

        Raises
        ------
        TrackingError
            It failed or answered with NaN.
        """
        window = self.plan.windows[index]
        with guarded_inference(_name_of(window)):
            features = self._window_features(window.frames)
            state, looks = self._with_support(
                features,
                self._enter(window, features),
                self._identify(window, features),
            )
            query_frame = self._points.first[list(window.members)] - window.begin
            support_frame = np.zeros(len(self._support_xy), np.int64)
            query_frame = np.concatenate([query_frame, support_frame])
            states = self._tracker.refine(
                features,
                looks,
                state,
                query_frame=torch.from_numpy(query_frame)[None].to(features.device),
                overlap=window.overlap,
                n_real=window.n_real,
                iterations=self._iterations,
            )
            answer = [
                values[0, :, : len(window.members)].float().cpu().numpy().copy()
                for values in states[-1]
            ]
        return self._finished(index, window, *answer)

    def adopt(self, finished: FinishedWindow) -> None:
        """Go on from this window."""
        self._before = finished

    def result(self, finished: FinishedWindow) -> WindowResult:
        """Say what a finished window means."""
        window = self.plan.windows[finished.index]
        members = np.array(window.members)
        mine = self._points.anchor[members] >= 0
        members = members[mine]
        n = window.n_real
        visibility = _sigmoid(finished.visibility[:n, mine])
        times = (window.begin + np.arange(n))[:, None]
        first, last = self._points.first[members], self._points.last[members]
        return WindowResult(
            frames=finished.frames,
            anchor=self._points.anchor[members],
            wanted=(times > first) & (times <= last),
            xy=finished.xy[:n, mine],
            visibility=visibility,
            # Networks without confidence: visibility is the only belief there is.
            confidence=_sigmoid(finished.confidence[:n, mine])
            if self._tracker.has_confidence
            else visibility,
        )

    def _finished(
        self,
        index: int,
        window: Window,
        xy: npt.NDArray[np.float32],
        visibility: npt.NDArray[np.float32],
        confidence: npt.NDArray[np.float32],
    ) -> FinishedWindow:
        mine = self._points.anchor[list(window.members)] >= 0
        if not np.isfinite(xy[: window.n_real, mine]).all():
            raise TrackingError(
                "The network answered with NaN positions around frame "
                f"{window.frames[0]}; try dtype='float32', another model_resolution, "
                "or another model."
            )
        return FinishedWindow(
            walk=self.name,
            index=index,
            sign=self.plan.sign,
            frames=np.array(window.frames[: window.n_real], np.int64),
            anchor=self._points.anchor[list(window.members)],
            xy=xy,
            visibility=visibility,
            confidence=confidence,
        )

    def _enter(self, window: Window, features: Tensor) -> WindowState:
        """Continue the points of the previous window, and start those that are new."""
        xy = torch.from_numpy(self._points.xy[list(window.members)])[None]
        state = self._tracker.start(xy.to(features.device), len(window.frames))
        if self._before is None:
            return state
        before = self.plan.windows[self._before.index]
        places = {member: i for i, member in enumerate(before.members)}
        kept = [i for i, member in enumerate(window.members) if member in places]
        columns = [places[window.members[i]] for i in kept]
        carried = carry_over(
            WindowState(
                *(
                    torch.from_numpy(values[None, :, columns]).to(features.device)
                    for values in (
                        self._before.xy,
                        self._before.visibility,
                        self._before.confidence,
                    )
                )
            ),
            window.begin - before.begin,
        )
        fields = [values.clone() for values in state]
        for values, known in zip(fields, carried, strict=True):
            values[:, :, kept] = known.to(values.dtype)
        return WindowState(*fields)

    def _identify(self, window: Window, features: Tensor) -> Tensor:
        """Point features of the window's members, (1, P, ...)."""
        first = self._points.first
        times = first[list(window.members)]
        looks = {}
        for time in np.unique(times).tolist():
            # All points of one frame, from that frame alone, in whichever window and
            # run they are sampled: the same call gives the same numbers.
            same = np.flatnonzero(first == time)
            known = self._looks.get(time)
            if known is None:
                known = self._sample_at(window, features, time, same)
            looks[time] = known
        self._looks = looks
        rows = [
            looks[time][np.searchsorted(np.flatnonzero(first == time), member)]
            for time, member in zip(times.tolist(), window.members, strict=True)
        ]
        return torch.stack(rows)[None]

    def _sample_at(
        self,
        window: Window,
        features: Tensor,
        time: int,
        members: npt.NDArray[np.int64],
    ) -> Tensor:
        frame = self.plan.frame_at(time)
        if frame in window.frames:
            place = window.frames.index(frame)
            shown = features[:, place : place + 1]
        else:
            shown = self._window_features([frame])
        return _sample(self._tracker, shown, self._points.xy[members])[0]

    def _with_support(
        self, features: Tensor, state: WindowState, looks: Tensor
    ) -> tuple[WindowState, Tensor]:
        if not len(self._support_xy):
            return state, looks
        xy = torch.from_numpy(self._support_xy)[None].to(features.device)
        sampled = _sample(self._tracker, features[:, :1], self._support_xy)
        fresh = self._tracker.start(xy, features.shape[1])
        joined = (torch.cat(both, 2) for both in zip(state, fresh, strict=True))
        return WindowState(*joined), torch.cat([looks, sampled], 1)


def _sample(
    tracker: WindowTracker, features: Tensor, xy: npt.NDArray[np.float32]
) -> Tensor:
    """Sample (N, 2) points on the one frame of (1, 1, h, w, C) features."""
    txy = np.concatenate([np.zeros((len(xy), 1), np.float32), xy], axis=1)
    return tracker.sample(features, torch.from_numpy(txy)[None].to(features.device))


def _sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


def _name_of(window: Window) -> str:
    low, high = sorted((window.frames[0], window.frames[-1]))
    return f"frames {low} to {high}"
