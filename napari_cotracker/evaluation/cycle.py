"""Recordings without labels: points followed there and back should return.

A tracker that never moves always comes back, so the distance that points moved stands
beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError
from napari_cotracker.evaluation.baselines import chained_flow
from napari_cotracker.evaluation.tables import markdown_table
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracking.sharpening.flow import GreyFrames
from napari_cotracker.tracks import Queries
from napari_cotracker.tracks.accuracy import errors_256
from napari_cotracker.video import open_video

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_cotracker.video import FrameSource

    Floats = npt.NDArray[np.float32]
    # Frames and places to start from -> places (N, 2) on every frame on the way, and
    # whether each point is still there at the end (N,).
    Follow = Callable[[range, Floats], tuple[Floats, npt.NDArray[np.bool_]]]

HORIZON = 60
PLACES, POINTS = 3, 16
RETURN_PX = 4.0
# What moves away differs by this many grey values from what is there later.
CHANGE = 20


@dataclass(frozen=True)
class Cycle:
    """How well points of one recording come back; pixels at 256 x 256 scale.

    Parameters
    ----------
    recording, method : str
    points : int
        Followed.
    kept : float
        Share of them still there after the way out.
    returned : float
        Share of all points that were kept and came back to within 4 px.
    median_px : float
        How far from its start a kept point ends up.
    moved_px : float
        How far from its start the median kept point was at its farthest.
    """

    recording: str
    method: str
    points: int
    kept: float
    returned: float
    median_px: float
    moved_px: float


def score_recording(path: Path, model: Any, options: TrackingOptions) -> list[Cycle]:
    """Follow corners of a recording there and back, with the model and with flow.

    From three places of the recording over ``options.horizon`` frames (60 if None).

    Raises
    ------
    InputError
        It has a single frame, or nothing to hold on to.
    """
    with open_video(path) as source:
        starts = [
            (frames, corners_of(source, frames))
            for frames in stretches(len(source), options.horizon or HORIZON)
        ]
        if not any(len(xy) for _, xy in starts):
            raise InputError(
                f"Nothing moves in {source.name} that could be followed; expected two "
                "frames or more in which something textured moves."
            )
        follow = {"ours": _by_network(source, model, options), "LK": _by_flow(source)}
        title = f"{path.absolute().parent.name}/{path.name}"
        return [
            _there_and_back(title, source.size, name, starts, how)
            for name, how in follow.items()
        ]


def stretches(n_frames: int, horizon: int) -> list[range]:
    """Frames to follow points over, spread over a recording."""
    reach = min(horizon, n_frames - 1)
    if reach < 1:
        return []
    begins = np.linspace(0, n_frames - 1 - reach, PLACES).round().astype(int)
    return [range(begin, begin + reach + 1) for begin in sorted(set(begins.tolist()))]


def corners_of(source: FrameSource, frames: range) -> Floats:
    """Corners (N, 2) of what is in the first frame and elsewhere later."""
    grey = GreyFrames(source)
    first, middle, last = (
        grey[i] for i in (frames[0], frames[len(frames) // 2], frames[-1])
    )
    change = np.minimum(cv2.absdiff(first, middle), cv2.absdiff(first, last))
    mask = cv2.dilate((change > CHANGE).astype(np.uint8), np.ones((5, 5), np.uint8))
    apart = 0.03 * min(first.shape)
    found = cv2.goodFeaturesToTrack(first, POINTS, 0.02, apart, mask=mask)
    if found is None:
        return np.zeros((0, 2), np.float32)
    return np.asarray(found, np.float32).reshape(-1, 2)


def table_of(cycles: list[Cycle]) -> list[str]:
    """Lay them out as a Markdown table."""
    head = [
        "recording",
        "method",
        "points",
        "kept",
        "returned",
        "median px",
        "moved px",
    ]
    rows = [
        [
            cycle.recording,
            cycle.method,
            str(cycle.points),
            f"{cycle.kept:.2f}",
            f"{cycle.returned:.2f}",
            f"{cycle.median_px:.1f}",
            f"{cycle.moved_px:.1f}",
        ]
        for cycle in cycles
    ]
    return markdown_table(head, rows)


def _there_and_back(
    recording: str,
    size: tuple[int, int],
    method: str,
    starts: list[tuple[range, Floats]],
    follow: Follow,
) -> Cycle:
    kept, errors, moved = [], [], []
    for frames, start_xy in starts:
        if not len(start_xy):
            continue
        path_xy, still = follow(frames, start_xy)
        kept.append(still)
        if still.any():
            back_xy, _ = follow(frames[::-1], path_xy[-1, still])
            errors.append(errors_256(back_xy[-1], start_xy[still], size))
            way = errors_256(path_xy[:, still], start_xy[still], size)
            moved.append(way.max(axis=0))
    asked, error = np.concatenate(kept), np.concatenate([*errors, []])
    nothing = not len(error)
    return Cycle(
        recording=recording,
        method=method,
        points=len(asked),
        kept=float(asked.mean()),
        returned=float((error <= RETURN_PX).sum() / len(asked)),
        median_px=float("nan") if nothing else float(np.median(error)),
        moved_px=float("nan") if nothing else float(np.median(np.concatenate(moved))),
    )


def _by_network(source: FrameSource, model: Any, options: TrackingOptions) -> Follow:
    def follow(frames: range, start_xy: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        ahead = frames.step > 0
        mine = replace(
            options,
            direction="forward" if ahead else "backward",
            first_frame=min(frames),
            last_frame=max(frames),
            horizon=None,
        )
        inside = start_xy.clip(0, np.array(source.size[::-1]) - 1).astype(np.float32)
        queries = Queries(np.full(len(start_xy), frames[0]), inside)
        tracks = track(source, queries, model, mine)
        order = list(frames)
        return tracks.xy[order], tracks.visible[frames[-1]]

    return follow


def _by_flow(source: FrameSource) -> Follow:
    def follow(frames: range, start_xy: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        pictures = ((i, source.read(at, at + 1)[0]) for i, at in enumerate(frames))
        first = np.zeros(len(start_xy), np.int64)
        steps = chained_flow(pictures, first, first + len(frames), start_xy)
        rows = [(xy, found) for _, xy, found in steps]
        return np.stack([xy for xy, _ in rows]), rows[-1][1]

    return follow
