import numpy as np
import pytest
from napari.layers import Image

from napari_cotracker.errors import InputError
from napari_cotracker.widgets.layers.image_input import read_image


def test_grey_and_colour_clips_are_passed_as_they_are():
    grey = np.zeros((4, 20, 30), np.uint8)
    assert read_image(Image(grey), (0, 0, 0)).video is grey
    colour = read_image(Image(np.zeros((4, 20, 30, 3), np.uint8), rgb=True), (0, 0, 0))
    assert colour.video.shape == (4, 20, 30, 3)
    assert (colour.n_frames, colour.size) == (4, (20, 30))
    assert colour.remark == ""


@pytest.mark.parametrize("rgb", [False, True])
def test_further_axes_stay_where_the_sliders_stand(rgb):
    shape = (4, 3, 20, 30, 3) if rgb else (4, 3, 20, 30)
    data = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    image = Image(data, scale=(1, 2, 1, 1), rgb=rgb)
    source = read_image(image, (0, 4, 0, 0))  # z = 4 world = index 2
    assert source.axes.fixed == {1: 2}
    assert "at 2" in source.remark
    wanted = data[:, 2]
    assert source.video.shape == wanted.shape and len(source.video) == 4
    for key in (1, slice(1, 3), slice(3, 0, -1), [2, 0], (slice(0, 2), slice(5, 9))):
        assert np.array_equal(source.video[key], wanted[key])
    assert np.array_equal(source.video[1, 4], wanted[1, 4])


def test_the_axis_labelled_time_is_time():
    data = np.random.default_rng(0).integers(0, 255, (2, 5, 3, 20, 30), np.uint8)
    image = Image(data, axis_labels=("c", "T", "z", "y", "x"))
    source = read_image(image, (1, 3, 2, 0, 0))
    assert source.axes.time == 1 and source.axes.fixed == {0: 1, 2: 2}
    assert np.array_equal(source.video[1:4], data[1, 1:4, 2])
    assert np.array_equal(source.video[[4, 0]], data[1, [4, 0], 2])


def test_a_pyramid_is_tracked_at_full_resolution():
    data = np.zeros((4, 64, 64), np.uint8)
    image = Image([data, data[:, ::2, ::2]], multiscale=True)
    assert read_image(image, (0, 0, 0)).size == (64, 64)


def test_contrast_of_the_layer_is_used_where_8_bit_are_not_enough():
    image = Image(np.zeros((4, 20, 30), np.uint16), contrast_limits=(100, 900))
    assert read_image(image, (0, 0, 0)).contrast_limits == (100, 900)
    plain = Image(np.zeros((4, 20, 30), np.uint8), contrast_limits=(10, 90))
    assert read_image(plain, (0, 0, 0)).contrast_limits is None


@pytest.mark.parametrize(
    ("data", "kwargs", "sentence"),
    [
        (np.zeros((20, 30)), {}, "'x' is a single picture"),
        (np.zeros((20, 30, 3), np.uint8), {"rgb": True}, "'x' is a single picture"),
        (np.zeros((1, 20, 30)), {}, "'x' has one frame"),
        (np.zeros((4, 5, 6)), {"axis_labels": "xyt"}, "must be y and x"),
        (np.zeros((4, 5, 6, 7)), {"axis_labels": ("t", "time", "y", "x")}, "several"),
    ],
)
def test_images_without_usable_time_are_refused(data, kwargs, sentence):
    with pytest.raises(InputError, match=sentence):
        read_image(Image(data, name="x", **kwargs), (0,) * data.ndim)
