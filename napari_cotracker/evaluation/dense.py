"""Score answers where every position and visibility is known: generated scenes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.evaluation.baselines import chained_flow
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracks import Queries
from napari_cotracker.tracks.accuracy import (
    RIGHT_PX,
    average_jaccard,
    delta_avg,
    errors_256,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIDENT = 0.5


@dataclass(frozen=True, eq=False)
class DenseTruth:
    """A recording whose points are known in every frame.

    Parameters
    ----------
    video : (T, H, W, 3) uint8
    tracks_xy : (T, N, 2) float32
    visible : (T, N) bool
        Every point is visible somewhere.
    anchor_frames : (K, N) int64 or None
        Frames on which each point is labelled, in order; None = the first visible one.
    between : bool
        Whether the frames between the first label and the last are scored, and the
        point is followed from both; else those after the last.
    """

    video: npt.NDArray[np.uint8]
    tracks_xy: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]
    anchor_frames: npt.NDArray[np.int64] | None = None
    between: bool = False

    def part(self, n_points: int) -> DenseTruth:
        """Keep so many points, spread over all."""
        n_all = self.visible.shape[1]
        kept = np.linspace(0, n_all - 1, min(n_points, n_all)).round().astype(int)
        return self._only(kept)

    def labelled_on(self, n_frames: int) -> DenseTruth:
        """Label every point on so many visible frames of the first half, spread.

        The latest of them is the same for any number. Points that are not visible in
        the first half are left out.
        """
        half = self.visible[: (len(self.visible) + 1) // 2]
        kept = np.flatnonzero(half.any(axis=0))
        spread = np.linspace(1, 0, n_frames)[::-1]
        frames = [np.flatnonzero(half[:, point]) for point in kept]
        chosen = [f[(spread * (len(f) - 1)).round().astype(int)] for f in frames]
        anchors = np.array(chosen, np.int64).reshape(len(kept), n_frames)
        return replace(self._only(kept), anchor_frames=anchors.T)

    def labelled_at_both_ends(self) -> DenseTruth:
        """Label every point where it is first and last seen; score between.

        Points that are never seen between are left out.
        """
        ends = [np.flatnonzero(column)[[0, -1]] for column in self.visible.T]
        kept = np.flatnonzero(self.visible.sum(axis=0) > 2)
        frames = np.array(ends, np.int64).T
        return replace(self, anchor_frames=frames, between=True)._only(kept)

    @property
    def anchors(self) -> Queries:
        """All labels, those of one point with one ``point_id``."""
        frames = self._label_frames
        points = np.broadcast_to(np.arange(frames.shape[1]), frames.shape).ravel()
        at = frames.ravel()
        return Queries(at, self.tracks_xy[at, points], points)

    @property
    def query_frame(self) -> npt.NDArray[np.int64]:
        """Frame from which on every point is followed, (N,)."""
        frame: npt.NDArray[np.int64] = self._label_frames[0 if self.between else -1]
        return frame

    @property
    def query_xy(self) -> npt.NDArray[np.float32]:
        """Where the points are in their query frames, (N, 2)."""
        points = np.arange(self.visible.shape[1])
        start: npt.NDArray[np.float32] = self.tracks_xy[self.query_frame, points]
        return start

    @property
    def scored(self) -> npt.NDArray[np.bool_]:
        """Frames after the query, and before the last label in between, (T, N)."""
        frame = np.arange(len(self.visible))[:, None]
        chosen = frame > self.query_frame
        if self.between:
            chosen &= frame < self._label_frames[-1]
        return np.asarray(chosen)

    @property
    def _label_frames(self) -> npt.NDArray[np.int64]:
        first = self.visible.argmax(axis=0)[None]
        return first if self.anchor_frames is None else self.anchor_frames

    def _only(self, kept: npt.NDArray[np.intp]) -> DenseTruth:
        anchors = self.anchor_frames
        return replace(
            self,
            tracks_xy=self.tracks_xy[:, kept],
            visible=self.visible[:, kept],
            anchor_frames=None if anchors is None else anchors[:, kept],
        )


@dataclass(frozen=True, eq=False)
class DenseAnswer:
    """What a tracker says: ``xy`` (T, N, 2), ``visible`` and ``confidence`` (T, N)."""

    xy: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]
    confidence: npt.NDArray[np.float32]


@dataclass(frozen=True)
class DenseScore:
    """Scores of one clip, or their mean over clips; all in 0..1.

    Parameters
    ----------
    delta_avg, average_jaccard, occlusion_accuracy : float
        TAP-Vid's three, at 256 scale, on all frames that are scored.
    confident_right : float
        Share within 8 px among visible targets with a confidence of at least 0.5.
    confident : float
        Share of visible targets with such a confidence.
    """

    delta_avg: float
    average_jaccard: float
    occlusion_accuracy: float
    confident_right: float
    confident: float


def score(truth: DenseTruth, answer: DenseAnswer) -> DenseScore:
    """Score one clip."""
    errors, seen, claimed, confidence = targets(truth, answer)
    sure = seen & (confidence >= CONFIDENT)
    return DenseScore(
        delta_avg=delta_avg(errors[seen]),
        average_jaccard=average_jaccard(errors, seen, claimed),
        occlusion_accuracy=float((seen == claimed).mean()),
        confident_right=float((errors[sure] < RIGHT_PX).mean())
        if sure.any()
        else float("nan"),
        confident=float(sure.sum() / max(1, seen.sum())),
    )


def followed(
    model: Any, options: TrackingOptions
) -> Callable[[DenseTruth], DenseAnswer]:
    """Let a loaded model answer as it does in a run: forward, or from both ends."""

    def follow(truth: DenseTruth) -> DenseAnswer:
        ways = replace(options, direction="both" if truth.between else "forward")
        tracks = track(truth.video, truth.anchors, model, ways)
        return DenseAnswer(tracks.xy, tracks.visible, tracks.confidence)

    return follow


def stay(truth: DenseTruth) -> DenseAnswer:
    """Answer with points that never move and are always there."""
    xy = np.broadcast_to(truth.query_xy, truth.tracks_xy.shape)
    always = np.ones(truth.visible.shape, np.bool_)
    return DenseAnswer(xy, always, always.astype(np.float32))


def flow(truth: DenseTruth) -> DenseAnswer:
    """Answer with chained Lucas-Kanade; a point is there until the flow loses it."""
    first = truth.query_frame
    last = np.full_like(first, len(truth.video))
    steps = chained_flow(enumerate(truth.video), first, last, truth.query_xy)
    rows = [(xy, found) for _, xy, found in steps]
    xy, found = (np.stack(column) for column in zip(*rows, strict=True))
    return DenseAnswer(xy, found, found.astype(np.float32))


def mean_score(scores: list[DenseScore]) -> DenseScore:
    """Average every field, leaving NaN out."""
    values = {}
    for field in fields(DenseScore):
        column = np.array([getattr(one, field.name) for one in scores])
        known = column[~np.isnan(column)]
        values[field.name] = float(known.mean()) if len(known) else float("nan")
    return DenseScore(**values)


def targets(
    truth: DenseTruth, answer: DenseAnswer
) -> tuple[
    npt.NDArray[np.float64],
    npt.NDArray[np.bool_],
    npt.NDArray[np.bool_],
    npt.NDArray[np.float32],
]:
    """Return errors, seen, claimed and confidence of what is scored, (K,) each."""
    size = (truth.video.shape[1], truth.video.shape[2])
    errors = errors_256(answer.xy, truth.tracks_xy, size)
    scored = truth.scored
    claimed, confidence = answer.visible[scored], answer.confidence[scored]
    return errors[scored], truth.visible[scored], claimed, confidence
