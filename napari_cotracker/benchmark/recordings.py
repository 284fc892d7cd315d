"""Whole runs with the bundled network: time against frames, points and edits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.benchmark.film import Film
from napari_cotracker.benchmark.report import Figure
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracking.models import load_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from torch import nn

SIZE = (480, 640)


def measure_recordings(model: str, device: str) -> Iterator[Figure]:
    """Time per frame against T, and per frame and point against N."""
    network = load_model(model, device)
    _run(network, 24, 16)  # warm up
    for frames in (32, 64, 128):
        seconds = _run(network, frames, 16)
        yield Figure(f"{frames} frames, 16 points", frames / seconds, "frames/s")
    each = {}
    for points in (1, 10, 100, 1000):
        seconds = _run(network, 32, points) / 32
        yield Figure(f"32 frames, {points} points", 1e3 * seconds, "ms/frame")
        each[points] = seconds / points
    growth = each[1000] / each[1]
    yield Figure("time per point, 1,000 against 1", growth, "x", 1, most=True)


def _run(network: nn.Module, frames: int, points: int) -> float:
    start = time.perf_counter()
    options = TrackingOptions(direction="forward")
    track(Film(frames, SIZE), _queries(points), network, options)
    return time.perf_counter() - start


def _queries(points: int) -> npt.NDArray[np.float64]:
    place = np.random.default_rng(1).random((points, 2)) * (SIZE[1] - 1, SIZE[0] - 1)
    return np.column_stack([np.zeros(points), place])
