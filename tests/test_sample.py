"""The bundled clip is whole, small, and agrees with its truth."""

import av
import numpy as np
import pytest

from napari_cotracker.sample import make, sample_clip


@pytest.fixture(scope="module")
def frames():
    with av.open(str(sample_clip().video)) as container:
        return [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]


def test_clip_queries_and_truth_agree(frames):
    clip = sample_clip()
    assert len(frames) == clip.truth.n_frames == 80
    assert frames[0].shape[:2] == clip.truth.size
    assert len(set(clip.queries.frame.tolist())) == 2
    clip.queries.check_inside(clip.truth.n_frames, clip.truth.size)
    at_query = clip.truth.xy[clip.queries.frame, range(clip.truth.n_tracks)]
    np.testing.assert_array_equal(clip.queries.xy, at_query)
    assert clip.truth.visible[clip.queries.frame, range(clip.truth.n_tracks)].all()
    assert not clip.truth.visible.all(), "something must be hidden for a while"
    assert clip.video.stat().st_size < 400_000


def test_the_bundled_frames_are_those_of_the_generator(frames):
    for t in (0, 45):
        difference = np.abs(make.render(t).astype(float) - frames[t]).mean()
        assert difference < 6, "compression alone stays below this"


def test_the_bundled_truth_is_that_of_the_generator():
    np.testing.assert_allclose(sample_clip().truth.xy, make.follow()["tracks_xy"])


def test_the_motion_is_inverted_exactly():
    points_xy = np.random.default_rng(0).uniform(0, 190, (50, 2))
    for swimmer in make.SWIMMERS:
        body_xy = swimmer.to_body(points_xy, 33)
        np.testing.assert_allclose(swimmer.to_picture(body_xy, 33), points_xy)


def test_a_granule_looks_the_same_wherever_it_goes():
    amber = make.SWIMMERS[-1]
    dark = [make.render(t)[tuple(_pixel(amber, t))] for t in (0, 40, 79)]
    assert np.ptp(np.array(dark, float), axis=0).max() < 40


def _pixel(swimmer, frame):
    x, y = np.rint(swimmer.to_picture(np.array(swimmer.marks[1]), frame)).astype(int)
    return y, x
