"""Moving boxes: cheap, around their points, and exact wherever they stand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_oracle import ClipOracle, StagedOracle, expected, film

from napari_cotracker.tracking import TrackingOptions, detail, track
from napari_cotracker.tracking.detail import choose_detail
from napari_cotracker.tracking.frames import regions, views
from napari_cotracker.tracking.frames.model_frame import Box, choose_model_frame
from napari_cotracker.tracking.frames.regions import expected_rects, group_points
from napari_cotracker.tracking.frames.views import MovingBoxes, WholeFrame
from napari_cotracker.tracks import Queries

BIG = (1000, 1900)


@pytest.fixture
def small_boxes(monkeypatch):
    """Boxes so small that a film that codes its own geometry has room for several."""
    monkeypatch.setattr(regions, "SMALLEST_SIDE", 48)
    monkeypatch.setattr(regions, "GRID", 16)
    monkeypatch.setattr(regions, "MARGIN", 8)
    monkeypatch.setattr(regions, "COST_OF_A_BOX", 500)
    monkeypatch.setattr(regions, "LARGEST_AREA", 8000)
    monkeypatch.setattr(views, "LARGEST_AREA", 8000)
    monkeypatch.setattr(views, "MARGIN", 8)
    monkeypatch.setattr(detail, "FIRST_MARGIN", 16)
    monkeypatch.setattr(views, "FIRST_MARGIN", 16)
    monkeypatch.setattr(detail, "MODEL_AREA", 64 * 64)


def rects_of(draw, n):
    places = st.floats(-200, 2200)
    x, y = (np.array(draw(st.lists(places, min_size=n, max_size=n))) for _ in range(2))
    width, height = (
        np.array(draw(st.lists(st.floats(50, 900), min_size=n, max_size=n)))
        for _ in range(2)
    )
    return np.stack([x, y, x + width, y + height], axis=1)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data(), st.integers(1, 12), st.sampled_from([8, 24]))
def test_every_point_is_in_a_box_that_holds_what_is_expected(data, n, unit):
    rects = rects_of(data.draw, n)
    groups = group_points(rects, BIG, unit)
    found = np.concatenate([group.points for group in groups])
    assert np.array_equal(np.sort(found), np.arange(n))
    for box, points in groups:
        assert box.width % unit == box.height % unit == 0
        assert 0 <= box.x <= BIG[1] - box.width and 0 <= box.y <= BIG[0] - box.height
        low = np.clip(rects[points, :2].min(0), 0, np.array(BIG[::-1]))
        high = np.clip(rects[points, 2:].max(0), 0, np.array(BIG[::-1]))
        # Sides are whole units: the last pixels of a picture may be left out.
        room = np.array([box.width, box.height]) + unit
        assert (low >= (box.x - unit, box.y - unit)).all()
        assert (high <= np.array([box.x, box.y]) + room).all()


def test_points_near_each_other_share_a_box_and_others_do_not():
    def rects(*xy):
        return np.array([[x - 100, y - 100, x + 100, y + 100] for x, y in xy], float)

    assert len(group_points(rects((500, 500), (560, 520)), BIG, 8)) == 1
    near, far = group_points(rects((200, 500), (1700, 500), (230, 480)), BIG, 8)
    assert near.points.tolist() == [0, 2] and far.points.tolist() == [1]


def test_a_point_that_moves_a_little_keeps_its_box():
    def box(x):
        return group_points(np.array([[x, 400.0, x + 200, 600.0]]), BIG, 8)[0].box

    assert len({box(600 + x) for x in range(20)}) <= 2


def test_boxes_run_ahead_of_moving_points_and_widen_for_lost_ones():
    xy = np.zeros((16, 3, 2), np.float32)
    xy[:, 1:, 0] = 10 * np.arange(16)[:, None]
    known = np.array([[0, 8]] * 3)
    still, fast, lost = expected_rects(xy, np.array([True, True, False]), known, 16)
    assert fast[2] > 150 > still[2] and fast[0] <= -regions.MARGIN
    assert lost[2] > fast[2] and lost[0] < fast[0]


def test_a_box_that_was_left_is_moved_after_its_points():
    moving = MovingBoxes(BIG, 8)
    box = Box(640, 320, 320, 320)
    assert moving.corrected(box, np.array([[800, 480]], np.float32)) is None
    better = moving.corrected(box, np.array([[955, 480], [900, 480]], np.float32))
    assert better is not None and better.x + better.width > 955 + regions.MARGIN
    at_the_border = np.array([[1, 480]], np.float32)
    assert moving.corrected(Box(0, 320, 320, 320), at_the_border) is None
    apart = np.array([[0, 0], [1800, 900]], np.float32)
    assert moving.corrected(box, apart) is None


def chosen(size, xy, **options):
    queries = Queries(frame=[0] * len(xy), xy=xy)
    return choose_detail(
        queries, size, StagedOracle(), TrackingOptions(**options), (0, 30)
    )


def test_the_scale_is_what_the_points_can_afford():
    frame, view = chosen((2160, 3840), [[500, 500], [600, 550]])
    assert frame.size == (2160, 3840) and isinstance(view, MovingBoxes)
    x, y = np.meshgrid(np.arange(50, 3800, 400), np.arange(50, 2100, 400))
    everywhere = np.stack([x.ravel(), y.ravel()], 1)
    frame, view = chosen((2160, 3840), everywhere)
    assert isinstance(view, WholeFrame)
    assert frame == choose_model_frame((2160, 3840), stride=4)
    frame, view = chosen((2160, 3840), [[200, 200], [1200, 200], [700, 900]])
    assert isinstance(view, MovingBoxes) and 1000 < frame.size[0] <= 2160


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((240, 320), {}),
        ((2160, 3840), {"moving_region": False}),
        ((2160, 3840), {"model_resolution": (384, 512)}),
        ((2160, 3840), {"region": (100, 100, 400, 300)}),
    ],
)
def test_the_whole_picture_is_shown_where_it_is_small_or_asked_for(size, options):
    assert isinstance(chosen(size, [[150, 150]], **options)[1], WholeFrame)


def test_an_offline_network_sees_the_whole_picture():
    queries = Queries(frame=[0], xy=[[150, 150]])
    oracle = StagedOracle(window_len=None)
    _, view = choose_detail(queries, BIG, oracle, TrackingOptions(), (0, 30))
    assert isinstance(view, WholeFrame)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.data())
def test_any_run_is_exact_with_moving_boxes(data):
    with pytest.MonkeyPatch.context() as patch:
        small_boxes.__wrapped__(patch)
        n_frames = data.draw(st.integers(2, 45))
        n = data.draw(st.integers(1, 8))
        at = data.draw(st.lists(st.integers(0, n_frames - 1), min_size=n, max_size=n))
        inside = st.floats(25, 200, width=32)
        xy = data.draw(
            st.lists(st.tuples(inside, inside), min_size=n, max_size=n), label="xy"
        )
        options = TrackingOptions(
            direction=data.draw(st.sampled_from(["both", "forward", "backward"])),
            support_grid=data.draw(st.sampled_from([0, 3])),
            local_support=data.draw(st.sampled_from([0, 2])),
            region=data.draw(st.none() | st.just((10.0, 20.0, 230.0, 220.0))),
        )
        make = data.draw(st.sampled_from([StagedOracle, ClipOracle]))
        queries, video = Queries(frame=at, xy=xy), film(n_frames, 250, 250)
        tracks = track(video, queries, make(), options)
        assert expected(tracks, queries, options, n_frames) < 1e-3


def test_far_points_are_followed_in_boxes_of_their_own(small_boxes):
    oracle = StagedOracle()
    queries = [[0, 40, 60], [0, 200, 190], [0, 50, 70]]
    options = TrackingOptions(direction="forward", support_grid=0)
    tracks = track(film(40, 250, 250), queries, oracle, options)
    assert len(oracle.windows) > 4 and {1, 2} <= set(oracle.n_points)
    assert np.isfinite(tracks.xy).all()


def test_an_own_network_follows_a_patch_alike_in_boxes_and_in_the_whole(small_boxes):
    from test_driver import small_network

    video = np.random.default_rng(0).integers(0, 255, (20, 200, 240, 3), np.uint8)
    queries, network = [[3, 60, 50], [9, 70, 80]], small_network()
    first = track(video, queries, network)
    again = track(video, queries, network)
    assert np.array_equal(first.xy, again.xy)
    assert np.isfinite(first.xy).all()
    assert torch.is_inference_mode_enabled() is False


def test_windows_with_the_same_points_are_estimated_once(monkeypatch):
    asked = []

    def counted(*args):
        asked.append(args)
        return group_points(*args)

    monkeypatch.setattr(detail, "group_points", counted)
    xy = np.random.default_rng(0).uniform(20, 900, (30, 2))
    queries = Queries(np.zeros(30, int), xy)
    choose_detail(queries, BIG, StagedOracle(), TrackingOptions(), (0, 1999))
    scales = {args[1] for args in asked}
    assert len(asked) == len(scales)
