"""From what was asked for to the passes that will answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.tracking.passes import PassPoints
from napari_cotracker.tracking.plan import Life, PassPlan, Sign, lives_of, plan_pass
from napari_cotracker.tracking.support import local_grids

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracking.frames import ModelFrame
    from napari_cotracker.tracking.options import TrackingOptions
    from napari_cotracker.tracks import Queries


def plan_passes(
    anchors: Queries,
    frame: ModelFrame,
    tracker: WindowTracker,
    options: TrackingOptions,
    frame_range: tuple[int, int],
) -> list[tuple[PassPlan, PassPoints]]:
    """Plan the passes that the options ask for, each with what it follows.

    Local support points share the life of the anchor they surround.
    """
    signs: dict[str, tuple[Sign, ...]] = {
        "both": (1, -1),
        "forward": (1,),
        "backward": (-1,),
    }
    passes = []
    for sign in signs[options.direction]:
        bound = frame_range[1] if sign == 1 else frame_range[0]
        lives = lives_of(
            anchors.frame.tolist(),
            anchors.point_id.tolist(),
            sign,
            bound,
            options.horizon,
        )
        rows = [life.row for life in lives]
        xy = frame.to_model(anchors.xy[rows]).astype(np.float32)
        anchor = np.array(rows, np.int64)
        if options.local_support and lives:
            extra, owner = local_grids(options.local_support, xy, frame.size)
            lives += [lives[i] for i in owner.tolist()]
            xy = np.concatenate([xy, extra])
            anchor = np.concatenate([anchor, np.full(len(owner), -1)])
        plan = plan_pass(lives, sign, tracker.window_len, tracker.window_step)
        if plan is not None:
            passes.append((plan, _points_of(plan, lives, xy, anchor)))
    return passes


def _points_of(
    plan: PassPlan,
    lives: list[Life],
    xy: npt.NDArray[np.float32],
    anchor: npt.NDArray[np.int64],
) -> PassPoints:
    first = np.array([plan.time_of(life.first) for life in lives])
    last = np.array([plan.time_of(life.last) for life in lives])
    return PassPoints(xy, first, last, anchor)


def frame_range_of(options: TrackingOptions, n_frames: int) -> tuple[int, int]:
    """Return the first and last frame to track, both inclusive.

    Raises
    ------
    InputError
        There are no frames, or not these.
    """
    if n_frames < 1:
        raise InputError("The recording has no frames; there is nothing to track.")
    first = 0 if options.first_frame is None else options.first_frame
    last = n_frames - 1 if options.last_frame is None else options.last_frame
    if not 0 <= first <= last < n_frames:
        raise InputError(
            f"The frame range {first} to {last} cannot be used; expected first <= last "
            f"within the recording's frames 0 to {n_frames - 1}."
        )
    return first, last


def check_in_range(anchors: Queries, first: int, last: int) -> None:
    """Refuse query points on frames that are not tracked (:class:`InputError`)."""
    out = (anchors.frame < first) | (anchors.frame > last)
    if out.any():
        i = int(np.flatnonzero(out)[0])
        raise InputError(
            f"{int(out.sum())} query point(s) lie outside the frame range: "
            f"'{anchors.name[i]}' is on frame {anchors.frame[i]}, but frames {first} "
            f"to {last} are tracked; move the point or widen the range."
        )
