"""Files of tracks through napari's own Open and Save."""

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager

import napari_cotracker
from napari_cotracker.errors import CoTrackerError
from napari_cotracker.io import load_queries, load_tracks, save_tracks
from napari_cotracker.tracks import Source, Tracks
from napari_cotracker.widgets.files.track_files import get_tracks_reader
from napari_cotracker.widgets.files.track_layers import (
    tracks_of_points,
    tracks_of_trails,
)

PLUGIN = "napari-cotracker"


@pytest.fixture(autouse=True)
def plugin_is_known():
    manager = PluginManager.instance()
    if PLUGIN not in manager:
        from importlib.resources import files

        from npe2 import PluginManifest

        manifest = files(napari_cotracker) / "napari.yaml"
        manager.register(PluginManifest.from_file(str(manifest)))


def some_tracks():
    xy = np.arange(24, dtype=np.float32).reshape(6, 2, 2)
    source = np.full((6, 2), Source.MODEL)
    source[0], source[2:4, 1] = Source.MANUAL, Source.EMPTY
    xy[source == Source.EMPTY] = np.nan
    known = source != Source.EMPTY
    visible = known.copy()
    visible[4, 0] = False
    return Tracks(
        xy=xy,
        visibility=np.where(visible, 0.9, np.where(known, 0.2, 0)),
        confidence=np.where(known, 0.75, 0),
        visible=visible,
        source=source,
        point_id=[3, 8],
        name=("nose", "left ear"),
        fps=25.0,
        size=(48, 64),
    )


def assert_same(one, two, keys):
    for key in keys:
        np.testing.assert_array_equal(getattr(one, key), getattr(two, key), key)


EVERYTHING = ("xy", "visible", "visibility", "confidence", "source", "point_id", "name")


@pytest.mark.parametrize("file", ["t.csv", "t.json", "t.slp", "t.nwb", "t.geff"])
def test_open_gives_points_and_trails(tmp_path, file):
    save_tracks(some_tracks(), tmp_path / file)
    viewer = ViewerModel()
    viewer.open(str(tmp_path / file), plugin=PLUGIN)
    trails, points = viewer.layers
    assert (trails.name, points.name) == ("t trails", "t")
    expected = load_tracks(tmp_path / file)
    known = expected.source != Source.EMPTY
    assert len(points.data) == known.sum()
    assert len(trails.data) == expected.visible.sum()
    row = points.features[
        (points.features["name"] == "left ear") & (points.data[:, 0] == 5)
    ].index[0]
    np.testing.assert_array_equal(points.data[row], [5, 23, 22])  # t, y, x
    hidden = ~points.features["visible"].to_numpy(bool)
    assert (points.face_color[hidden, 3] == 0).all()
    assert (points.face_color[~hidden, 3] == 1).all()


def test_save_and_open_again(tmp_path):
    save_tracks(some_tracks(), tmp_path / "t.json")
    viewer = ViewerModel()
    viewer.open(str(tmp_path / "t.json"), plugin=PLUGIN)
    for number, selected in enumerate((["t"], ["t", "t trails"])):
        viewer.layers.selection = [viewer.layers[name] for name in selected]
        path = tmp_path / f"again{number}.json"
        assert viewer.layers.save(str(path), selected=True, plugin=PLUGIN)
        again = load_tracks(path)
        assert_same(again, some_tracks(), EVERYTHING)
        assert (again.fps, again.size) == (25.0, (48, 64))
    viewer.layers.selection = [viewer.layers["t trails"]]
    path = tmp_path / "trails.csv"
    assert viewer.layers.save(str(path), selected=True, plugin=PLUGIN)
    again, visible = load_tracks(path), some_tracks().visible
    assert again.name == ("nose", "left ear")
    np.testing.assert_array_equal(again.visible, visible)
    np.testing.assert_array_equal(again.xy[visible], some_tracks().xy[visible])


def test_points_that_a_person_made(tmp_path):
    viewer = ViewerModel()
    layer = viewer.add_points(
        [[0, 10, 20], [3, 11, 21], [3, 30, 40]],
        features={"name": ["nose", "nose", "tail"]},
        scale=(1, 0.5, 0.5),
    )
    viewer.layers.selection = [layer]
    path = tmp_path / "q.csv"
    assert viewer.layers.save(str(path), selected=True, plugin=PLUGIN)
    queries = load_queries(path)
    assert queries.name == ("nose", "nose", "tail")
    assert queries.txy.tolist() == [[0, 20, 10], [3, 21, 11], [3, 40, 30]]


def test_query_points_open_as_points(tmp_path):
    path = tmp_path / "q.csv"
    path.write_text("track,frame,x,y\nnose,2,20,10\n")
    viewer = ViewerModel()
    viewer.open(str(path), plugin=PLUGIN)
    (layer,) = viewer.layers
    assert layer.data.tolist() == [[2, 10, 20]]
    assert list(layer.features["name"]) == ["nose"]


def test_other_files_are_left_to_others(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "other.h5").write_bytes(b"nothing")
    (tmp_path / "folder.geff").mkdir()
    for name in ("other.csv", "other.json", "other.h5", "folder.geff", "none.csv"):
        assert get_tracks_reader(str(tmp_path / name)) is None, name
    assert get_tracks_reader([str(tmp_path / "other.csv")]) is None


def test_layers_that_are_no_tracks_say_why():
    with pytest.raises(CoTrackerError, match="2 axes; expected t, y, x"):
        tracks_of_points(np.zeros((1, 2)), {"name": "p"})
    planes = np.array([[0, 0, 1, 1], [1, 5, 1, 1]])
    with pytest.raises(CoTrackerError, match="several planes"):
        tracks_of_points(planes, {"name": "p"})
    with pytest.raises(CoTrackerError, match="two positions of track 0"):
        tracks_of_points(np.zeros((2, 3)), {"features": {"track_id": [0, 0]}})


def test_trails_of_a_run_are_not_saved_as_if_they_were_all():
    meta = {"name": "clip trails", "metadata": {"napari_cotracker": {"image": "clip"}}}
    with pytest.raises(CoTrackerError, match="only a part of the tracks"):
        tracks_of_trails(np.zeros((2, 4)), meta)


def test_a_result_layer_saves_all_frames_though_it_shows_one():
    class Labels:
        tracks = some_tracks()

    meta = {"metadata": {PLUGIN.replace("-", "_"): {"labels": Labels()}}}
    whole = tracks_of_points(np.zeros((1, 3)), meta)
    assert whole is Labels.tracks
