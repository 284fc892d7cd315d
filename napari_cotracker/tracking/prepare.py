"""From what was asked for to a checked job, and the passes that will answer it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.tracking.detail import choose_detail
from napari_cotracker.tracking.identity import digest_of_network
from napari_cotracker.tracking.job import Job
from napari_cotracker.tracking.windows.clip_model import as_window_tracker
from napari_cotracker.tracking.windows.passes import PassPoints
from napari_cotracker.tracking.windows.plan import (
    Life,
    PassPlan,
    Sign,
    lives_of,
    plan_pass,
)
from napari_cotracker.tracking.windows.sightings import Sightings
from napari_cotracker.tracking.windows.support import local_grids
from napari_cotracker.tracks.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_cotracker.tracking.options import TrackingOptions
    from napari_cotracker.tracks import Constraints, Queries
    from napari_cotracker.video import FrameSource

Planned = tuple[PassPlan, PassPoints]


def loaded(model: Any, options: TrackingOptions) -> Any:
    """Load a network given by name or path; pass on one that is loaded already."""
    if not isinstance(model, str | PathLike):
        return model
    from napari_cotracker.tracking.models import load_model

    name = model if isinstance(model, str) else Path(model)
    return load_model(name, device="auto", dtype=options.dtype)


def check_anchors(
    source: FrameSource, anchors: Queries, options: TrackingOptions
) -> None:
    """Refuse anchors outside the recording or the range (:class:`InputError`)."""
    first, last = frame_range_of(options, len(source))
    anchors.check_inside(len(source), source.size)
    _check_in_range(anchors, first, last)


def make_job(
    source: FrameSource,
    anchors: Queries,
    network: Any,
    options: TrackingOptions,
    constraints: Constraints,
) -> Job:
    """Choose what the network is shown.

    Raises
    ------
    InputError
        The network, the region or the resolution cannot be used, or a point lies
        outside the region.
    """
    tracker = as_window_tracker(network)
    frame_range = frame_range_of(options, len(source))
    frame, views = choose_detail(anchors, source.size, tracker, options, frame_range)
    frame.check_inside(anchors)
    return Job(
        source,
        anchors,
        tracker,
        frame,
        views,
        frame_range,
        options,
        constraints,
        digest_of_network(tracker),
    )


def lives_in(job: Job, sign: Sign) -> list[Life]:
    """Say how far each anchor of the job is followed in one direction."""
    if sign not in job.options.signs:
        return []
    first, last = job.frame_range
    return lives_of(
        job.anchors.frame.tolist(),
        job.anchors.point_id.tolist(),
        sign,
        last if sign == 1 else first,
        job.options.horizon,
        job.constraints,
    )


def plan_walk(job: Job, sign: Sign, lives: Sequence[Life]) -> Planned | None:
    """Plan one pass over some lives; None if there is nothing to do.

    Local support points share the life of the anchor they surround.
    """
    lives = list(lives)
    rows = [life.row for life in lives]
    xy = job.frame.to_model(job.anchors.xy[rows]).astype(np.float32)
    anchor = np.array(rows, np.int64)
    if job.options.local_support and lives:
        extra, owner = local_grids(job.options.local_support, xy, job.frame.size)
        lives += [lives[i] for i in owner.tolist()]
        xy = np.concatenate([xy, extra])
        anchor = np.concatenate([anchor, np.full(len(owner), -1)])
    plan = plan_pass(lives, sign, job.tracker.window_len, job.tracker.window_step)
    if plan is None:
        return None
    first = np.array([plan.time_of(life.first) for life in lives])
    last = np.array([plan.time_of(life.last) for life in lives])
    shown = _sightings(job, sign, lives, xy, anchor)
    return plan, PassPoints(xy, first, last, anchor, shown)


def _sightings(
    job: Job,
    sign: Sign,
    lives: Sequence[Life],
    xy: npt.NDArray[np.float32],
    anchor: npt.NDArray[np.int64],
) -> Sightings:
    """Say where each point was shown: at its query, then at other anchors."""
    owner: list[int] = []
    frame: list[int] = []
    at: list[npt.NDArray[np.floating[Any]]] = []
    nothing = np.zeros(0, np.int64)
    for i, (life, row) in enumerate(zip(lives, anchor.tolist(), strict=True)):
        others = job.others(row, sign) if row >= 0 else nothing
        owner += [i] * (1 + len(others))
        frame += [life.first, *job.anchors.frame[others].tolist()]
        at += [xy[i : i + 1], job.frame.to_model(job.anchors.xy[others])]
    return Sightings(
        np.array(owner, np.int64),
        np.array(frame, np.int64),
        np.concatenate(at).astype(np.float32),
    )


def frame_range_of(options: TrackingOptions, n_frames: int) -> tuple[int, int]:
    """Return the first and last frame to track, both inclusive.

    Raises
    ------
    InputError
        There are no frames, or not these.
    """
    if n_frames < 1:
        raise InputError("The recording has no frames; there is nothing to track.")
    return options.frame_range(n_frames)


def _check_in_range(anchors: Queries, first: int, last: int) -> None:
    out = (anchors.frame < first) | (anchors.frame > last)
    if out.any():
        i = int(np.flatnonzero(out)[0])
        raise InputError(
            f"{counted(int(out.sum()), 'query point')} outside the frame range: "
            f"'{anchors.name[i]}' is on frame {anchors.frame[i]}, but frames {first} "
            f"to {last} are tracked; move the point or widen the range."
        )
