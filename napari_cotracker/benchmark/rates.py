"""Time operations, and know what the machine could do in the same minute."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

MATRIX_SIDE = 2048
MATRIX_RUNS = 9
MATRIX_GFLOP = MATRIX_RUNS * 2 * MATRIX_SIDE**3 / 1e9
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
    return statistics.median(_seconds(work, device) for _ in range(runs))


class Turns(NamedTuple):
    """Two kinds of work, each done several times by turns.

    ``first``, ``second``: median seconds; ``ratio``: median, over the turns, of the
    second's against the first's.
    """

    first: float
    second: float
    ratio: float


def take_turns(
    first: Callable[[], object],
    second: Callable[[], object],
    device: torch.device,
    runs: int,
) -> Turns:
    """Do both once to warm up, then ``runs`` times by turns."""
    first()
    second()
    pairs = [(_seconds(first, device), _seconds(second, device)) for _ in range(runs)]
    one, two = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    return Turns(one, two, statistics.median(b / a for a, b in pairs))


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def wait(device: torch.device) -> None:
    """Let an accelerator finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def matrix_products(device: torch.device, dtype: torch.dtype) -> Callable[[], Tensor]:
    """Prepare products of square matrices, ``MATRIX_GFLOP`` in all."""
    one, two = (
        torch.randn(MATRIX_SIDE, MATRIX_SIDE, device=device).to(dtype) for _ in range(2)
    )

    def work() -> Tensor:
        for _ in range(MATRIX_RUNS):
            product = one @ two
        return product

    return work


def nominal_gflop(points: int, iterations: int) -> float:
    """Work of offline CoTracker3 per 384 x 512 frame; 91.4 for 136 points, 6 times."""
    update = UPDATE_GFLOP + UPDATE_GFLOP_PER_POINT * points
    return ENCODER_GFLOP + iterations * update
