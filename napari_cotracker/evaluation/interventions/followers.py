"""What puts points on the frames between a person's clicks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from napari_cotracker.tracking import (
    FeatureStore,
    TrackingOptions,
    invalid_spans,
    retrack_iter,
    track,
)
from napari_cotracker.tracks import Queries, Tracks
from napari_cotracker.tracks.review import suspicion

if TYPE_CHECKING:
    from napari_cotracker.evaluation.interventions.flow import Chains
    from napari_cotracker.evaluation.labelled import LabelledClip
    from napari_cotracker.video import FrameSource

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class Follower(Protocol):
    """Answers all labels from those that have been placed."""

    def follow(self, placed: Mask) -> Floats:
        """Answer every label.

        Parameters
        ----------
        placed : (M,) bool
            Labels that a person has placed; they only ever become more.

        Returns
        -------
        (M, 2) pixels
        """


class Interpolation:
    """Straight lines between clicks; before the first and after the last they stay.

    Parameters
    ----------
    clip : LabelledClip
    """

    def __init__(self, clip: LabelledClip) -> None:
        self._clip = clip

    def follow(self, placed: Mask) -> Floats:
        """Answer every label, (M, 2)."""
        answers = np.empty_like(self._clip.xy)
        for track_name in np.unique(self._clip.track):
            mine = self._clip.track == track_name
            known = mine & placed
            for axis in range(2):
                answers[mine, axis] = np.interp(
                    self._clip.frame[mine],
                    self._clip.frame[known],
                    self._clip.xy[known, axis],
                )
        return answers


class ChainedFlow:
    """Optical flow from the last click, or blended from both sides of a gap.

    Parameters
    ----------
    clip : LabelledClip
    chains : Chains
        Starting at the clip's labels.
    blended : bool
        Weigh flow from the last and from the next click by nearness.
    """

    def __init__(self, clip: LabelledClip, chains: Chains, *, blended: bool) -> None:
        self._clip, self._chains, self._blended = clip, chains, blended

    def follow(self, placed: Mask) -> Floats:
        """Answer every label, (M, 2)."""
        before, after = _neighbours(self._clip, placed)
        rows = np.arange(len(placed))
        self._walk(before, rows, 1)
        if self._blended:
            known = after >= 0
            self._walk(after[known], rows[known], -1)
        answers = self._clip.xy.copy()
        for row in rows[~placed]:
            answers[row] = self._answer(row, before[row], after[row])
        return answers

    def _walk(
        self, starts: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], sign: int
    ) -> None:
        """Walk from each start to the furthest label that asks it."""
        frame = self._clip.frame
        furthest: dict[int, int] = {}
        for start, row in zip(starts.tolist(), rows.tolist(), strict=True):
            known = furthest.get(start, int(frame[start]))
            furthest[start] = max(known * sign, int(frame[row]) * sign) * sign
        self._chains.walk(list(furthest), list(furthest.values()), sign)

    def _answer(self, row: int, before: int, after: int) -> Floats:
        frame = self._clip.frame
        ahead = self._chains.at(before, int(frame[row]), 1)
        if not self._blended or after < 0:
            return ahead
        back = self._chains.at(after, int(frame[row]), -1)
        gap = int(frame[after] - frame[before])
        share = np.float32((frame[after] - frame[row]) / gap)
        return np.asarray(share * ahead + (1 - share) * back, np.float32)


def _neighbours(
    clip: LabelledClip, placed: Mask
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of the last click up to each label, and of the first from it on or -1."""
    rows = np.arange(len(placed))
    # Labels are sorted by track, and the first of every track is placed.
    before = np.maximum.accumulate(np.where(placed, rows, 0))
    later = np.where(placed, rows, len(rows))[::-1]
    after = np.minimum.accumulate(later)[::-1]
    inside = np.minimum(after, len(rows) - 1)
    same = (after < len(rows)) & (clip.track[inside] == clip.track)
    return before, np.where(same, after, -1)


class Network:
    """Our network: tracked once, then only what a click changes.

    Parameters
    ----------
    clip : LabelledClip
    source : FrameSource
    model : network
    options : TrackingOptions
    fused : bool
        Track both ways and fuse; else forwards from the last click only.
    """

    def __init__(
        self,
        clip: LabelledClip,
        source: FrameSource,
        model: Any,
        options: TrackingOptions,
        *,
        fused: bool = True,
    ) -> None:
        self._clip, self._source, self._model = clip, source, model
        self._options = replace(options, direction="both" if fused else "forward")
        names, self._column = np.unique(clip.track, return_inverse=True)
        self._store = FeatureStore()
        self._known: tuple[Queries, Tracks] | None = None
        self._names = tuple(str(name) for name in names)

    def follow(self, placed: Mask) -> Floats:
        """Answer every label, (M, 2)."""
        ids = self._column[placed]
        queries = Queries(
            self._clip.frame[placed],
            self._clip.xy[placed],
            ids,
            tuple(self._names[i] for i in ids),
        )
        tracks = self._renewed(queries)
        self._known = queries, tracks
        answers: Floats = tracks.xy[self._clip.frame, self._column_in(tracks)]
        return answers

    def suspicion(self) -> Floats:
        """How likely each answer is wrong, (M,), as the review queue judges."""
        assert self._known is not None  # followed first
        tracks = self._known[1]
        score = suspicion(tracks).score[self._clip.frame, self._column_in(tracks)]
        return np.nan_to_num(score, nan=0.0)

    def close(self) -> None:
        """Free the features."""
        self._store.clear()

    def _column_in(self, tracks: Tracks) -> npt.NDArray[np.int64]:
        order = np.argsort(tracks.point_id)
        return order[np.searchsorted(tracks.point_id[order], self._column)]

    def _renewed(self, queries: Queries) -> Tracks:
        if self._known is None:
            return track(
                self._source, queries, self._model, self._options, features=self._store
            )
        before, tracks = self._known
        spans = invalid_spans(before, queries, len(self._source), options=self._options)
        for step in retrack_iter(
            self._source,
            queries,
            tracks,
            spans,
            self._model,
            self._options,
            features=self._store,
        ):
            tracks = step.tracks_so_far
        return tracks
