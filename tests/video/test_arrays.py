"""Arrays of every kind become the same uint8 RGB frames."""

import pickle

import dask.array as da
import numpy as np
import pytest

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video import FrameOutOfRangeError, VideoWarning, open_video

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (9, 12, 16)).astype(np.uint8)
RGB = RNG.integers(0, 256, (9, 12, 16, 3)).astype(np.uint8)


def as_rgb(grey):
    return np.repeat(grey[..., None], 3, -1)


def test_grey_rgb_and_rgba():
    np.testing.assert_array_equal(open_video(GREY)[:], as_rgb(GREY))
    np.testing.assert_array_equal(open_video(RGB)[:], RGB)
    alpha = np.concatenate([RGB, RGB[..., :1]], -1)
    source = open_video(alpha)
    np.testing.assert_array_equal(source[:], RGB)
    assert "alpha ignored" in source.describe()
    assert source.contrast_limits is None
    assert "as they are" in source.describe()


def test_the_contract():
    source = open_video(RGB)
    assert source.shape == RGB.shape and source.ndim == 4 and len(source) == 9
    assert source.dtype == np.uint8 and source.fps is None and source.times is None
    assert open_video(source) is source
    np.testing.assert_array_equal(np.asarray(source), RGB)
    assert len(list(source)) == 9
    with source as same:
        assert same.read(2, 2).shape == (0, 12, 16, 3)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source))[:], RGB)


@pytest.mark.parametrize(
    "key",
    [
        3,
        -1,
        np.int64(2),
        slice(None),
        slice(2, 7),
        slice(7, 2, -2),
        slice(-3, None),
        slice(4, 4),
        slice(0, 100, 3),
        ...,
        (4, slice(1, 5)),
        (slice(2, 4), 3, slice(None), 0),
        (..., 1),
        (2, ..., 0),
        [5, 2, 2, 8, -1, 3],
        np.array([1, 2, 3]),
        np.array([], int),
        np.arange(9) % 2 == 0,
        ([4, 1], slice(None), 2),
        (),
    ],
    ids=str,
)
def test_indexing_is_that_of_numpy(key):
    expected = RGB[key]
    result = open_video(RGB)[key]
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


def test_what_is_outside_is_refused():
    source = open_video(RGB)
    for key in (9, -10, [0, 9]):
        with pytest.raises(FrameOutOfRangeError, match="frames 0 to 8"):
            source[key]
    for span in ((0, 10), (-1, 3), (5, 4)):
        with pytest.raises(InputError, match="0 to 8"):
            source.read(*span)
    for key in ("a", 1.5, None, (0, 0, 0, 0, 0), [[1]], [0.5]):
        with pytest.raises((InputError, IndexError)):
            source[key]


