"""Peak resident memory of whole runs, each in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.benchmark.report import Figure
from napari_cotracker.errors import TrackingError

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS = Path("/proc/self/status")
MIB = 2**20


def measure_memory(model: str = "compact") -> Iterator[Figure]:
    """Compare peaks of short and long recordings, online and offline."""
    yield from measure_online(model)
    yield from measure_offline()


def measure_online(model: str = "compact") -> Iterator[Figure]:
    """Online networks must not need more for more frames."""
    if not STATUS.exists():
        return
    short, long = (peak(model, frames) for frames in (200, 2000))
    yield Figure(f"peak at 200 frames, {model}", short / MIB, "MiB")
    ratio = long / short
    yield Figure("peak at 2,000 frames against 200", ratio, "x", bar=1.1, most=True)


def measure_offline() -> Iterator[Figure]:
    """Offline networks hold the features of the whole clip, and little else."""
    if not STATUS.exists():
        return
    for dtype, bar in (("float32", 9.0), ("bfloat16", 5.0)):
        few, more = (offline_peak(frames, dtype) for frames in (40, 100))
        slope = (more - few) / 60 / 1e6
        name = f"offline CoTracker3 per frame, {dtype}"
        yield Figure(name, slope, "MB", bar, most=True)


def measure_long_run(model: str = "compact") -> Iterator[Figure]:
    """Track 10,000 frames of 640 x 480 to the end."""
    reached = peak(model, 10_000, (480, 640))
    name = f"peak at 10,000 frames of 640 x 480, {model}"
    yield Figure(name, reached / 1e9, "GB", 3, most=True)


def peak(model: str, frames: int, size: tuple[int, int] = (384, 512)) -> int:
    """Track 100 points through ``frames`` frames; bytes at the peak."""
    return _child("--model", model, "--frames", frames, "--size", *size)


def offline_peak(frames: int, dtype: str) -> int:
    """Track 100 points with random offline CoTracker3 weights, one iteration."""
    return _child("--offline", dtype, "--frames", frames, "--size", 384, 512)


def _child(*arguments: object) -> int:
    import torch

    threads = ["--threads", str(torch.get_num_threads())]
    command = [sys.executable, "-m", __name__, *threads, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise TrackingError(f"A memory measurement ended early: {last}")
    return int(done.stdout.split()[-1])


def _track(arguments: argparse.Namespace) -> None:
    """Track a film; the work of the child."""
    import numpy as np
    import torch

    from napari_cotracker.benchmark.film import Film
    from napari_cotracker.benchmark.networks import random_network
    from napari_cotracker.tracking import TrackingOptions, track

    torch.set_num_threads(arguments.threads)
    frames, (height, width) = arguments.frames, arguments.size
    place = np.random.default_rng(1).random((100, 2)) * (width - 1, height - 1)
    queries = np.column_stack([np.zeros(100), place])
    model = arguments.model
    # None: as many as the network has by default.
    iterations = None
    if arguments.offline:
        dtype = getattr(torch, arguments.offline)
        model = random_network("cotracker3_offline", dtype, torch.device("cpu"))
        iterations = 1
    # A long recording only shows that memory stays level: one iteration does.
    options = TrackingOptions(
        direction="forward",
        iterations=1 if frames > 2000 else iterations,
        model_resolution=(height, width) if arguments.offline else None,
    )
    track(Film(frames, (height, width)), queries, model, options)


def _resident_peak() -> int:
    # Not getrusage: a child inherits its parent's peak there.
    line = next(x for x in STATUS.read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="compact")
    parser.add_argument("--offline", default="")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--size", type=int, nargs=2, required=True)
    _track(parser.parse_args())
    print(_resident_peak())
