"""What napari learns from the manifest, and the sample clip as layers."""

from importlib.resources import files
from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from npe2 import PluginManifest
from test_controller import SEEDS, Bench

import napari_cotracker
from napari_cotracker.project.recovery import find_unsaved
from napari_cotracker.sample import sample_clip
from napari_cotracker.widgets.files.project_files import open_project
from napari_cotracker.widgets.files.sample_data import sample_clip as sample_layers
from napari_cotracker.widgets.files.track_files import read_tracks
from napari_cotracker.widgets.runs.controller import TrackingController
from napari_cotracker.widgets.session.run import Request


def manifest() -> PluginManifest:
    return PluginManifest.from_file(str(files(napari_cotracker) / "napari.yaml"))


def test_every_command_can_be_imported():
    found = manifest()
    found.validate_imports()
    assert found.name == "napari-cotracker"
    (widget,) = found.contributions.widgets
    assert widget.display_name == "Point tracker"


def test_the_top_level_manifest_is_the_same_file():
    top = Path(napari_cotracker.__file__).parents[1] / "napari.yaml"
    if top.exists():  # not there in an installed package
        assert top.read_text() == str(
            (files(napari_cotracker) / "napari.yaml").read_text()
        )


def test_the_sample_clip_comes_with_its_points_on_the_right_pixels(recorder):
    viewer = ViewerModel()
    for data, look, kind in sample_layers():
        getattr(viewer, f"add_{kind}")(data, **look)
    image, points = viewer.layers
    _, queries, truth = sample_clip()
    assert image.rgb and image.data.shape == (truth.n_frames, *truth.size, 3)
    controller = TrackingController(viewer, recorder.engine)
    run = controller.start(Request(image, points))
    assert np.array_equal(run.queries.txy, queries.txy)
    assert run.queries.name == queries.name


def test_unsaved_work_on_the_sample_clip_is_restored_without_opening_it_first(recorder):
    bench = Bench(sample_layers()[0][0], recorder)
    bench.image.metadata = sample_layers()[0][1]["metadata"]
    bench.add_points(SEEDS)
    document = bench.track().document
    bench.controller.close(for_good=True)
    (work,) = find_unsaved()
    assert work.is_file
    again = TrackingController(ViewerModel(), recorder.engine)
    assert open_project(again, work.path).document.same_as(document)


def test_a_point_that_is_added_to_named_ones_is_a_track_of_its_own(tmp_path):
    path = tmp_path / "queries.csv"
    path.write_text("track,name,frame,x,y\n0,nose,0,3,4\n1,tail,2,5,6\n")
    viewer = ViewerModel()
    for data, look, kind in [*sample_layers(), *read_tracks(str(path))]:
        if kind == "points":
            points = viewer.add_points(data, **look)
            points.add(points.data[-1] + 1)
            assert points.features["name"].iloc[-1] == "", points.name