def test_storage_does_not_matter():
    dask = pytest.importorskip("dask.array")
    zarr = pytest.importorskip("zarr")
    torch = pytest.importorskip("torch")
    stored = zarr.create_array({}, shape=RGB.shape, chunks=(2, 5, 16, 3), dtype="uint8")
    stored[:] = RGB
    wide = np.zeros((18, 12, 32, 3), np.uint8)
    wide[::2, :, ::2] = RGB
    arrays = [
        dask.from_array(RGB, chunks=(2, 5, 16, 3)),
        stored,
        torch.from_numpy(RGB.copy()),
        np.asfortranarray(RGB),
        RGB[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
        wide[::2, :, ::2],
        np.moveaxis(np.moveaxis(RGB, 1, 2).copy(), 2, 1),
    ]
    for array in arrays:
        source = open_video(array)
        np.testing.assert_array_equal(source.read(0, 9), RGB)
        np.testing.assert_array_equal(source[3], RGB[3])
        assert source.read(0, 9).flags.c_contiguous


def test_only_what_is_asked_for_is_read():
    class Watched:
        shape, dtype = (1000, 12, 16), np.dtype(np.uint8)
        read = 0

        def __getitem__(self, key):
            frames = range(1000)[key[0]]
            Watched.read += len(frames)
            return np.zeros((len(frames), 12, 16), np.uint8)

    source = open_video(Watched())
    source.read(500, 504)
    assert Watched.read == 4


def test_a_reader_cannot_change_the_array():
    mine = RGB.copy()
    open_video(mine).read(0, 9)[:] = 0
    open_video(mine)[0][:] = 0
    np.testing.assert_array_equal(mine, RGB)


def test_16_bit_data_equal_to_8_bit_data_give_the_same():
    source = open_video(GREY.astype(np.uint16) * 257, contrast_limits=(0, 65535))
    np.testing.assert_array_equal(source[:], as_rgb(GREY))
    assert source.contrast_limits == (0, 65535)
    assert "values 0 to 65535 shown as 0 to 255" in source.describe()


@pytest.mark.parametrize(
    "dtype",
    ["uint16", "int16", "int32", "uint32", "int64", "float16", "float64", "<f4", ">u2"],
)
def test_one_window_for_the_whole_recording(dtype):
    values = np.zeros((40, 10, 10), dtype)
    values += np.arange(40).astype(dtype)[:, None, None] * 10 + 100
    source = open_video(values)
    assert source.contrast_limits == (100, 490)
    levels = source[:, 0, 0, 0]
    assert (
        levels[0] == 0 and levels[-1] == 255 and (np.diff(levels.astype(int)) > 0).all()
    )
    np.testing.assert_array_equal(levels, np.rint(np.arange(40) * 255 / 39))


def test_a_few_hot_pixels_do_not_flatten_the_picture():
    values = RNG.integers(400, 600, (20, 300, 300)).astype(np.uint16)
    values[:, 7, :8] = 65535
    low, high = open_video(values).contrast_limits
    assert 400 <= low <= 401 and 598 <= high <= 600


def test_bool_is_black_and_white():
    source = open_video(GREY > 99)
    np.testing.assert_array_equal(source[..., 0], np.where(GREY > 99, 255, 0))
    assert source.contrast_limits == (0, 1)


@pytest.mark.parametrize("value", [0, 5, 65535])
def test_constant_data_are_black(value):
    assert (open_video(np.full((3, 4, 5), value, np.uint16))[:] == 0).all()
    assert (open_video(np.full((3, 4, 5), value * 1e30))[:] == 0).all()


def test_nan_is_black_and_said():
    values = GREY.astype(float)
    values[2, 3, 4] = np.nan
    values[1, 0, 0], values[1, 0, 1] = np.inf, -np.inf
    source = open_video(values)
    assert source.contrast_limits[1] <= 255
    assert source[1, 0, 0, 0] == 255 and source[1, 0, 1, 0] == 0
    with pytest.warns(VideoWarning, match="NaN"):
        assert source[2, 3, 4, 0] == 0
    with pytest.warns(VideoWarning, match="NaN"):
        assert (open_video(np.full((3, 4, 5), np.nan))[:] == 0).all()


def test_limits_may_be_given_for_8_bit_too():
    source = open_video(GREY, contrast_limits=(100, 151))
    np.testing.assert_array_equal(
        source[..., 0], np.clip((GREY.astype(float) - 100) * 5, 0, 255)
    )


def test_channels_are_chosen():
    np.testing.assert_array_equal(open_video(RGB, channels=1)[:], as_rgb(RGB[..., 1]))
    np.testing.assert_array_equal(
        open_video(RGB, channels=(2, 0, 1))[:], RGB[..., [2, 0, 1]]
    )
    two = open_video(RGB, channels=(0, 1))[:]
    np.testing.assert_array_equal(two[..., :2], RGB[..., :2])
    assert not two[..., 2].any()
    np.testing.assert_array_equal(open_video(GREY, channels=0)[:], as_rgb(GREY))
    for bad in (3, (0, 1, 2, 0), (), -1, "red", 0.5):
        with pytest.raises(InputError, match="channels="):
            open_video(RGB, channels=bad)


def test_other_axes_are_named():
    tzcyx = RNG.integers(0, 256, (5, 3, 2, 12, 16)).astype(np.uint8)
    source = open_video(tzcyx, axes="TZCYX", plane=1, channels=1)
    np.testing.assert_array_equal(source[:], as_rgb(tzcyx[:, 1, 1]))
    assert "plane 1 of 3" in source.describe()
    np.testing.assert_array_equal(
        open_video(np.moveaxis(GREY, 0, 2), axes="yxt")[:], as_rgb(GREY)
    )
    source = open_video(np.moveaxis(RGB, 3, 1), axes="TCYX")
    np.testing.assert_array_equal(source[:], RGB)
    assert "channels 0, 1, 2 as RGB" in source.describe()
    assert open_video(GREY[0], axes="YX").shape == (1, 12, 16, 3)
    assert open_video(RGB[0], axes="YXS").shape == (1, 12, 16, 3)
    assert len(open_video(GREY[:, None], axes="ZTYX")) == 9


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((12, 16), {}, "2 axes"),
        ((2, 3, 4, 12, 16), {}, "5 axes"),
        ((9, 12, 16, 2), {}, "(grey and alpha?); expected"),
        ((9, 12, 16, 2), {}, "as in channels=0"),
        ((9, 12, 16, 5), {}, "5 samples of each pixel"),
        ((9, 2, 12, 16), {"axes": "TCYX"}, "2 channels; choose"),
        ((9, 4, 12, 16), {"axes": "TZYX"}, "plane="),
        ((9, 4, 12, 16), {"axes": "TZYX", "plane": 4}, "planes 0 to 3"),
        ((9, 12, 16), {"plane": 0}, "no Z axis"),
        ((9, 12, 16), {"axes": "TYXS"}, "each of the 3 axes"),
        ((9, 12, 16), {"axes": "TTX"}, "letter of its own"),
        ((9, 12, 16), {"axes": "TCX"}, "no height"),
        ((9, 12, 16), {"contrast_limits": (5, 5)}, "smaller one first"),
        ((9, 12, 16), {"contrast_limits": 5}, "two numbers"),
        ((9, 12, 16), {"contrast_limits": (0, np.nan)}, "finite"),
    ],
)
def test_wrong_shapes_and_options(shape, options, words):
    with pytest.raises(InputError) as caught:
        open_video(np.zeros(shape, np.uint8), **options)
    assert words in str(caught.value)


