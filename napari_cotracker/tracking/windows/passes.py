"""One walk through the recording, window by window, with explicit state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_cotracker.errors import TrackingError
from napari_cotracker.model.interface import WindowState
from napari_cotracker.model.windowed import carry_over
from napari_cotracker.tracking.identity import confidence_fit_of
from napari_cotracker.tracking.sharpening.sharpen import Known, Sharpener
from napari_cotracker.tracking.windows.finished import FinishedWindow
from napari_cotracker.tracking.windows.inference import guarded_inference
from napari_cotracker.tracking.windows.look import (
    Asking,
    Entry,
    Features,
    Look,
    columns,
)
from napari_cotracker.tracking.windows.sightings import Looks, Sightings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_cotracker.tracking.frames.model_frame import Box
    from napari_cotracker.tracking.frames.views import Views
    from napari_cotracker.tracking.windows.plan import PassPlan, Window


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
    sightings : Sightings
        Where each was shown.
    """

    xy: npt.NDArray[np.float32]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    anchor: npt.NDArray[np.int64]
    sightings: Sightings


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
    look : Look
    features : Features
    views : Views
        Which boxes of the model frame are looked at.
    sharpener : Sharpener or None
        Suggests ways, and refines what the network answers.
    """

    def __init__(
        self,
        name: str,
        plan: PassPlan,
        points: PassPoints,
        look: Look,
        features: Features,
        views: Views,
        sharpener: Sharpener | None = None,
    ) -> None:
        self.plan = plan
        self.name = name
        self._points = points
        self._look = look
        self._features = features
        self._views = views
        self._sharpener = sharpener
        self._before: FinishedWindow | None = None
        shown = points.sightings
        self._looks = Looks(points.first, shown, look.tracker, features, views)

    def ask(self, index: int) -> Asking[FinishedWindow]:
        """Ask the network about one window; :meth:`adopt` it to go on.

        Raises
        ------
        TrackingError
            It answered with NaN.
        """
        window = self.plan.windows[index]
        self._looks.keep_only(np.array(window.members))
        answer = yield from self._ask(window)
        return self._finished(index, window, *answer)

    def _ask(self, window: Window) -> Asking[list[npt.NDArray[np.float32]]]:
        """Positions, visibility and confidence (S, P, ...) of a window's members."""
        members = np.array(window.members)
        entering = self._enter(window)
        xy = entering.xy[0].numpy()
        query_frame = self._points.first[members] - window.begin
        known = np.stack([np.maximum(query_frame, 0), query_frame + 1], axis=1)
        known[:, 1] = np.maximum(known[:, 1], window.overlap)
        start = known[:, 1] - 1
        suggested = None
        if self._sharpener is not None:
            suggested = self._sharpener.suggest(window.frames, window.n_real, start, xy)
        seen = entering.visibility[0].numpy()[start, np.arange(len(members))] >= 0
        answer = [values[0].numpy().copy() for values in entering]
        for box, which in self._views.split(xy, seen, known, window.n_real):
            for _ in range(1 + _SECOND_LOOKS):
                part = yield from self._ask_about(
                    window, box, which, entering, start, suggested
                )
                again = self._views.corrected(
                    box, _found(part, known[which, 0], window.n_real)
                )
                if again is None:
                    break
                box = again
            for values, found in zip(answer, part, strict=True):
                values[:, which] = found
        # Answers that are none are refused later, with all that belongs to them.
        if self._sharpener is not None and np.isfinite(answer[0]).all():
            mine = np.flatnonzero(self._points.anchor[members] >= 0)
            answer[0][:, mine] = self._sharpened(
                window, members[mine], known[mine, 0], xy[:, mine], answer, mine
            )
        return answer

    def _ask_about(
        self,
        window: Window,
        box: Box,
        which: npt.NDArray[np.int64],
        entering: WindowState,
        start: npt.NDArray[np.int64],
        suggested: npt.NDArray[np.float32] | None,
    ) -> Asking[list[npt.NDArray[np.float32]]]:
        """Ask about some members within one box; model-frame pixels."""
        features = self._features.window(window.frames, box)
        corner = np.array([box.x, box.y], np.float32)
        state = columns(entering, which)
        members = np.array(window.members)[which]
        entry = Entry(
            state=state._replace(xy=state.xy - torch.from_numpy(corner)),
            looks=self._looks.of(members),
            query_frame=self._points.first[members] - window.begin,
            start=start[which],
            suggested=None if suggested is None else suggested[:, which] - corner,
        )
        answer = yield from self._look.at(
            features, box, entry, window.overlap, window.n_real
        )
        xy, visibility, confidence = (v[0].float().cpu().numpy() for v in answer)
        return [xy + corner, visibility, confidence]

    def _sharpened(
        self,
        window: Window,
        members: npt.NDArray[np.int64],
        first: npt.NDArray[np.int64],
        before_xy: npt.NDArray[np.float32],
        answer: list[npt.NDArray[np.float32]],
        which: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        assert self._sharpener is not None
        queries = [self.plan.frame_at(time) for time in self._points.first[members]]
        return self._sharpener.sharpen(
            window.frames,
            window.n_real,
            Known(
                first,
                before_xy[first, np.arange(len(members))],
                np.array(queries, np.int64),
                self._points.xy[members],
            ),
            answer[0][:, which],
            answer[1][:, which] > 0,
        )

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
        scale, shift = confidence_fit_of(self._look.tracker)
        return WindowResult(
            frames=finished.frames,
            anchor=self._points.anchor[members],
            wanted=(times > first) & (times <= last),
            xy=finished.xy[:n, mine],
            visibility=visibility,
            # Networks without confidence: visibility is the only belief there is.
            confidence=_sigmoid(scale * finished.confidence[:n, mine] + shift)
            if self._look.tracker.has_confidence
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

    def _enter(self, window: Window) -> WindowState:
        """Continue the points of the previous window, and start those that are new."""
        xy = torch.from_numpy(self._points.xy[list(window.members)])[None]
        state = self._look.tracker.start(xy, len(window.frames))
        if self._before is None:
            return state
        before = self.plan.windows[self._before.index]
        place_of = {member: i for i, member in enumerate(before.members)}
        kept = [i for i, member in enumerate(window.members) if member in place_of]
        places = [place_of[window.members[i]] for i in kept]
        carried = carry_over(
            WindowState(
                *(
                    torch.from_numpy(values[None, :, places])
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


def run_windows(look: Look, parts: Sequence[tuple[Pass, int]]) -> list[FinishedWindow]:
    """Run one window of each of some passes, side by side.

    Raises
    ------
    TrackingError
        The network failed or answered with NaN.
    """
    windows = [part.plan.windows[index] for part, index in parts]
    with guarded_inference(" and ".join(map(_name_of, windows))):
        return look.answer_all([part.ask(index) for part, index in parts])


def _found(
    part: list[npt.NDArray[np.float32]], first: npt.NDArray[np.int64], n_real: int
) -> npt.NDArray[np.float32]:
    """Positions (n, 2) at which points are seen from their query on."""
    xy, visibility, _ = part
    counts = (np.arange(n_real)[:, None] >= first) & (visibility[:n_real] > 0)
    counts &= np.isfinite(xy[:n_real]).all(axis=2)
    found: npt.NDArray[np.float32] = xy[:n_real][counts]
    return found


# How often a window is looked at again because points left the box they were in.
_SECOND_LOOKS = 2


def _sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


def _name_of(window: Window) -> str:
    low, high = sorted((window.frames[0], window.frames[-1]))
    return f"frames {low} to {high}"
