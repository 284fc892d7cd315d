"""What a user has without any network: points that stay, and Lucas-Kanade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from napari_cotracker.tracking.sharpening.flow import one_way

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari_cotracker.evaluation.protocol import Task
    from napari_cotracker.video import FrameSource


def stay(task: Task) -> npt.NDArray[np.float32]:
    """Answer every target with its query position; (K, 2)."""
    return task.queries.xy[task.target_query]


def lucas_kanade(source: FrameSource, task: Task) -> npt.NDArray[np.float32]:
    """Chain Lucas-Kanade from frame to frame; answers (K, 2)."""
    answers = np.full((len(task.target_frame), 2), np.nan, np.float32)
    first, last = task.queries.frame, _last_targets(task)
    frames = range(int(first.min()), int(last.max()) + 1)
    pictures = ((frame, source.read(frame, frame + 1)[0]) for frame in frames)
    for frame, xy, _ in chained_flow(pictures, first, last, task.queries.xy):
        now = task.target_frame == frame
        answers[now] = xy[task.target_query[now]]
    return answers


def chained_flow(
    pictures: Iterable[tuple[int, npt.NDArray[np.uint8]]],
    first: npt.NDArray[np.integer],
    last: npt.NDArray[np.integer],
    start_xy: npt.NDArray[np.float32],
) -> Iterator[tuple[int, npt.NDArray[np.float32], npt.NDArray[np.bool_]]]:
    """Move points along with Lucas-Kanade, picture by picture.

    Parameters
    ----------
    pictures : iterable of (frame, (H, W, 3) uint8)
        Neighbouring frames in order.
    first, last : (N,)
        Frames between which each point is followed.
    start_xy : (N, 2)

    Yields
    ------
    frame, xy (N, 2), found (N,)
        ``found`` turns False for good when a point is lost.
    """
    xy = start_xy.astype(np.float32)
    found = np.ones(len(xy), np.bool_)
    before = None
    for frame, colour in pictures:
        picture = np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), np.uint8)
        live = np.flatnonzero((first < frame) & (last >= frame))
        if before is not None and len(live):
            xy[live], sure = flowed(before, picture, xy[live])
            found[live] &= sure
        yield frame, xy.copy(), found.copy()
        before = picture


def flowed(
    before: npt.NDArray[np.uint8],
    after: npt.NDArray[np.uint8],
    xy: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Move (n, 2) points from one grey (H, W) picture to the next.

    Returns
    -------
    xy (n, 2), found (n,)
        Points that were not found stay where they are.
    """
    moved, found = one_way(before, after, xy)
    return np.where(found[:, None], moved, xy).astype(np.float32), found


def _last_targets(task: Task) -> npt.NDArray[np.int64]:
    last = task.queries.frame.copy()
    np.maximum.at(last, task.target_query, task.target_frame)
    return last
