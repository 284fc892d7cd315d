"""Networks against the machine's matrix product, and against each other.

Weights are random: the time does not depend on them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.benchmark.rates import (
    matrix_rate,
    median_seconds,
    nominal_gflop,
)
from napari_cotracker.benchmark.report import Figure
from napari_cotracker.errors import ModelError
from napari_cotracker.model.arithmetic import gains_from_bf16
from napari_cotracker.model.build import build_network
from napari_cotracker.model.config import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from napari_cotracker.model.build import Network


@dataclass(frozen=True)
class Load:
    """What is timed.

    Parameters
    ----------
    frames : int
        T.
    points : int
        Query and support points together.
    iterations : int
    size : (H, W)
    runs : int
        The median of so many is taken.
    """

    frames: int = 48
    points: int = 136
    iterations: int = 6
    size: tuple[int, int] = (384, 512)
    runs: int = 3


def measure_networks(device: torch.device, load: Load) -> Iterator[Figure]:
    """Achieved rate, gain of bf16 and compilation, online beside offline."""
    rate = matrix_rate(device, torch.float32)
    yield Figure("matrix product, float32", rate, "GFLOP/s")
    offline = _network("cotracker3_offline", device)
    seconds = seconds_per_frame(offline, load, device)
    yield Figure("offline CoTracker3, float32", seconds * 1e3, "ms/frame")
    nominal = nominal_gflop(load.points, load.iterations)
    achieved = 100 * nominal / seconds / rate
    yield Figure("its work against the matrix product", achieved, "%", bar=75)
    online = seconds_per_frame(_network("cotracker3_online", device), load, device)
    ratio = online / seconds
    yield Figure("online against offline, time per frame", ratio, "x", 1.5, most=True)
    if gains_from_bf16(device):
        yield from _reduced(offline, seconds, device, load)
    compact = _network("compact", device)
    light = Load(load.frames, 16 + 36, 4, (256, 336), load.runs)
    seconds = seconds_per_frame(compact, light, device)
    yield Figure("compact, float32, 16 + 36 points, 256 x 336", 1 / seconds, "frames/s")
    if gains_from_bf16(device):
        compact.arithmetic = torch.bfloat16
        seconds = seconds_per_frame(compact, light, device)
        yield Figure(
            "compact, bf16, 16 + 36 points, 256 x 336", 1 / seconds, "frames/s", bar=12
        )


def _reduced(
    offline: Network, exact: float, device: torch.device, load: Load
) -> Iterator[Figure]:
    yield Figure("matrix product, bf16", matrix_rate(device, torch.bfloat16), "GFLOP/s")
    offline.arithmetic = torch.bfloat16
    seconds = seconds_per_frame(offline, load, device)
    yield Figure("bf16 against float32, frames per second", exact / seconds, "x", 2.0)


def measure_compilation(device: torch.device, load: Load) -> Iterator[Figure]:
    """Gain of ``torch.compile``, and what it costs once; needs a C++ compiler.

    Raises
    ------
    ModelError
        Torch cannot compile here.
    """
    from napari_cotracker.model.compilation import (
        compile_network,
        obstacle_to_compiling,
    )

    obstacle = obstacle_to_compiling(device)
    if obstacle is not None:
        raise ModelError(obstacle)
    offline = _network("cotracker3_offline", device)
    exact = seconds_per_frame(offline, load, device)
    offline.arithmetic = torch.bfloat16
    eager = seconds_per_frame(offline, load, device)
    compile_network(offline)
    start = time.perf_counter()
    seconds_per_frame(offline, replace(load, runs=1), device)
    yield Figure("compiling it, once", time.perf_counter() - start, "s")
    seconds = seconds_per_frame(offline, load, device)
    yield Figure("bf16 and compile against bf16", eager / seconds, "x")
    name = "bf16 and compile against float32, frames per second"
    yield Figure(name, exact / seconds, "x", 2.6)


def seconds_per_frame(network: Network, load: Load, device: torch.device) -> float:
    """Time ``predict`` on a clip of noise."""
    video = torch.rand(load.frames, 3, *load.size, device=device) * 255
    queries_txy = _queries(load).to(device)

    def work() -> Tensor:
        answer: Tensor = network.predict(video, queries_txy, load.iterations).xy
        return answer

    with torch.inference_mode():
        return median_seconds(work, device, load.runs) / load.frames


def _queries(load: Load) -> Tensor:
    height, width = load.size
    place = torch.rand(load.points, 2) * torch.tensor([width - 1.0, height - 1.0])
    return torch.cat([torch.zeros(load.points, 1), place], dim=1)


def _network(name: str, device: torch.device) -> Network:
    torch.manual_seed(0)
    return build_network(PRESETS[name]).to(device).eval()