@pytest.mark.parametrize("dtype", [complex, object, "U3", "datetime64[s]"])
def test_wrong_pixel_types(dtype):
    with pytest.raises(InputError, match="pixels of type"):
        open_video(np.zeros((3, 4, 5), dtype))


@pytest.mark.parametrize("shape", [(0, 4, 5), (3, 0, 5), (3, 4, 0), (0, 4, 5, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_nothing_to_see(shape, dtype):
    with pytest.raises(VideoError, match="no frames|empty"):
        open_video(np.zeros(shape, dtype))


def test_what_is_no_recording():
    for thing in (None, 5, [[1, 2]], object()):
        with pytest.raises(InputError, match="cannot be made of"):
            open_video(thing)
    with pytest.raises(InputError, match="open already"):
        open_video(open_video(GREY), contrast_limits=(0, 5))


def test_what_cannot_become_an_array_of_numpy():
    uncounted = da.from_array(GREY)[da.from_array(np.arange(9)) > 2]
    with pytest.raises(InputError, match="compute_chunk_sizes"):
        open_video(uncounted)
    torch = pytest.importorskip("torch")
    for tensor in (
        torch.zeros(3, 4, 5, dtype=torch.bfloat16),
        torch.zeros(3, 4, 5, requires_grad=True),
    ):
        with pytest.raises(InputError, match="tensor.detach"):
            open_video(tensor)


def test_one_frame_is_a_recording():
    assert len(open_video(GREY[:1])) == 1


def test_masked_pixels_are_no_pixels():
    stack = np.random.default_rng(0).uniform(0, 50, (6, 8, 9))
    masked = np.ma.masked_array(stack.copy(), mask=False)
    masked[:, :4] = np.ma.masked
    masked.data[:, :4] = 1e20
    source = open_video(masked)
    assert source.contrast_limits[1] < 60
    with pytest.warns(VideoWarning, match="NaN"):
        picture = source[2]
    assert picture[4:].mean() > 50
    assert not picture[:4].any()
    whole = np.ma.masked_array((stack * 5).astype(np.uint8), mask=stack > 40)
    with pytest.raises(InputError, match="masked pixels.*filled"):
        open_video(whole)[0]


def test_one_colour_picture_is_no_recording():
    with pytest.raises(InputError, match="one colour picture.*axes='TYX'"):
        open_video(np.zeros((48, 64, 3), np.uint8))
    assert len(open_video(np.zeros((48, 64, 3), np.uint8), axes="TYX")) == 48
    # What is left of a colour stack that napari shows with rgb=False.
    stack = np.zeros((9, 12, 16, 3), np.uint8)
    with pytest.raises(InputError, match=r"\(9, 16, 3\).*whole colour.*rgb=True"):
        open_video(stack[:, 0])
    assert open_video(stack).shape == stack.shape
