"""Zarr stores and OME-Zarr images."""

import json
import pickle
import sys

import numpy as np
import pytest

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video import open_video

zarr = pytest.importorskip("zarr")

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 256, (9, 24, 32)).astype(np.uint8)


def as_rgb(grey):
    return np.repeat(grey[..., None], 3, -1)


def store(path, values, version=3, **options):
    array = zarr.create_array(
        str(path),
        shape=values.shape,
        chunks=(*(1,) * (values.ndim - 2), 16, 16),
        dtype=values.dtype,
        zarr_format=version,
        **options,
    )
    array[:] = values
    return array


def ome(path, values, axes, version=3, scale=None, nested=True):
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    store(path / "0", values, version)
    store(path / "1", values[..., ::2, ::2], version)
    change = {"type": "scale", "scale": scale or [1.0] * values.ndim}
    about = [
        {
            "axes": axes,
            "datasets": [
                {"path": str(i), "coordinateTransformations": [change]}
                for i in range(2)
            ],
        }
    ]
    if nested:
        root.attrs["ome"] = {"version": "0.5", "multiscales": about}
    else:
        root.attrs["multiscales"] = about
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_an_array(tmp_path, version):
    store(tmp_path / "a.zarr", STACK, version)
    source = open_video(tmp_path / "a.zarr")
    np.testing.assert_array_equal(source[:], as_rgb(STACK))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source))[4], source[4])


def test_an_array_without_the_usual_suffix_and_in_a_group(tmp_path):
    store(tmp_path / "frames", STACK)
    np.testing.assert_array_equal(open_video(tmp_path / "frames")[2, ..., 0], STACK[2])
    zarr.open_group(str(tmp_path / "g.zarr"), mode="w")
    store(tmp_path / "g.zarr" / "video", STACK)
    np.testing.assert_array_equal(open_video(tmp_path / "g.zarr")[2, ..., 0], STACK[2])


def test_named_axes_are_used(tmp_path):
    names = ("y", "x", "time")
    store(tmp_path / "a.zarr", np.moveaxis(STACK, 0, 2), dimension_names=names)
    np.testing.assert_array_equal(open_video(tmp_path / "a.zarr")[:], as_rgb(STACK))
    array = store(tmp_path / "b.zarr", STACK[:, None], version=2)
    array.attrs["_ARRAY_DIMENSIONS"] = ["time", "channel", "y", "x"]
    np.testing.assert_array_equal(open_video(tmp_path / "b.zarr")[:], as_rgb(STACK))


@pytest.mark.parametrize("nested", [True, False])
def test_ome_zarr_at_full_resolution(tmp_path, nested):
    values = np.stack([STACK, 255 - STACK], axis=1)[:, :, None]  # T, C, Z, Y, X
    axes = [
        {"name": "t", "type": "time", "unit": "millisecond"},
        *({"name": name} for name in "czyx"),
    ]
    path = ome(
        tmp_path / "a.ome.zarr",
        values,
        axes,
        version=3 if nested else 2,
        scale=[40.0, 1, 1, 0.5, 0.5],
        nested=nested,
    )
    with pytest.raises(InputError, match="2 channels; choose"):
        open_video(path)
    source = open_video(path, channels=1)
    np.testing.assert_array_equal(source[:], as_rgb(255 - STACK))
    assert source.fps == pytest.approx(25)


def test_deep_values_pass_one_stated_window(tmp_path):
    store(tmp_path / "a.zarr", STACK.astype(np.float32) * 3 - 100)
    source = open_video(tmp_path / "a.zarr")
    low, high = source.contrast_limits
    assert -100 <= low < -95 and 655 < high <= 665
    assert "float32" in source.describe()


def test_what_cannot_be_read_is_said(tmp_path, monkeypatch):
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(VideoError, match=r"'empty\.zarr' cannot be opened"):
        open_video(tmp_path / "empty.zarr")
    zarr.open_group(str(tmp_path / "g.zarr"), mode="w")
    with pytest.raises(InputError, match="holds no array"):
        open_video(tmp_path / "g.zarr")
    for name in "ab":
        store(tmp_path / "g.zarr" / name, STACK)
    with pytest.raises(InputError, match="the arrays a, b"):
        open_video(tmp_path / "g.zarr")
    path = ome(tmp_path / "o.zarr", STACK, [{"name": n} for n in "tyx"])
    about = json.loads((path / "zarr.json").read_text())
    about["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = "7"
    (path / "zarr.json").write_text(json.dumps(about))
    with pytest.raises(VideoError, match="cannot be opened as a zarr"):
        open_video(path)
    store(tmp_path / "a.zarr", STACK)
    source = open_video(tmp_path / "a.zarr")
    for chunk in (tmp_path / "a.zarr" / "c" / "3").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"no chunk")
    with pytest.raises(VideoError, match="a chunk is damaged"):
        source[3]
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(VideoError, match=r"pip install 'napari-cotracker\[zarr\]'"):
        open_video(tmp_path / "a.zarr")
