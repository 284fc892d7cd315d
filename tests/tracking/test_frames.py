"""Model frame geometry, support grids and window plans on their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_cotracker.errors import InputError
from napari_cotracker.tracking.frames.model_frame import (
    MODEL_AREA,
    ModelFrame,
    choose_model_frame,
)
from napari_cotracker.tracking.windows.plan import lives_of, plan_pass
from napari_cotracker.tracking.windows.support import global_grid, local_grids


@pytest.mark.parametrize(
    "size",
    [(480, 640), (1080, 1920), (2160, 3840), (96, 128), (37, 200), (300, 2000), (2, 2)],
)
@pytest.mark.parametrize("stride", [1, 4, 8])
def test_chosen_sizes(size, stride):
    rows, columns = choose_model_frame(size, stride=stride).size
    assert rows % 8 == columns % 8 == 0 and min(rows, columns) >= 32
    assert rows * columns <= 1.1 * MODEL_AREA
    for side, native in ((rows, size[0]), (columns, size[1])):
        assert side <= max(native, 64)
    if min(size) >= 400:
        assert abs(rows / columns * size[1] / size[0] - 1) < 0.05


@pytest.mark.parametrize(
    ("size", "chosen"),
    [
        ((192, 192), (256, 256)),
        ((128, 128), (256, 256)),
        ((96, 128), (224, 296)),
        # At most three times, and never beyond what the network needs.
        ((64, 64), (192, 192)),
        ((37, 200), (112, 592)),
        ((2, 2), (32, 32)),
        ((240, 320), (240, 320)),
    ],
)
def test_small_pictures_are_enlarged(size, chosen):
    frame = choose_model_frame(size, stride=4, least_area=256 * 256)
    assert frame.size == chosen


def test_there_and_back_is_exact():
    frame = choose_model_frame((480, 640), stride=4, region=(31, 17, 501, 333))
    xy = np.random.default_rng(0).uniform(-50, 700, (500, 2))
    np.testing.assert_allclose(frame.to_native(frame.to_model(xy)), xy, atol=1e-9)
    corners = frame.to_model([[31, 17], [531, 349]])
    rows, columns = frame.size
    np.testing.assert_allclose(corners, [[0, 0], [columns - 1, rows - 1]], atol=1e-9)


@pytest.mark.parametrize(
    "size", [(32, 48), (96, 128), (200, 100), (101, 120), (333, 501)]
)
def test_pixels_land_where_the_mapping_says(size):
    frame = ModelFrame(0, 0, 120, 101, size)
    ramp = np.zeros((1, 101, 120, 3), np.uint8)
    ramp[..., 0], ramp[..., 1], ramp[..., 2] = (
        np.arange(120),
        np.arange(101)[:, None],
        77,
    )
    shown = frame.resize(ramp)[0].double().numpy()
    rows, columns = size
    y, x = np.mgrid[:rows, :columns]
    native = frame.to_native(np.stack([x, y], -1))
    np.testing.assert_allclose(shown[0], native[..., 0], atol=2e-4)
    np.testing.assert_allclose(shown[1], native[..., 1], atol=2e-4)
    np.testing.assert_allclose(shown[2], 77, atol=1e-4)


def test_same_size_is_not_touched():
    picture = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3), np.uint8)
    frame = choose_model_frame((64, 96), stride=4)
    assert torch.equal(
        frame.resize(picture), torch.from_numpy(picture).permute(0, 3, 1, 2).float()
    )


def test_shrinking_does_not_alias():
    stripes = np.zeros((1, 256, 256, 3), np.uint8)
    stripes[:, :, ::2] = 200
    shown = ModelFrame(0, 0, 256, 256, (64, 64)).resize(stripes)[0, :, :, 4:-4]
    assert (shown - 100).abs().max() < 12


def test_crop_is_the_region():
    picture = np.random.default_rng(0).integers(0, 255, (1, 64, 96, 3), np.uint8)
    frame = choose_model_frame(
        (64, 96), stride=4, region=(8, 16, 64, 40), resolution=(40, 64)
    )
    shown = frame.resize(picture)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(shown, picture[0, 16:56, 8:72])
    with pytest.raises(InputError, match="four finite"):
        choose_model_frame((64, 96), stride=4, region=(1, 2, 3))


def test_support_grids_stay_inside():
    grid = global_grid(6, (96, 128))
    assert grid.shape == (36, 2) and len(np.unique(grid, axis=0)) == 36
    assert (grid >= 0).all() and (grid <= (127, 95)).all()
    assert global_grid(1, (96, 128)).tolist() == [[63.5, 47.5]]
    points, owner = local_grids(3, np.array([[64, 48], [1, 1]], np.float32), (96, 128))
    assert (owner == 0).sum() == 8 and (owner == 1).sum() == 3
    assert (points >= 0).all() and (points <= (127, 95)).all()
    assert len(local_grids(1, np.array([[5, 5]], np.float32), (96, 128))[0]) == 0


def test_lives_end_before_the_next_anchor():
    frames, ids = [10, 30, 30, 31, 5], [1, 1, 1, 1, 2]
    ahead = {(x.first, x.last) for x in lives_of(frames, ids, 1, 50)}
    assert ahead == {(10, 29), (31, 50), (5, 50)}
    back = {(x.first, x.last) for x in lives_of(frames, ids, -1, 5)}
    assert back == {(10, 5), (30, 11)}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 16, 17, 41])
def test_windows_cover_everything_needed(sign, length):
    lives = lives_of([20, 20 + sign * 3], [0, 1], sign, 20 + sign * length)
    plan = plan_pass(lives, sign, 8, 3)
    assert plan is not None
    for i, life in enumerate(plan.lives):
        seen = {f for w in plan.windows if i in w.members for f in w.frames}
        assert {*range(life.first, life.last + sign, sign)} <= seen
    assert all(len(w.frames) == 8 for w in plan.windows)
    assert plan.windows[-1].n_real > plan.windows[-1].overlap


def test_nothing_to_do_is_no_plan():
    assert plan_pass(lives_of([5], [0], 1, 5), 1, 8, 4) is None


def test_a_long_clip_goes_through_an_offline_network_in_pieces():
    plan = plan_pass(lives_of([0], [0], 1, 999), 1, None, 8)
    assert plan is not None
    assert max(len(w.frames) for w in plan.windows) == 60
    assert {f for w in plan.windows for f in w.frames} == set(range(1000))
