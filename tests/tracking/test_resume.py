"""A run that was killed goes on from its finished windows to the very same result."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_driver import small_network
from tracking_oracle import ClipOracle, StagedOracle, expected, film

from napari_cotracker.errors import InputError
from napari_cotracker.tracking import (
    FinishedWindow,
    TrackingOptions,
    invalid_spans,
    retrack_iter,
    track_iter,
)
from napari_cotracker.tracks import Constraints, Limit, Queries, Span

QUERIES = Queries(
    frame=[2, 11, 25, 7, 7, 29],
    xy=[[20, 30], [24, 31], [30, 28], [50, 40], [60, 20], [40, 40]],
    point_id=[0, 0, 0, 1, 2, 3],
)
VIDEO = np.random.default_rng(5).integers(0, 255, (34, 64, 72, 3), np.uint8)


def same(one, two):
    keys = ("xy", "visibility", "confidence", "visible", "source", "disagreement")
    return all(
        np.array_equal(
            getattr(one, key), getattr(two, key), equal_nan=key in ("xy", keys[-1])
        )
        for key in keys
    )


def stored(windows):
    return [FinishedWindow.from_bytes(window.to_bytes()) for window in windows]


NETWORKS = {
    "online": lambda: small_network(),
    "offline": lambda: small_network(offline=True, window_len=8),
    "predict only": lambda: ClipOracle(8, 3, native_size=(64, 72)),
}


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("local_support", [0, 2])
def test_resuming_after_any_window_changes_nothing(kind, local_support):
    network = NETWORKS[kind]()
    video = VIDEO if kind != "predict only" else film(34, 64, 72)
    options = TrackingOptions(iterations=2, support_grid=2, local_support=local_support)
    whole = list(track_iter(video, QUERIES, network, options))
    for stop in range(len(whole) + 1):
        finished = stored(step.window for step in whole[:stop])
        again = list(track_iter(video, QUERIES, network, options, resume=finished))
        assert same(again[-1].tracks_so_far, whole[-1].tracks_so_far)
        assert [s.done for s in again] == list(range(stop + 1, len(whole) + 1)) or (
            stop == len(whole) and again[0].done == again[0].total
        )


def test_any_subset_of_windows_will_do():
    network, options = small_network(), TrackingOptions(iterations=1, support_grid=2)
    whole = list(track_iter(VIDEO, QUERIES, network, options))
    rng = np.random.default_rng(0)
    for _ in range(4):
        kept = [step.window for step in whole if rng.random() < 0.5]
        again = list(track_iter(VIDEO, QUERIES, network, options, resume=kept))
        assert same(again[-1].tracks_so_far, whole[-1].tracks_so_far)
        assert again[-1].done == again[-1].total == len(whole)


def test_only_what_is_missing_is_encoded():
    oracle = StagedOracle()
    whole = list(track_iter(film(60), [[0, 50, 50]], oracle))
    oracle = StagedOracle()
    finished = [step.window for step in whole[:4]]
    again = list(track_iter(film(60), [[0, 50, 50]], oracle, resume=finished))
    assert same(again[-1].tracks_so_far, whole[-1].tracks_so_far)
    # Frame 0 tells what the point looks like.
    assert set(oracle.encoded) == {0, *range(32, 60)}


def test_a_partial_run_is_resumed_too():
    network, options = small_network(), TrackingOptions(iterations=1, support_grid=2)
    before = list(track_iter(VIDEO, QUERIES, network, options))[-1].tracks_so_far
    moved = Queries(
        QUERIES.frame,
        QUERIES.xy + np.float32(0.5) * (QUERIES.point_id == 0)[:, None],
        QUERIES.point_id,
    )
    spans = invalid_spans(QUERIES, moved, 34)
    whole = list(retrack_iter(VIDEO, moved, before, spans, network, options))
    for stop in range(len(whole) + 1):
        finished = stored(step.window for step in whole[:stop])
        again = list(
            retrack_iter(VIDEO, moved, before, spans, network, options, resume=finished)
        )
        assert same(again[-1].tracks_so_far, whole[-1].tracks_so_far)


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
import torch; torch.set_num_threads(1)
from pathlib import Path
from test_resume import QUERIES, VIDEO
from test_driver import small_network
from napari_cotracker.tracking import TrackingOptions, track_iter
options = TrackingOptions(iterations=2, support_grid=2)
for step in track_iter(VIDEO, QUERIES, small_network(), options):
    name = f"{{step.done:03}}.window"
    Path(sys.argv[1], name).write_bytes(step.window.to_bytes())
    if step.done == 7:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_process_is_resumed_in_another(tmp_path):
    code = KILLED.format(path=[str(p) for p in Path(__file__).parents[:2]])
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert killed.returncode == -9
    options = TrackingOptions(iterations=2, support_grid=2)
    whole = list(track_iter(VIDEO, QUERIES, small_network(), options))
    files = sorted(tmp_path.iterdir())
    assert 0 < len(files) < len(whole)
    finished = [FinishedWindow.from_bytes(file.read_bytes()) for file in files]
    again = list(track_iter(VIDEO, QUERIES, small_network(), options, resume=finished))
    assert same(again[-1].tracks_so_far, whole[-1].tracks_so_far)
    assert len(again) == len(whole) - len(files)


@pytest.mark.parametrize(
    "change",
    [
        {"options": TrackingOptions(iterations=2, support_grid=2)},
        {"options": TrackingOptions(iterations=1, support_grid=3)},
        {"options": TrackingOptions(iterations=1, support_grid=2, last_frame=30)},
        {"network": {"hidden": 32}},
        {"constraints": Constraints(ends=(Span(1, 20, 33),))},
        {"constraints": Constraints(directions=(Limit(1, "backward"),))},
        {"queries": Queries(QUERIES.frame, QUERIES.xy + 1, QUERIES.point_id)},
    ],
    ids=str,
)
def test_windows_of_another_run_are_left_aside(change):
    options = TrackingOptions(iterations=1, support_grid=2)
    steps = track_iter(VIDEO, QUERIES, small_network(), options)
    finished = [next(steps).window, next(steps).window]

    def first_step(**resume):
        return next(
            track_iter(
                VIDEO,
                change.get("queries", QUERIES),
                small_network(**change.get("network", {})),
                change.get("options", options),
                constraints=change.get("constraints"),
                **resume,
            )
        )

    step = first_step(resume=finished)
    assert step.done == 1 and step.window.index == 0
    assert same(step.tracks_so_far, first_step().tracks_so_far)


def test_a_window_survives_its_bytes_and_is_small():
    options = TrackingOptions(iterations=1)
    window = next(track_iter(VIDEO, QUERIES, small_network(), options)).window
    again = FinishedWindow.from_bytes(window.to_bytes())
    for key, value in vars(window).items():
        assert np.array_equal(getattr(again, key), value), key
    n_points, n_places = len(window.anchor), len(window.xy)
    assert len(window.to_bytes()) < 400 + 16 * n_points * n_places


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: b"", "not a finished window"),
        (lambda raw: b"PNG?" + raw[4:], "not a finished window"),
        (lambda raw: raw[:4] + b"\x63\x00" + raw[6:], "version 99"),
        (lambda raw: raw[:40], "damaged"),
        (lambda raw: raw[:6], "damaged"),
        (lambda raw: raw[:60] + b"\xff" + raw[61:], "damaged"),
    ],
)
def test_damaged_bytes_are_one_clear_error(damage, words):
    options = TrackingOptions(iterations=1)
    window = next(track_iter(VIDEO, QUERIES, small_network(), options)).window
    with pytest.raises(InputError, match=words):
        FinishedWindow.from_bytes(damage(window.to_bytes()))


def test_an_oracle_run_in_pieces_is_exact():
    video, finished = film(34, 64, 72), []
    for _ in range(40):
        oracle = StagedOracle(6, 2)
        steps = track_iter(video, [[3, 30, 30], [20, 40, 35]], oracle, resume=finished)
        step = next(steps)
        steps.close()
        if step.window is None:
            break
        finished.append(step.window)
    queries = Queries.from_txy([[3, 30, 30], [20, 40, 35]])
    assert step.done == step.total == len(finished)
    assert expected(step.tracks_so_far, queries, TrackingOptions(), 34) < 1e-3
