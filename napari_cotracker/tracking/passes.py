"""One walk through the recording, window by window, with explicit state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_cotracker.errors import TrackingError
from napari_cotracker.model.interface import WindowState
from napari_cotracker.model.windowed import carry_over
from napari_cotracker.tracking.inference import guarded_inference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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


class Carried(NamedTuple):
    """What one window hands to the next."""

    begin: int
    members: list[int]
    state: WindowState
    point_features: Tensor


def run_pass(
    plan: PassPlan,
    points: PassPoints,
    tracker: WindowTracker,
    window_features: Callable[[Sequence[int]], Tensor],
    *,
    support_xy: npt.NDArray[np.float32],
    iterations: int,
) -> Iterator[WindowResult]:
    """Follow the points through all windows of the plan.

    Parameters
    ----------
    plan : PassPlan
    points : PassPoints
    tracker : WindowTracker
    window_features : callable
        Maps S recording frames to (1, S, C, h, w) features.
    support_xy : (G, 2) float32
        Global support points, seeded afresh on the first frame of every window: in a
        long recording the ones of the first frame would soon be out of the picture.
    iterations : int
        Refinement iterations per window.

    Raises
    ------
    TrackingError
        The network failed or answered with NaN.
    """
    carried = None
    for window in plan.windows:
        with guarded_inference(_name_of(window)):
            features = window_features(window.frames)
            entering = _enter(tracker, features, window, points, carried)
            supported = _with_support(tracker, features, entering, support_xy)
            query_frame = points.first[supported.members] - window.begin
            query_frame = np.append(query_frame, np.zeros(len(support_xy), np.int64))
            states = tracker.refine(
                features,
                supported.point_features,
                supported.state,
                query_frame=torch.from_numpy(query_frame)[None].to(features.device),
                overlap=window.overlap,
                n_real=window.n_real,
                iterations=iterations,
            )
            state = _columns(states[-1], slice(0, len(entering.members)))
            carried = entering._replace(state=state)
            result = _result(plan, window, points, carried, tracker.has_confidence)
        yield result


def _enter(
    tracker: WindowTracker,
    features: Tensor,
    window: Window,
    points: PassPoints,
    carried: Carried | None,
) -> Carried:
    """Continue the points of the previous window, then add those that begin here."""
    earlier = {} if carried is None else {m: i for i, m in enumerate(carried.members)}
    kept = [m for m in window.members if m in earlier]
    new = [m for m in window.members if m not in earlier]
    states, point_features = [], []
    if carried is not None and kept:
        columns = torch.tensor([earlier[m] for m in kept], device=features.device)
        shift = window.begin - carried.begin
        states.append(carry_over(_columns(carried.state, columns), shift))
        point_features.append(carried.point_features[:, columns])
    if new:
        xy = torch.from_numpy(points.xy[new])[None].to(features.device)
        times = torch.from_numpy(points.first[new] - window.begin)[None]
        states.append(tracker.start(xy, len(window.frames)))
        point_features.append(_sample(tracker, features, times, xy))
    return Carried(
        window.begin, kept + new, _joined(states), torch.cat(point_features, 1)
    )


def _with_support(
    tracker: WindowTracker,
    features: Tensor,
    entering: Carried,
    support_xy: npt.NDArray[np.float32],
) -> Carried:
    if not len(support_xy):
        return entering
    xy = torch.from_numpy(support_xy)[None].to(features.device)
    n_frames = features.shape[1]
    times = torch.zeros(1, len(support_xy), dtype=torch.int64)
    sampled = _sample(tracker, features, times, xy)
    return entering._replace(
        state=_joined([entering.state, tracker.start(xy, n_frames)]),
        point_features=torch.cat([entering.point_features, sampled], 1),
    )


def _sample(
    tracker: WindowTracker, features: Tensor, times: Tensor, xy: Tensor
) -> Tensor:
    return tracker.sample(features, torch.cat([times[..., None].to(xy), xy], -1))


def _columns(state: WindowState, columns: Tensor | slice) -> WindowState:
    return WindowState(*(values[:, :, columns] for values in state))


def _joined(states: Sequence[WindowState]) -> WindowState:
    return WindowState(*(torch.cat(values, 2) for values in zip(*states, strict=True)))


def _result(
    plan: PassPlan,
    window: Window,
    points: PassPoints,
    carried: Carried,
    has_confidence: bool,
) -> WindowResult:
    members = np.array(carried.members)
    members_kept = np.flatnonzero(points.anchor[members] >= 0)
    members = members[members_kept]
    state = _columns(
        carried.state, torch.from_numpy(members_kept).to(carried.state.xy.device)
    )
    n = window.n_real
    xy = state.xy[0, :n].float().cpu().numpy()
    if not np.isfinite(xy).all():
        raise TrackingError(
            f"The network answered with NaN positions around frame {window.frames[0]}; "
            "try dtype='float32', another model_resolution, or another model."
        )
    visibility = torch.sigmoid(state.visibility[0, :n].float()).cpu().numpy()
    confidence = torch.sigmoid(state.confidence[0, :n].float()).cpu().numpy()
    times = (window.begin + np.arange(n))[:, None]
    return WindowResult(
        frames=np.array(window.frames[:n]),
        anchor=points.anchor[members],
        wanted=(times > points.first[members]) & (times <= points.last[members]),
        xy=xy,
        visibility=visibility,
        # Networks without confidence: visibility is the only belief there is.
        confidence=confidence if has_confidence else visibility,
    )


def _name_of(window: Window) -> str:
    low, high = sorted((window.frames[0], window.frames[-1]))
    return f"frames {low} to {high}"
