"""How long a person waits after moving one point, with features from before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.benchmark.film import Film
from napari_cotracker.benchmark.report import Figure
from napari_cotracker.errors import InputError
from napari_cotracker.tracking import (
    FeatureStore,
    TrackingOptions,
    invalid_spans,
    retrack_iter,
    track,
)
from napari_cotracker.tracking.models import load_model
from napari_cotracker.tracks import Queries
from napari_cotracker.video import open_video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from napari_cotracker.tracks import Tracks
    from napari_cotracker.video import FrameSource

FRAMES, SIZE, POINTS = 256, (374, 416), 5
# The moved point has a neighbour this far to either side: a span of 100 frames.
REACH = 50
MOVED_PX = 3.0
OPTIONS = TrackingOptions()


def measure_corrections(
    model: str, device: str, video: str | None = None, repeats: int = 3
) -> Iterator[Figure]:
    """Seconds until a moved point is renewed, against tracking everything.

    Parameters
    ----------
    model, device : str
    video : str or None
        Recording to use; None = a generated one.
    repeats : int
        Points moved; the median counts.

    Raises
    ------
    InputError
        The recording has too few frames.
    """
    network = load_model(model, device)
    source = open_video(Film(FRAMES, SIZE) if video is None else video)
    if len(source) < 2 * REACH + 3:
        raise InputError(
            f"{source.name} has {len(source)} frames; at least {2 * REACH + 3} are "
            "needed to renew a span of 100."
        )
    with source, _Bench(source, network) as bench:
        times = np.array([bench.move(MOVED_PX + i) for i in range(repeats)])
        near, span, windows = np.median(times, axis=0)
    label = f"one of {POINTS} points moved"
    yield Figure("everything, for the first time", bench.full, "s")
    yield Figure(f"{label}: both windows around it", near, "s", 0.5, most=True)
    yield Figure(f"{label}: span of 100 frames", span, "s", 2.0, most=True)
    yield Figure(f"{label}: windows", windows, "")
    share = span / bench.full
    yield Figure("span of 100 frames against all", share, "x", 0.1, most=True)


class _Bench:
    """A tracked recording whose first point has anchors on three frames."""

    def __init__(self, source: FrameSource, network: nn.Module) -> None:
        self._source, self._network = source, network
        self._store = FeatureStore(2**31)
        middle = len(source) // 2
        self._frames = [middle - REACH, middle, middle + REACH]
        start = self._anchors(np.tile(_spread(source.size)[:1], (3, 1)))
        begin = time.perf_counter()
        tracks = self._track(start)
        self.full = time.perf_counter() - begin
        # Where the network itself sees the point: corrections start from there.
        self._xy = tracks.xy[self._frames, 0]
        self._anchored = self._anchors(self._xy)
        self._tracks = self._track(self._anchored)

    def __enter__(self) -> _Bench:
        return self

    def __exit__(self, *_: Any) -> None:
        self._store.clear()

    def move(self, pixels: float) -> tuple[float, float, int]:
        """Move the middle anchor; seconds for two windows and for all, windows."""
        xy = self._xy.copy()
        xy[1] += pixels
        moved = self._anchors(xy)
        spans = invalid_spans(self._anchored, moved, len(self._source))
        begin = time.perf_counter()
        near = 0.0
        for step in retrack_iter(
            self._source,
            moved,
            self._tracks,
            spans,
            self._network,
            OPTIONS,
            focus_frame=self._frames[1],
            features=self._store,
        ):
            if step.done == 2:
                near = time.perf_counter() - begin
        return near, time.perf_counter() - begin, step.total

    def _anchors(self, first_xy: np.ndarray) -> Queries:
        others = _spread(self._source.size)[1:]
        return Queries(
            np.array([*self._frames, *[self._frames[1]] * len(others)]),
            np.concatenate([first_xy, others]),
            np.array([0, 0, 0, *range(1, len(others) + 1)]),
        )

    def _track(self, queries: Queries) -> Tracks:
        return track(
            self._source, queries, self._network, OPTIONS, features=self._store
        )


def _spread(size: tuple[int, int]) -> np.ndarray:
    """Points in the middle of the picture and towards its corners, (5, 2)."""
    corners = np.array([[0.5, 0.5], [0.3, 0.3], [0.7, 0.3], [0.3, 0.7], [0.7, 0.7]])
    return np.asarray(corners * (size[1] - 1, size[0] - 1), np.float32)
