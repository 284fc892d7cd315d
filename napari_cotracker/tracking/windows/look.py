"""One look of the network at one box of a window.

Looks are generators that yield what the network is to be asked and are sent its
answer, so that those of several windows can be asked together.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import numpy as np
import torch

from napari_cotracker.model.interface import WindowState
from napari_cotracker.tracking.windows.support import global_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracking.frames.model_frame import Box

# Model-frame pixels: where a suggested way leads no farther away from the usual
# beginning, the network finds it without help.
OUT_OF_REACH = 4.0


class Features(Protocol):
    """Where features of boxes of frames come from."""

    def window(self, frames: Sequence[int], box: Box) -> Tensor:
        """Return (1, S, h, w, C) features of S frames."""

    def frame(self, frame: int, box: Box) -> Tensor:
        """Return (1, 1, h, w, C) features of one frame."""


@dataclass(frozen=True)
class Entry:
    """Points as they enter a window; positions are pixels of the box.

    Parameters
    ----------
    state : WindowState
        (1, S, P, ...): what is known.
    looks : (1, P, ...) Tensor
        What identifies the points.
    query_frame : (P,) int64
        Place of each query in the window; negative = before it.
    start : (P,) int64
        Last place at which the position is known.
    suggested : (S, P, 2) float32 or None
        Another way to begin.
    """

    state: WindowState
    looks: Tensor
    query_frame: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    suggested: npt.NDArray[np.float32] | None


class Question(NamedTuple):
    """What the network is asked, on its device; shapes as in ``refine``, B = 1."""

    features: Tensor
    looks: Tensor
    state: WindowState
    query_frame: Tensor
    overlap: int
    n_real: int


T = TypeVar("T")
Asking = Generator[Question, WindowState, T]


@dataclass(frozen=True)
class Look:
    """How the network is asked.

    Parameters
    ----------
    tracker : WindowTracker
    support_grid : int
        Side of the grid of support points, seeded afresh on the first frame of every
        window: in a long recording the ones of the first frame would soon be out of
        the picture.
    iterations : int
    """

    tracker: WindowTracker
    support_grid: int
    iterations: int

    def at(
        self, features: Tensor, box: Box, entry: Entry, overlap: int, n_real: int
    ) -> Asking[WindowState]:
        """Refine the points of one window, on the device of the (1, S, ...) features.

        Where a way was suggested that leads elsewhere, a point is followed from both
        beginnings, and the answer that the network itself trusts more is taken.
        """
        n = len(entry.query_frame)
        state = _moved(entry.state, features.device)
        looks, query_frame = entry.looks.to(features.device), entry.query_frame
        again = _worth_another(entry, n_real)
        if len(again):
            assert entry.suggested is not None
            other = torch.from_numpy(entry.suggested[:, again])[None].to(state.xy)
            copies = columns(state, again)._replace(xy=other)
            filled = np.resize(np.arange(len(again)), _places_for(len(again), n))
            state = _joined([state, columns(copies, filled)])
            looks = torch.cat([looks, looks[:, again[filled]]], 1)
            query_frame = np.concatenate([query_frame, query_frame[again[filled]]])
        if self.support_grid:
            grid_xy = global_grid(self.support_grid, (box.height, box.width))
            sampled = sample(self.tracker, features[:, :1], grid_xy)
            xy = torch.from_numpy(grid_xy)[None].to(features.device)
            state = _joined([state, self.tracker.start(xy, features.shape[1])])
            looks = torch.cat([looks, sampled], 1)
            query_frame = np.append(query_frame, np.zeros(len(grid_xy), np.int64))
        asked_at = torch.from_numpy(query_frame)[None].to(features.device)
        answer = yield Question(features, looks, state, asked_at, overlap, n_real)
        first = columns(answer, np.arange(n))
        if not len(again):
            return first
        second = columns(answer, np.arange(n, n + len(again)))
        better = self._better(columns(first, again), second, entry.start[again], n_real)
        chosen = [values.clone() for values in first]
        for values, others in zip(chosen, second, strict=True):
            values[:, :, again[better]] = others[:, :, better]
        return WindowState(*chosen)

    def answer_all(self, askings: Sequence[Asking[T]]) -> list[T]:
        """Let several go on side by side until each has what it wants."""
        done: dict[int, T] = {}
        said: dict[int, WindowState | None] = dict.fromkeys(range(len(askings)))
        while said:
            questions: dict[int, Question] = {}
            for i, answer in said.items():
                try:
                    # None begins a generator.
                    questions[i] = askings[i].send(answer)  # type: ignore[arg-type]
                except StopIteration as end:
                    done[i] = end.value
            answers = self._answer(list(questions.values()))
            said = dict(zip(questions, answers, strict=True))
        return [done[i] for i in range(len(askings))]

    def _answer(self, questions: Sequence[Question]) -> list[WindowState]:
        """Ask them as one where the network can, which costs less than one by one."""
        kinds = {
            (q.features.shape, q.looks.shape, q.overlap, q.n_real) for q in questions
        }
        together = getattr(self.tracker, "answers_together", False)
        if len(questions) < 2 or len(kinds) > 1 or not together:
            return [self._refined(q.features, q) for q in questions]
        states = zip(*(q.state for q in questions), strict=True)
        joined = questions[0]._replace(
            looks=torch.cat([q.looks for q in questions]),
            state=WindowState(*map(torch.cat, states)),
            query_frame=torch.cat([q.query_frame for q in questions]),
        )
        answer = self._refined(tuple(q.features for q in questions), joined)
        parts = (values.split(1) for values in answer)
        return [WindowState(*values) for values in zip(*parts, strict=True)]

    def _refined(
        self, features: Tensor | tuple[Tensor, ...], question: Question
    ) -> WindowState:
        # Only networks that say so are given a tuple.
        states = self.tracker.refine(
            features,  # type: ignore[arg-type]
            question.looks,
            question.state,
            query_frame=question.query_frame,
            overlap=question.overlap,
            n_real=question.n_real,
            iterations=self.iterations,
        )
        return states[-1]

    def _better(
        self,
        one: WindowState,
        two: WindowState,
        start: npt.NDArray[np.int64],
        n_real: int,
    ) -> npt.NDArray[np.bool_]:
        """Whether the network trusts the second answer more, (P,)."""
        new = _new_places(one.xy.shape[1], start, n_real)
        trusts = []
        for state in (one, two):
            has_own = self.tracker.has_confidence
            logits = state.confidence if has_own else state.visibility
            trust = torch.sigmoid(logits[0].float()).cpu().numpy()
            trusts.append((trust * new).sum(0))
        return np.asarray(trusts[1] > trusts[0])


def sample(
    tracker: WindowTracker, features: Tensor, xy: npt.NDArray[np.float32]
) -> Tensor:
    """Sample (N, 2) points on the one frame of (1, 1, h, w, C) features."""
    txy = np.concatenate([np.zeros((len(xy), 1), np.float32), xy], axis=1)
    return tracker.sample(features, torch.from_numpy(txy)[None].to(features.device))


def columns(state: WindowState, which: npt.NDArray[np.int64]) -> WindowState:
    """Pick some of the points of a (1, S, P, ...) state."""
    places = torch.from_numpy(which).to(state.xy.device)
    return WindowState(*(values[:, :, places] for values in state))


def _worth_another(entry: Entry, n_real: int) -> npt.NDArray[np.int64]:
    if entry.suggested is None:
        return np.zeros(0, np.int64)
    usual = entry.state.xy[0].float().cpu().numpy()
    apart = np.linalg.norm(entry.suggested - usual, axis=2)
    apart *= _new_places(len(usual), entry.start, n_real)
    return np.flatnonzero(apart.max(axis=0) > OUT_OF_REACH)


def _places_for(n_again: int, n_points: int) -> int:
    """Round a number of points looked at again up to a quarter of all, or to all.

    Kernels and their memory are kept per number of points: three different ones keep
    memory level in long recordings.
    """
    quarter = -(-n_points // 4)
    return quarter if n_again <= quarter else n_points


def _new_places(
    n_places: int, start: npt.NDArray[np.int64], n_real: int
) -> npt.NDArray[np.bool_]:
    place = np.arange(n_places)[:, None]
    return np.asarray((place > start) & (place < n_real))


def _joined(states: Sequence[WindowState]) -> WindowState:
    return WindowState(*(torch.cat(values, 2) for values in zip(*states, strict=True)))


def _moved(state: WindowState, device: torch.device) -> WindowState:
    return WindowState(*(values.to(device) for values in state))
