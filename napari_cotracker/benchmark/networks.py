"""Networks against the machine's matrix product, and against each other.

Weights are random: the time does not depend on them. What is compared takes turns, so
that whatever else the machine does disturbs both.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.benchmark.rates import (
    MATRIX_GFLOP,
    matrix_products,
    median_seconds,
    nominal_gflop,
    take_turns,
)
from napari_cotracker.benchmark.report import Figure
from napari_cotracker.errors import ModelError
from napari_cotracker.model.arithmetic import gains_from_bf16
from napari_cotracker.model.build import build_network
from napari_cotracker.model.config import COMPACT, PRESETS
from napari_cotracker.model.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    """Achieved rate, online beside offline, gain of bf16, and the compact network."""
    for part in PARTS.values():
        yield from part(device, load)


def measure_rate(device: torch.device, load: Load) -> Iterator[Figure]:
    """Nominal work per second of offline CoTracker3 against matrix products."""
    offline = _prediction("cotracker3_offline", torch.float32, device, load)
    turns = take_turns(
        matrix_products(device, torch.float32), offline, device, load.runs
    )
    yield Figure("matrix product, float32", MATRIX_GFLOP / turns.first, "GFLOP/s")
    seconds = turns.second / load.frames
    yield Figure("offline CoTracker3, float32", seconds * 1e3, "ms/frame")
    nominal = nominal_gflop(load.points, load.iterations) * load.frames
    achieved = 100 * nominal / MATRIX_GFLOP / turns.ratio
    yield Figure("its work against the matrix product", achieved, "%", bar=75)


def measure_online(device: torch.device, load: Load) -> Iterator[Figure]:
    """Time of CoTracker3 online against offline, for the same clip."""
    offline, online = (
        _prediction(f"cotracker3_{kind}", torch.float32, device, load)
        for kind in ("offline", "online")
    )
    ratio = take_turns(offline, online, device, load.runs).ratio
    yield Figure("online against offline, time per frame", ratio, "x", 1.5, most=True)


def measure_bf16(device: torch.device, load: Load) -> Iterator[Figure]:
    """Gain of bf16, where the device has it."""
    if not gains_from_bf16(device):
        return
    reduced, exact = (
        _prediction("cotracker3_offline", dtype, device, load)
        for dtype in (torch.bfloat16, torch.float32)
    )
    turns = take_turns(reduced, exact, device, load.runs)
    yield Figure("bf16 against float32, frames per second", turns.ratio, "x", bar=2.0)
    reduced, exact = (
        matrix_products(device, dtype) for dtype in (torch.bfloat16, torch.float32)
    )
    products = take_turns(reduced, exact, device, load.runs)
    yield Figure("the same of matrix products", products.ratio, "x")


def measure_compact(device: torch.device, load: Load) -> Iterator[Figure]:
    """Frames per second of our own network."""
    light = replace(
        load, points=16 + 16, iterations=COMPACT.iterations, size=(256, 336)
    )
    for dtype, name, bar in (
        (torch.float32, "float32", None),
        (torch.bfloat16, "bf16", 12),
    ):
        if dtype is torch.float32 or gains_from_bf16(device):
            work = _prediction("compact", dtype, device, light)
            rate = light.frames / median_seconds(work, device, light.runs)
            what = f"compact, {name}, 16 + 16 points, 256 x 336"
            yield Figure(what, rate, "frames/s", bar)


PARTS = {
    "rate": measure_rate,
    "online": measure_online,
    "bf16": measure_bf16,
    "compact": measure_compact,
}


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
    network = random_network("cotracker3_offline", torch.bfloat16, device)
    compile_network(network)
    compiled = _predicting(network, device, load)
    start = time.perf_counter()
    compiled()
    yield Figure("compiling it, once", time.perf_counter() - start, "s")
    for dtype, name, bar in (
        (torch.float32, "float32", 2.6),
        (torch.bfloat16, "bf16", None),
    ):
        eager = _prediction("cotracker3_offline", dtype, device, load)
        ratio = take_turns(compiled, eager, device, load.runs).ratio
        what = f"bf16 and compile against {name}, frames per second"
        yield Figure(what, ratio, "x", bar)


def _prediction(
    name: str, dtype: torch.dtype, device: torch.device, load: Load
) -> Callable[[], Tensor]:
    return _predicting(random_network(name, dtype, device), device, load)


def _predicting(
    network: Network, device: torch.device, load: Load
) -> Callable[[], Tensor]:
    """Prepare ``predict`` on a clip of noise."""
    video = torch.rand(load.frames, 3, *load.size, device=device) * 255
    queries_txy = _queries(load).to(device)

    def work() -> Tensor:
        with torch.inference_mode():
            answer: Tensor = network.predict(video, queries_txy, load.iterations).xy
        return answer

    return work


def _queries(load: Load) -> Tensor:
    height, width = load.size
    place = torch.rand(load.points, 2) * torch.tensor([width - 1.0, height - 1.0])
    return torch.cat([torch.zeros(load.points, 1), place], dim=1)


def random_network(name: str, dtype: torch.dtype, device: torch.device) -> Network:
    """Build a network with random weights, otherwise as loading would."""
    torch.manual_seed(0)
    if device.type == "cpu":
        keep_freed_memory()  # as loading does for a user
    network = build_network(PRESETS[name]).to(device).eval()
    network.arithmetic = dtype
    return network
