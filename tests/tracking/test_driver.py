"""Progress, cancel, order of work, and every kind of bad input."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import numpy as np
import pytest
import torch
from tracking_oracle import ClipOracle, StagedOracle, film

from napari_cotracker.errors import CoTrackerError, InputError, TrackingError
from napari_cotracker.model.config import CoTracker3Config, EncoderConfig
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.model.interface import Prediction, WindowState
from napari_cotracker.tracking import TrackingOptions, track, track_iter
from napari_cotracker.tracks import Queries

QUERIES = [[4, 40, 50], [30, 70, 40]]


def small_network(**changes):
    torch.manual_seed(0)
    numbers = {
        "window_len": 8,
        "encoder": EncoderConfig((8, 8, 8, 8), 8, (3, 1), 8),
        "corr_levels": 3,
        "corr_radius": 1,
        "corr_hidden": 16,
        "corr_out": 8,
        "hidden": 16,
        "heads": 2,
        "depth": 1,
        "virtual_tracks": 4,
        "published_faults": False,
        "unqueried_take_part": False,
    }
    config = CoTracker3Config(**(numbers | changes))
    return CoTracker3(config).eval()


def test_progress_counts_to_the_total_and_only_ever_adds():
    oracle = StagedOracle()
    steps = list(track_iter(film(40), QUERIES, oracle))
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert {step.total for step in steps} == {len(steps)} == {len(oracle.windows)}
    known = [int((step.tracks_so_far.source > 0).sum()) for step in steps]
    assert known == sorted(known)
    assert known[-1] == 80
    for step in steps:
        low, high = step.span
        assert 0 <= low <= high < 40


def test_snapshots_stay_as_they_were():
    steps = track_iter(film(40), QUERIES, StagedOracle())
    first = next(steps).tracks_so_far
    before = first.xy.copy()
    list(steps)
    assert np.array_equal(first.xy, before, equal_nan=True)


def test_the_last_step_and_the_return_value_are_the_result():
    steps, seen, result = track_iter(film(20), [[4, 40, 50]], StagedOracle()), [], None
    while result is None:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            result = stop.value
    assert np.array_equal(seen[-1].tracks_so_far.xy, result.xy)
    called = []
    track(film(20), [[4, 40, 50]], StagedOracle(), on_progress=called.append)
    assert [(s.done, s.total) for s in called] == [(s.done, s.total) for s in seen]


def test_closing_cancels_between_two_windows():
    oracle = StagedOracle()
    steps = track_iter(film(60), QUERIES, oracle)
    next(steps)
    encoded = dict(oracle.encoded)
    steps.close()
    assert oracle.encoded == encoded
    assert set(encoded) == set(range(4, 20))
    assert len(oracle.windows) == 1


def test_nothing_happens_before_the_first_step():
    steps = track_iter(None, None, None)
    steps.close()


@pytest.mark.parametrize("windows", [(16, 8), (8, 4), (9, 2), (None, 8)])
def test_every_frame_is_encoded_once(windows):
    oracle = StagedOracle(*windows)
    rng = np.random.default_rng(0)
    queries = np.column_stack([rng.integers(0, 80, 30), rng.uniform(30, 60, (30, 2))])
    track(film(80), queries, oracle)
    assert set(oracle.encoded) == set(range(80))
    assert set(oracle.encoded.values()) == {1}


def test_only_frames_that_matter_are_encoded():
    oracle = StagedOracle()
    options = TrackingOptions(first_frame=10, last_frame=49, direction="forward")
    track(film(80), [[30, 50, 50]], oracle, options)
    assert set(oracle.encoded) == set(range(30, 50))


def test_points_enter_with_the_window_that_holds_their_query():
    oracle = StagedOracle()
    options = TrackingOptions(direction="forward", support_grid=0)
    track(
        film(40),
        [[0, 50, 50], [15, 50, 50], [16, 40, 40], [39, 40, 40]],
        oracle,
        options,
    )
    # The query on the last frame has nothing ahead of it.
    assert oracle.n_points == [2, 3, 3, 3]


def test_an_anchor_leaves_where_the_next_one_takes_over():
    oracle = StagedOracle()
    options = TrackingOptions(direction="forward", support_grid=0)
    queries = Queries(frame=[0, 9], xy=[[50, 50], [55, 50]], point_id=[5, 5])
    track(film(40), queries, oracle, options)
    assert oracle.n_points == [2, 1, 1, 1]


def test_support_points_are_extra_and_never_returned():
    oracle = StagedOracle()
    options = TrackingOptions(direction="forward", support_grid=3, local_support=3)
    tracks = track(film(20), [[0, 64, 48]], oracle, options)
    assert oracle.n_points == [1 + 8 + 9] * 2
    assert tracks.n_tracks == 1


def test_a_short_last_window_repeats_its_last_frame():
    oracle = StagedOracle()
    track(film(19), [[0, 50, 50]], oracle, TrackingOptions(direction="forward"))
    assert oracle.windows == [list(range(16)), [*range(8, 19), *[18] * 5]]
    oracle = StagedOracle()
    track(film(19), [[18, 50, 50]], oracle, TrackingOptions(direction="backward"))
    assert oracle.windows[1] == [*range(10, -1, -1), *[0] * 5]


def test_one_frame_gives_the_anchors():
    steps = list(track_iter(film(1), [[0, 50.5, 40.25]], StagedOracle()))
    tracks = steps[-1].tracks_so_far
    assert [(s.done, s.total, s.span) for s in steps] == [(1, 1, (0, 0))]
    assert tracks.xy.tolist() == [[[50.5, 40.25]]]
    assert tracks.visible.all() and (tracks.visibility == 1).all()


def test_scores_are_kept_raw_and_apart():
    queries = [[0, 50, 50]]
    tracks = track(film(4), queries, StagedOracle())
    raw = 1 / (1 + np.exp(-1.5))
    np.testing.assert_allclose(tracks.visibility[1:, 0], raw, atol=1e-6)
    np.testing.assert_allclose(tracks.confidence[1:, 0], 0.5, atol=1e-6)
    assert tracks.visible.all()
    strict = track(
        film(4), queries, StagedOracle(), TrackingOptions(visibility_threshold=0.9)
    )
    assert strict.visible[:, 0].tolist() == [True, False, False, False]
    clip = track(film(4), queries, ClipOracle())
    np.testing.assert_allclose(clip.confidence[1:, 0], 0.4, atol=1e-6)


def test_without_confidence_visibility_stands_in():
    oracle = StagedOracle()
    oracle.has_confidence = False
    tracks = track(film(4), [[0, 50, 50]], oracle)
    assert np.array_equal(tracks.confidence, tracks.visibility)


def test_a_point_outside_the_image_is_not_visible():
    tracks = track(film(60), [[0, 125, 5]], StagedOracle())
    x, y = tracks.xy[:, 0].T
    outside = (x < -0.5) | (x > 127.5) | (y < -0.5) | (y > 95.5)
    assert 0 < outside.sum() < 60
    assert np.array_equal(tracks.visible[:, 0], ~outside)


def test_between_anchors_that_disagree_the_answer_glides():
    class Still(StagedOracle):
        def refine(self, features, point_features, state, **_):
            return [WindowState(state.xy, state.visibility + 1, state.confidence)]

    queries = Queries(frame=[0, 10], xy=[[20, 30], [40, 30]], point_id=[0, 0])
    tracks = track(film(14), queries, Still())
    x = tracks.xy[:11, 0, 0]
    np.testing.assert_allclose(x + x[::-1], 60, atol=1e-3)
    assert x[0] == 20
    assert x[1] < 21
    assert (np.diff(x) > 0).all()
    np.testing.assert_allclose(tracks.xy[10:, 0, 0], 40, atol=1e-3)


def test_the_real_network_gives_what_its_own_predict_gives():
    network = small_network()
    video = np.random.default_rng(1).integers(0, 255, (21, 64, 96, 3), np.uint8)
    queries = np.array([[0, 20, 30], [5, 60.5, 40.25], [13, 50, 10]], np.float32)
    options = TrackingOptions(
        direction="forward", support_grid=0, iterations=2, sharpen=False
    )
    tracks = track(video, queries, network, options)
    clip = torch.from_numpy(video).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        answer = network.predict(clip, torch.from_numpy(queries), iterations=2)
    for i, start in enumerate(queries[:, 0].astype(int) + 1):
        np.testing.assert_allclose(
            tracks.xy[start:, i], answer.xy[start:, i].numpy(), atol=2e-4
        )
        np.testing.assert_allclose(
            tracks.visibility[start:, i],
            answer.visibility[start:, i].numpy(),
            atol=1e-5,
        )


def test_the_real_network_works_both_ways_on_any_size():
    video = np.random.default_rng(1).integers(0, 255, (12, 50, 71), np.uint8)
    tracks = track(video, [[5, 20, 30]], small_network())
    assert np.isfinite(tracks.xy).all()
    assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("queries", "options", "words"),
    [
        ([], {}, "No query points"),
        (np.zeros((0, 3)), {}, "No query points"),
        ([[0, np.nan, 5]], {}, "NaN"),
        ([[0, 5]], {}, "expected"),
        ([[0, 200, 5]], {}, "outside the image"),
        ([[0, 5, -3]], {}, "outside the image"),
        ([[12, 5, 5]], {}, "outside the time range"),
        ([[-1, 5, 5]], {}, "outside the time range"),
        ([[0, 5, 5]], {"first_frame": 3}, "outside the frame range"),
        ([[9, 5, 5]], {"last_frame": 3}, "outside the frame range"),
        ([[5, 5, 5]], {"first_frame": 6, "last_frame": 3}, "frame range 6 to 3"),
        ([[5, 5, 5]], {"last_frame": 12}, "frame range 0 to 12"),
        ([[5, 5, 5]], {"first_frame": -1}, "frame range -1"),
        ([[5, 5, 5]], {"region": (10, 10, 50, 50)}, "outside the region"),
        ([[5, 5, 5]], {"region": (500, 10, 50, 50)}, "fewer than 2 x 2"),
        ([[5, 5, 5]], {"region": (0, 0, 1, 50)}, "fewer than 2 x 2"),
        ([[5, 5, 5]], {"region": (0, 0, np.nan, 50)}, "four finite"),
        ([[5, 5, 5]], {"model_resolution": (30, 64)}, "multiples of 4"),
        ([[5, 5, 5]], {"model_resolution": (64, 16)}, "at least 32"),
        ([[5, 5, 5]], {"model_resolution": (64, np.nan)}, "multiples of 4"),
        ([[5, 5, 5]], {"model_resolution": (64, np.inf)}, "multiples of 4"),
        ([[5, 5, 5]], {"reference": True}, "published checkpoint"),
    ],
)
def test_bad_input_says_what_is_wrong(queries, options, words):
    oracle = StagedOracle()
    with pytest.raises(InputError, match=words):
        track(film(12), queries, oracle, TrackingOptions(**options))
    assert not oracle.encoded


def test_unknown_direction():
    with pytest.raises(InputError, match="sideways"):
        TrackingOptions(direction="sideways")


def test_no_frames():
    with pytest.raises(CoTrackerError, match="no frames"):
        track(np.zeros((0, 64, 64, 3), np.uint8), [[0, 5, 5]], StagedOracle())


def test_something_that_is_no_network():
    with pytest.raises(InputError, match="predict"):
        track(film(3), [[0, 5, 5]], model=object())
    with pytest.raises(InputError, match="step"):
        track(film(3), [[0, 5, 5]], StagedOracle(8, 9))


class Failing(ClipOracle):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def predict(self, video, queries_txy, iterations=6):
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (RuntimeError("mat1 and mat2 shapes\nlong story"), "frames 0 to 11 .mat1"),
        (RuntimeError("CUDA error: out of memory"), "Memory ran out on frames 0 to 11"),
        (MemoryError(), "Memory ran out"),
        (
            Prediction(torch.full((16, 37, 2), torch.nan), torch.ones(16, 37), None),
            "NaN positions",
        ),
        (Prediction(torch.zeros(3, 1, 2), torch.zeros(3, 1), None), "expected"),
    ],
)
def test_a_failing_network_is_one_clear_error(answer, words):
    with pytest.raises(TrackingError, match=words):
        track(film(12), [[0, 50, 50]], Failing(answer))
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"first_frame": 1.5}, "first_frame is 1.5; expected a whole number"),
        ({"sharpen": "no"}, "sharpen is 'no'; expected True or False"),
        ({"reference": "False"}, "expected True or False"),
        ({"iterations": "6"}, "iterations is '6'; expected a whole number"),
        ({"iterations": 2.5}, "iterations is 2.5; expected a whole number"),
        ({"support_grid": 2.5}, "support_grid is 2.5; expected a whole number"),
        ({"model_resolution": 384}, "model_resolution is 384; expected 2 numbers"),
        ({"model_resolution": ("a", "b")}, "expected 2 numbers"),
        ({"contrast_limits": (1, 2, 3)}, "expected 2 numbers"),
        ({"region": 5}, "region is 5; expected 4 numbers"),
        ({"visibility_threshold": "x"}, "expected a number from 0 to 1"),
        ({"channels": "red"}, "channels is 'red'; expected whole numbers"),
    ],
)
def test_options_of_a_wrong_kind_get_one_clear_sentence(options, words):
    with pytest.raises(InputError, match=re.escape(words)):
        TrackingOptions(**options)


def test_options_are_no_dictionary():
    with pytest.raises(InputError, match=r"dict; expected TrackingOptions"):
        track(film(4), [[0, 50, 50]], options={"direction": "forward"})


def test_constraints_are_no_dictionary():
    with pytest.raises(InputError, match=r"dict; expected Constraints, as"):
        track(film(4), [[0, 50, 50]], constraints={"hidden": [(0, 1, 2)]})


def test_numbers_of_numpy_are_numbers():
    """A project holds the options as JSON, and compares them with those given later."""
    options = TrackingOptions(
        last_frame=np.int64(5),
        sharpen=np.bool_(False),
        region=np.array([1, 2, 30, 40]),
        model_resolution=np.array([64, 96]),
        contrast_limits=[np.float32(0), np.int16(255)],
        channels=np.array([1]),
        visibility_threshold=np.float32(0.75),
    )
    plain = TrackingOptions(
        last_frame=5,
        sharpen=False,
        region=(1.0, 2.0, 30.0, 40.0),
        model_resolution=(64, 96),
        contrast_limits=(0.0, 255.0),
        channels=(1,),
        visibility_threshold=0.75,
    )
    assert options == plain
    assert json.dumps(asdict(options)) == json.dumps(asdict(plain))
    assert TrackingOptions(channels=1).channels == (1,)
