"""With a network that knows the truth, the driver must return exactly the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_oracle import ClipOracle, StagedOracle, expected, film, world_xy

from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracks import Queries

TOLERANCE = 1e-3
HEIGHT, WIDTH = 96, 128


@st.composite
def runs(draw):
    """A film, queries inside it, options and windows: anything that is allowed."""
    n_frames = draw(st.integers(1, 45))
    first = draw(st.none() | st.integers(0, n_frames - 1))
    last = draw(st.none() | st.integers(first or 0, n_frames - 1))
    region = draw(
        st.none()
        | st.just((13.0, 9.0, 100.0, 70.0))
        | st.just((20.4, 30.6, 66.2, 52.9))
    )
    resolution = draw(
        st.none() | st.sampled_from([(64, 96), (32, 32), (96, 128), (128, 160)])
    )
    options = TrackingOptions(
        direction=draw(st.sampled_from(["both", "forward", "backward"])),
        first_frame=first,
        last_frame=last,
        iterations=draw(st.integers(1, 3)),
        support_grid=draw(st.sampled_from([0, 1, 3])),
        local_support=draw(st.sampled_from([0, 0, 1, 2, 3])),
        model_resolution=resolution,
        region=region,
    )
    frames = st.integers(first or 0, n_frames - 1 if last is None else last)
    at = draw(st.lists(frames, min_size=1, max_size=8))
    n = len(at)
    xy = np.column_stack(
        [
            draw(st.lists(st.floats(25, 80, width=32), min_size=n, max_size=n)),
            draw(st.lists(st.floats(33, 76, width=32), min_size=n, max_size=n)),
        ]
    )
    size = draw(st.integers(2, 20))
    return (
        film(n_frames, HEIGHT, WIDTH),
        at,
        xy,
        options,
        (size, draw(st.integers(1, size - 1))),
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(runs(), st.booleans())
def test_any_run_is_exact(run, staged):
    video, at, xy, options, windows = run
    queries = Queries(frame=at, xy=xy)
    oracle = (StagedOracle if staged else ClipOracle)(*windows)
    tracks = track(video, queries, oracle, options)
    assert expected(tracks, queries, options, len(video)) < TOLERANCE


@settings(max_examples=40, deadline=None, derandomize=True)
@given(runs(), st.booleans(), st.integers(1, 3))
def test_any_number_of_anchors_is_exact(run, staged, n_tracks):
    video, at, xy, options, windows = run
    at = np.unique(at)
    ids = np.arange(len(at)) % n_tracks
    on_track = np.stack(
        [world_xy(t, xy[i], at[i]) for t, i in zip(at, ids, strict=True)]
    )
    low, high = (22, 32), (84, 80)
    inside = ((on_track > low) & (on_track < high)).all(1)
    inside[: min(n_tracks, len(at))] = True
    queries = Queries(at[inside], on_track[inside], ids[inside])
    oracle = (StagedOracle if staged else ClipOracle)(*windows)
    tracks = track(video, queries, oracle, options)
    assert tracks.n_tracks == len(set(ids[inside]))
    # Anchors are float32: what one says at 80 px differs from its neighbour by 1e-5.
    assert expected(tracks, queries, options, len(video)) < TOLERANCE


def _stored(kind):
    video = film(30, HEIGHT, WIDTH)
    if kind == "reversed":
        return np.ascontiguousarray(video[::-1])[::-1]
    if kind == "strided":
        wide = np.zeros((60, HEIGHT * 2, WIDTH * 3, 3), np.uint8)
        wide[::2, ::2, ::3] = video
        return wide[::2, ::2, ::3]
    if kind == "fortran":
        return np.asfortranarray(video)
    if kind == "dask":
        return pytest.importorskip("dask.array").from_array(
            video, chunks=(7, 40, 50, 3)
        )
    return video


@pytest.mark.parametrize("kind", ["numpy", "reversed", "strided", "fortran", "dask"])
def test_storage_does_not_matter(kind):
    queries = Queries(frame=[3, 17, 29], xy=[[40, 50], [70, 40], [90.25, 60.5]])
    options = TrackingOptions(model_resolution=(64, 96))
    plain = track(_stored("numpy"), queries, StagedOracle(), options)
    tracks = track(_stored(kind), queries, StagedOracle(), options)
    assert expected(tracks, queries, options, 30) < TOLERANCE
    assert np.array_equal(tracks.xy, plain.xy)


def test_grey_films_are_exact():
    video = film(30, HEIGHT, WIDTH)[..., 0]
    queries = Queries(frame=[3, 17], xy=[[40, 50], [70, 40]])
    options = TrackingOptions(model_resolution=(64, 64))
    tracks = track(video, queries, ClipOracle(native_size=(HEIGHT, WIDTH)), options)
    assert expected(tracks, queries, options, 30) < TOLERANCE


def test_sixteen_bit_films_give_the_same_numbers():
    video = film(20, HEIGHT, WIDTH)
    queries = [[3, 40, 50], [17, 70, 40]]
    options = TrackingOptions(contrast_limits=(0, 65535))
    deep = track(video.astype(np.uint16) * 257, queries, StagedOracle(), options)
    plain = track(video, queries, StagedOracle())
    assert np.array_equal(deep.xy, plain.xy, equal_nan=True)


@pytest.mark.parametrize("n_frames", [1, 2, 5, 40, 80])
def test_an_offline_network_sees_the_clip_at_once(n_frames):
    oracle = StagedOracle(window_len=None)
    queries = Queries(frame=[0, n_frames - 1], xy=[[40, 50], [70, 40]])
    tracks = track(film(n_frames), queries, oracle)
    assert expected(tracks, queries, TrackingOptions(), n_frames) < TOLERANCE
    assert len(oracle.windows) == (0 if n_frames == 1 else 2)


@pytest.mark.parametrize("size", [(480, 640), (37, 250), (20, 24), (250, 33)])
def test_any_picture_size_is_exact(size):
    # Larger than 255 pixels cannot be coded in a byte: known geometry instead.
    video = np.empty((12, *size), np.uint8)
    video[:] = (3 * np.arange(12))[:, None, None]
    queries = Queries(frame=[0, 7], xy=[[10, 15], [20.5, 12.25]])
    oracle = ClipOracle(native_size=size)
    options = TrackingOptions(support_grid=0, moving_region=False)
    tracks = track(video, queries, oracle, options)
    assert expected(tracks, queries, options, 12) < TOLERANCE
