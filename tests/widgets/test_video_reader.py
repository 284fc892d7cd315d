"""``napari clip.mp4``: our reader, lazily, and the tracker with its own handle."""

from importlib.resources import files

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest

import napari_cotracker
from napari_cotracker.errors import VideoError
from napari_cotracker.sample import sample_clip
from napari_cotracker.video import open_video
from napari_cotracker.video.encoded import SUFFIXES
from napari_cotracker.widgets.files.video_reader import get_video_reader, read_video
from napari_cotracker.widgets.layers.image_input import read_image


@pytest.fixture
def clip():
    return sample_clip()[0]


def test_the_manifest_names_every_video_suffix():
    path = files(napari_cotracker) / "napari.yaml"
    readers = PluginManifest.from_file(str(path)).contributions.readers
    (video,) = [r for r in readers if r.command == "napari-cotracker.read_video"]
    assert {p.removeprefix("*") for p in video.filename_patterns} == SUFFIXES


def test_the_layer_is_lazy_and_knows_its_file(clip):
    ((data, look, kind),) = read_video(str(clip))
    viewer = ViewerModel()
    (layer,) = [getattr(viewer, f"add_{kind}")(data, **look)]
    assert layer.data is data and layer.rgb
    assert list(layer.axis_labels) == ["t", "y", "x"]
    about = layer.metadata["napari_cotracker"]
    assert about["path"] == str(clip.resolve()) and about["fps"] == data.fps
    assert data.cached_bytes <= 0.4 * np.prod(data.shape)  # 80 frames as YUV: 0.5
    truth = open_video(clip)
    for frame in (7, 3, len(truth) - 1):
        viewer.dims.set_current_step(0, frame)
        np.testing.assert_array_equal(layer._slice.image.raw, truth[frame])


def test_the_tracker_reads_through_its_own_handle(clip):
    ((data, look, _),) = read_video(str(clip))
    layer = ViewerModel().add_image(data, **look)
    video = read_image(layer, (0, 0, 0)).video
    assert video is not data
    data.close()
    np.testing.assert_array_equal(video[5], open_video(clip)[5])
    assert data.cached_bytes == 0


def test_several_paths_are_left_to_others_and_damage_is_said(clip, tmp_path):
    assert get_video_reader([str(clip), str(clip)]) is None
    (tmp_path / "a.mp4").write_bytes(clip.read_bytes()[:200])
    with pytest.raises(VideoError, match=r"'a\.mp4'"):
        get_video_reader(str(tmp_path / "a.mp4"))(str(tmp_path / "a.mp4"))
