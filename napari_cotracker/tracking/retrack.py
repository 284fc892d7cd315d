"""Plan to renew parts of a result, what a person looks at first."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.tracking.prepare import lives_in, plan_walk
from napari_cotracker.tracks import Source, Span, Tracks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from napari_cotracker.tracking.features.store import Shelf
    from napari_cotracker.tracking.fusion.fuse import Assembly
    from napari_cotracker.tracking.job import Job
    from napari_cotracker.tracking.prepare import Planned
    from napari_cotracker.tracking.run import Schedule
    from napari_cotracker.tracking.windows.plan import Life, Sign
    from napari_cotracker.tracks import Queries


def plan_retracking(
    job: Job, lives: dict[Sign, list[Life]], focus: int
) -> tuple[list[Planned], Schedule]:
    """Plan what follows the lives, growing outward from the frame in focus.

    Walks that lead away from the focus go side by side, so that what lies on both sides
    of it comes first, both at once; then those that come towards it from the next
    anchors.
    """
    planned: list[Planned] = []
    schedule: Schedule = []
    for outward in (True, False):
        turns = []
        for sign in lives:
            mine = [
                life
                for life in lives[sign]
                if ((life.first - focus) * sign >= 0) == outward
            ]
            walk = plan_walk(job, sign, mine) if mine else None
            if walk is not None:
                turns.append([(len(planned), i) for i in range(len(walk[0].windows))])
                planned.append(walk)
        schedule += [
            tuple(place for place in turn if place is not None)
            for turn in zip_longest(*turns)
        ]
    return planned, schedule


def recall_answers(
    job: Job,
    lives: dict[Sign, list[Life]],
    assembly: Assembly,
    shelf: Shelf | None,
) -> dict[Sign, list[Life]]:
    """Take in what earlier runs said about these lives; return those left to ask."""
    if shelf is None:
        return lives
    left: dict[Sign, list[Life]] = {sign: [] for sign in lives}
    for sign in lives:
        for life in lives[sign]:
            said = shelf.recall(job, sign, life)
            if said is None:
                left[sign].append(life)
            else:
                frames = np.arange(life.first, life.last, sign) + sign
                assembly.tell(sign, np.full(len(frames), life.row), frames, said)
    return left


def lives_through(job: Job, spans: Sequence[Span]) -> dict[Sign, list[Life]]:
    """Say how far which anchors are to be followed to renew some spans."""
    signs: tuple[Sign, Sign] = (1, -1)
    return {sign: _needed(lives_in(job, sign), job.anchors, spans) for sign in signs}


def _needed(
    lives: Iterable[Life], anchors: Queries, spans: Sequence[Span]
) -> list[Life]:
    """Keep the lives that reach into a span of their track, no further than needed."""
    kept = []
    for life in lives:
        low, high = sorted((life.first, life.last))
        ends = [
            min(span.last, high) if life.last >= life.first else max(span.first, low)
            for span in spans
            if span.point_id == anchors.point_id[life.row]
            and span.first <= high
            and span.last >= low
        ]
        if ends:
            sign = 1 if life.last >= life.first else -1
            last = max(ends, key=lambda frame: frame * sign)
            if last != life.first:
                kept.append(type(life)(life.row, life.first, last))
    return kept


def choose_focus(anchors: Queries, spans: Sequence[Span]) -> int:
    """Choose the first anchor within a span, else the middle of the first span."""
    for span in spans:
        mine = anchors.frame[anchors.point_id == span.point_id]
        inside = mine[(mine >= span.first) & (mine <= span.last)]
        if len(inside):
            return int(inside.min())
    return (spans[0].first + spans[0].last) // 2


def check_spans(
    spans: Iterable[Span | tuple[int, int, int]], tracks: Tracks, job: Job
) -> list[Span]:
    """Return usable spans, cut to the frame range.

    Raises
    ------
    InputError
        A span belongs to no track, or the tracks are not of this recording.
    """
    if (tracks.n_frames, tracks.size) != (len(job.source), job.source.size):
        raise InputError(
            f"The tracks have {tracks.n_frames} frames of size {tracks.size}, but the "
            f"recording has {len(job.source)} of size {job.source.size}; retrack the "
            "result of this recording."
        )
    known = {*tracks.point_id.tolist(), *job.anchors.tracks.tolist()}
    first, last = job.frame_range
    usable = []
    for span in (Span(*map(int, span)) for span in spans):
        if span.point_id not in known or span.first > span.last:
            raise InputError(
                f"The span {tuple(span)} cannot be tracked again; expected (point_id, "
                "first, last) with first <= last and the point_id of a track."
            )
        if span.first <= last and span.last >= first:
            cut = (max(span.first, first), min(span.last, last))
            usable.append(Span(span.point_id, *cut))
    return usable


def with_new_tracks(tracks: Tracks, anchors: Queries) -> Tracks:
    """Append an empty column for every track that only the anchors know."""
    known = set(tracks.point_id.tolist())
    new = [i for i in anchors.tracks.tolist() if i not in known]
    if not new:
        return tracks
    names = tuple(anchors.name_of(i) for i in new)
    empty = Tracks.empty(tracks.n_frames, new, names, size=tracks.size)
    joined = {
        key: np.concatenate([getattr(tracks, key), getattr(empty, key)], axis=axis)
        for key, axis in _COLUMN_AXIS.items()
    }
    return Tracks(
        **joined,
        name=tracks.name + names,
        fps=tracks.fps,
        size=tracks.size,
        times=tracks.times,
    )


_COLUMN_AXIS = {
    "xy": 1,
    "visibility": 1,
    "confidence": 1,
    "visible": 1,
    "source": 1,
    "disagreement": 1,
    "point_id": 0,
}


def cells_of(spans: Iterable[Span], tracks: Tracks) -> npt.NDArray[np.bool_]:
    """Mark the cells of spans, (T, N)."""
    cells = np.zeros(tracks.visibility.shape, np.bool_)
    for span in spans:
        column = tracks.point_id == span.point_id
        cells[span.first : span.last + 1, column] = True
    return cells


def without_unreachable(
    tracks: Tracks, cells: npt.NDArray[np.bool_], job: Job
) -> Tracks:
    """Empty the cells that no anchor is followed to any more."""
    reached = np.zeros_like(cells)
    column = {point_id: i for i, point_id in enumerate(tracks.point_id.tolist())}
    signs: tuple[Sign, Sign] = (1, -1)
    for sign in signs:
        for life in lives_in(job, sign):
            low, high = sorted((life.first, life.last))
            point_id = int(job.anchors.point_id[life.row])
            reached[low : high + 1, column[point_id]] = True
    gone = cells & ~reached
    renewed = tracks.copy()
    renewed.xy[gone] = renewed.disagreement[gone] = np.nan
    renewed.visibility[gone] = renewed.confidence[gone] = 0
    renewed.visible[gone] = False
    renewed.source[gone] = Source.EMPTY
    return renewed
