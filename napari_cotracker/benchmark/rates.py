"""Time operations, and know what the machine could do in the same minute."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

MATRIX_SIDE = 2048
MATRIX_RUNS = 9
# CoTracker3, 384 x 512 (notes on performance): GFLOP, one FLOP = half a multiply-add.
ENCODER_GFLOP = 51.8
UPDATE_GFLOP, UPDATE_GFLOP_PER_POINT = 2.067, 0.03333


def use_threads(count: int | None) -> int:
    """Let torch use so many CPU threads (None = as it chose); returns their number."""
    if count:
        torch.set_num_threads(count)
    return torch.get_num_threads()


def median_seconds(
    work: Callable[[], object], device: torch.device, runs: int
) -> float:
    """Run once to warm up, then ``runs`` times; the median."""
    work()
    seconds = []
    for _ in range(runs):
        wait(device)
        start = time.perf_counter()
        work()
        wait(device)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def wait(device: torch.device) -> None:
    """Let an accelerator finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """GFLOP/s of a square matrix product."""
    one, two = (
        torch.randn(MATRIX_SIDE, MATRIX_SIDE, device=device).to(dtype) for _ in range(2)
    )
    seconds = median_seconds(lambda: one @ two, device, MATRIX_RUNS)
    return 2 * MATRIX_SIDE**3 / seconds / 1e9


def nominal_gflop(points: int, iterations: int) -> float:
    """Work of offline CoTracker3 per 384 x 512 frame; 91.4 for 136 points, 6 times."""
    update = UPDATE_GFLOP + UPDATE_GFLOP_PER_POINT * points
    return ENCODER_GFLOP + iterations * update
