"""The feature cache: once per frame, exact, bounded, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_cotracker.tracking import TrackingOptions, track, track_iter
from napari_cotracker.tracking.features import cache
from napari_cotracker.tracking.features.cache import FeatureCache, FrameEncoder
from napari_cotracker.tracking.features.spill import SpillFile

SIZE = 4 * 3 * 2 * 2  # bytes of one frame's features below


class Encoder:
    """Numbers that differ for every frame, and a count of how often each was made."""

    def __init__(self, dtype=torch.float32):
        self.dtype = dtype
        self.calls = Counter()

    def __call__(self, frames):
        for frame in frames:
            self.calls[frame] += 1
            yield frame, torch.full((3, 2, 2), frame + 0.25, dtype=self.dtype)


def there_and_back(n_frames, length=4):
    starts = range(n_frames - length + 1)
    ahead = [list(range(i, i + length)) for i in starts]
    return ahead + [window[::-1] for window in reversed(ahead)]


def make_cache(encoder, windows, **budgets):
    uses = Counter(frame for window in windows for frame in set(window))
    return FeatureCache(encoder, uses, **budgets)


def ask_all(cache, windows):
    for window in windows:
        got = cache.window(window)
        assert got.shape == (1, len(window), 3, 2, 2)
        assert got[0, :, 0, 0, 0].tolist() == [frame + 0.25 for frame in window]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("ram", "disk", "once"),
    [(10**6, 0, True), (0, 10**6, True), (5 * SIZE, 10**6, True), (3 * SIZE, 0, False)],
)
def test_every_place_gives_the_same_numbers(dtype, ram, disk, once):
    windows, encoder = there_and_back(20), Encoder(dtype)
    cache = make_cache(encoder, windows, ram_budget=ram, disk_budget=disk)
    ask_all(cache, windows)
    assert (set(encoder.calls.values()) == {1}) == once
    assert max(encoder.calls.values()) <= 2


def test_frames_are_forgotten_after_their_last_use():
    encoder = Encoder()
    windows = there_and_back(20)[:17]
    cache = make_cache(encoder, windows, ram_budget=0, disk_budget=0)
    ask_all(cache, windows)
    # No room at all, yet walking one way needs nothing twice.
    assert set(encoder.calls.values()) == {1}


def test_repeated_frames_are_handed_out_repeatedly():
    cache = make_cache(Encoder(), [[2, 3, 3, 3]])
    ask_all(cache, [[2, 3, 3, 3]])


def _open_files():
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_closing_a_run_frees_the_file(monkeypatch, tmp_path):
    from tracking_oracle import StagedOracle, film

    monkeypatch.setattr(cache, "RAM_BUDGET", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = _open_files()
    steps = track_iter(film(60), [[0, 50, 50], [59, 50, 50]], StagedOracle())
    for _ in range(4):
        next(steps)
    assert len(_open_files() - before) == 1
    steps.close()
    assert _open_files() <= before
    assert not list(tmp_path.iterdir())


class FullDisk:
    def seek(self, place):
        pass

    def write(self, data):
        raise OSError(28, "No space left on device")

    def readinto(self, data):
        raise AssertionError("nothing was written")

    def close(self):
        pass


def test_a_full_disk_costs_time_not_results(monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: FullDisk())
    windows, encoder = there_and_back(12), Encoder()
    ask_all(make_cache(encoder, windows, ram_budget=0), windows)
    assert max(encoder.calls.values()) == 2


def test_places_in_the_file_are_used_again():
    spill = SpillFile(budget=2 * 4)
    for frame in range(10):
        spill.write(frame, torch.tensor([float(frame)]))
        stored = spill.read(frame)
        assert stored is not None and stored.item() == frame
        if frame:
            spill.forget(frame)
    assert spill.read(0) is not None
    spill.close()
    assert spill.read(0) is None


def test_encoding_again_gives_identical_features():
    from test_driver import small_network

    from napari_cotracker.tracking.frames.model_frame import choose_model_frame

    class Source:
        shape = (9, 70, 90, 3)
        data = np.random.default_rng(0).integers(0, 255, shape, np.uint8)

        def read(self, start, stop):
            return self.data[start:stop]

    network = small_network()
    frame = choose_model_frame((70, 90), stride=4)
    encode = FrameEncoder(Source(), frame, network, torch.device("cpu"))
    with torch.inference_mode():
        whole = dict(encode(range(9)))
        for wanted in ([0], [3, 4], [2, 7, 8]):
            for index, again in encode(wanted):
                assert torch.equal(again, whole[index])


def test_results_do_not_depend_on_budgets(monkeypatch):
    from test_driver import small_network

    video = np.random.default_rng(2).integers(0, 255, (24, 64, 64, 3), np.uint8)
    queries, options = [[3, 20, 30], [20, 40, 30]], TrackingOptions(iterations=1)
    plain = track(video, queries, small_network(), options)
    for ram, disk in ((0, 10**9), (0, 0)):
        monkeypatch.setattr(cache, "RAM_BUDGET", ram)
        monkeypatch.setattr(cache, "DISK_BUDGET", disk)
        again = track(video, queries, small_network(), options)
        assert np.array_equal(again.xy, plain.xy)


PEAK = """
import sys; sys.path[:0] = {path!r}
import numpy as np, torch
torch.set_num_threads(1)
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracking.features import cache
from test_driver import EncoderConfig, small_network
cache.RAM_BUDGET = 2 * 2**20

class Film:
    dtype = np.dtype(np.uint8)
    def __init__(self, n): self.shape = (n, 64, 64, 3)
    def __len__(self): return self.shape[0]
    def __getitem__(self, key):
        key = key if isinstance(key, tuple) else (key,)
        frames = np.arange(self.shape[0])[key[0]]
        noise = np.random.default_rng(0).integers(0, 200, self.shape[1:], np.uint8)
        shift = np.atleast_1d(frames).astype(np.uint8)[:, None, None, None]
        return (noise + shift)[(slice(None), *key[1:])]

n = int(sys.argv[1])
queries = [[0, 50, 50], [n - 1, 60, 50], [n // 2, 60, 50]]
options = TrackingOptions(iterations=1, support_grid=0)
encoder = EncoderConfig((8, 8, 8, 8), 8, (3, 1), 32)
network = small_network(window_len=32, encoder=encoder)
tracks = track(Film(n), queries, network, options)
assert np.isfinite(tracks.xy).all()
# Not getrusage: a child inherits its parent's peak there.
peak = next(x for x in open("/proc/self/status") if x.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_peak_memory_does_not_grow_with_the_number_of_frames():
    code = PEAK.format(path=[str(p) for p in Path(__file__).parents[:2]])
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", code, str(n)],
                env=env,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for n in (100, 1000)
    ]
    # The features of 1,000 frames take 32 MB and their pictures 12 MB; what remains
    # is the allocator's own unsteadiness.
    assert peaks[1] - peaks[0] < 10, peaks
