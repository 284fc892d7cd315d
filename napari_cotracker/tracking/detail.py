"""How much of a recording's detail the network is shown, decided by what it costs."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.tracking.frames.model_frame import MODEL_AREA, choose_model_frame
from napari_cotracker.tracking.frames.regions import FIRST_MARGIN, group_points
from napari_cotracker.tracking.frames.views import MovingBoxes, Views, WholeFrame
from napari_cotracker.tracking.identity import own_or
from napari_cotracker.tracking.windows.plan import lives_of, plan_pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracking.frames.model_frame import ModelFrame
    from napari_cotracker.tracking.options import TrackingOptions
    from napari_cotracker.tracks import Queries

# Boxes may show the network this many times the pixels of a shrunk whole picture.
AFFORDABLE = 1.5
# Between full resolution and the shrunk whole, in powers of the square root of 2.
_STEP = math.sqrt(0.5)
# Windows that are tried when costs are estimated; more change nothing.
_SAMPLED_WINDOWS = 64


def choose_detail(
    anchors: Queries,
    size: tuple[int, int],
    tracker: WindowTracker,
    options: TrackingOptions,
    frame_range: tuple[int, int],
) -> tuple[ModelFrame, Views]:
    """Choose the model frame, and what of it is shown window by window.

    The whole picture where it is small, or where a resolution was asked for. Else the
    finest scale at which boxes round the points cost no more than ``AFFORDABLE``.

    Parameters
    ----------
    anchors : Queries
    size : (H, W)
        Of the recording.
    tracker : WindowTracker
    options : TrackingOptions
    frame_range : (first, last)

    Raises
    ------
    InputError
        Region or resolution cannot be used.
    """
    whole = choose_model_frame(
        size,
        stride=tracker.stride,
        region=options.region,
        resolution=options.model_resolution,
        least_area=own_or(tracker, "least_area", 0),
    )
    # An offline network sees all frames at once: there is no time to move a box.
    fixed = options.model_resolution is not None or tracker.window_len is None
    if fixed or not options.moving_region or not len(anchors.frame):
        return whole, WholeFrame(whole.whole)
    unit = math.lcm(8, tracker.stride)
    # Without corrections all windows have the same points: one estimate each.
    crowds = Counter(
        xy.tobytes() for xy in _crowds(anchors, tracker, options, frame_range)
    )
    for frame in _finer(whole):
        if _mean_area(frame, crowds, unit) <= AFFORDABLE * MODEL_AREA:
            return frame, MovingBoxes(frame.size, unit)
    return whole, WholeFrame(whole.whole)


def _finer(whole: ModelFrame) -> Iterator[ModelFrame]:
    """Yield larger model frames of the same region, the largest first."""
    scale = 1.0
    while scale**2 * whole.width * whole.height > AFFORDABLE * MODEL_AREA:
        height, width = round(whole.height * scale), round(whole.width * scale)
        yield replace(whole, size=(height, width))
        scale *= _STEP


def _crowds(
    anchors: Queries,
    tracker: WindowTracker,
    options: TrackingOptions,
    frame_range: tuple[int, int],
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the anchors (n, 2) that take part in some windows, spread over time."""
    for sign in options.signs:
        bound = frame_range[1] if sign == 1 else frame_range[0]
        frames, ids = anchors.frame.tolist(), anchors.point_id.tolist()
        lives = lives_of(frames, ids, sign, bound, options.horizon)
        plan = plan_pass(lives, sign, tracker.window_len, tracker.window_step)
        if plan is None:
            continue
        every = max(1, len(plan.windows) // _SAMPLED_WINDOWS)
        for window in plan.windows[::every]:
            yield anchors.xy[[lives[member].row for member in window.members]]


def _mean_area(frame: ModelFrame, crowds: Counter[bytes], unit: int) -> float:
    """Average the area of the boxes round (n, 2) float32 points, each kept as bytes."""
    total = 0
    for points, count in crowds.items():
        at = frame.to_model(np.frombuffer(points, np.float32).reshape(-1, 2))
        rects = np.concatenate([at - FIRST_MARGIN, at + FIRST_MARGIN], axis=1)
        groups = group_points(rects, frame.size, unit)
        total += count * sum(group.box.area for group in groups)
    return total / max(1, crowds.total())
