"""Points that were clicked and never run: kept, restored, forgotten when in vain."""

import numpy as np
import pytest
from test_controller import SEEDS, Bench

from napari_cotracker.project.recovery import find_unsaved, recovery_folder
from napari_cotracker.widgets.files.project_files import open_project, save_project
from napari_cotracker.widgets.runs.clicks import Clicks
from napari_cotracker.widgets.session import clicked


class Clicking(Bench):
    """A bench whose points are kept at every change."""

    def __init__(self, clip, recorder, **image_kwargs):
        super().__init__(clip, recorder, **image_kwargs)
        self.clicks = Clicks(self.controller, lambda: self.clicks.keep())
        self.points = None

    def click(self, data, **kwargs):
        if self.points is None:
            self.points = self.controller.new_points(self.image)
            self.clicks.watch(self.image, self.points)
        self.points.data = np.array(data, float)
        return self.points

    def end(self):
        self.controller.close(for_good=True)


@pytest.fixture
def bench(clip, recorder):
    return Clicking(clip, recorder)


def restored(bench, clip, **image_kwargs):
    (work,) = find_unsaved()
    again = Clicking(clip, bench.recorder, **image_kwargs)
    return again, work, open_project(again.controller, work.path)


def test_clicks_are_restored_as_the_layer_they_were(bench, clip):
    points = bench.click(SEEDS)
    points.features = {"name": ["", "paw"]}
    wanted = bench.points.data.copy()
    bench.end()
    again, work, session = restored(bench, clip)
    assert (work.recording, work.n_tracks, work.n_edits) == ("clip", 0, 0)
    assert work.n_points == 2
    assert [layer.name for layer in again.viewer.layers] == ["clip", "clip points"]
    again.points = again.viewer.layers["clip points"]
    assert np.array_equal(again.points.data, wanted)
    assert list(again.points.features["name"]) == ["", "paw"]
    again.clicks.watch(again.image, again.points)
    again.points.add([12, 20, 20])
    again.track()
    assert again.controller.session_of(again.image) is session
    assert session.document.tracks.name == ("point 0", "paw", "point 2")
    again.end()
    (work,) = find_unsaved()
    assert (work.n_tracks, work.n_points) == (3, 0), "a run has read them"


def test_they_lie_where_they_lay_however_the_image_is_placed(recorder, clip):
    look = {"scale": (1, 0.5, 0.5), "translate": (0, 7, -3)}
    bench = Clicking(clip, recorder, **look)
    points = bench.viewer.add_points(np.array([[3, 10, 2.5]]), name="in the world")
    bench.clicks.watch(bench.image, points)
    bench.end()
    again, _, _ = restored(bench, clip, **look)
    layer = again.viewer.layers["in the world"]
    assert layer.data.tolist() == [[3, 6, 11]]
    assert layer.data_to_world(layer.data[0]) == (3, 10, 2.5)


def test_results_lie_over_the_image_as_it_lies_when_they_come(bench):
    bench.click(SEEDS)
    for layer in (bench.image, bench.points):
        layer.scale = (1, 0.5, 0.5)
    bench.track()
    assert bench.tracked.scale.tolist() == bench.trails.scale[-3:].tolist()
    assert bench.tracked.scale.tolist() == [1, 0.5, 0.5]


def test_points_added_after_a_run_are_restored_beside_its_tracks(bench, clip):
    bench.click(SEEDS)
    bench.track()
    bench.click([*SEEDS, [11, 5, 5]])
    bench.end()
    again, work, session = restored(bench, clip)
    assert (work.n_tracks, work.n_points) == (2, 3)
    ids = session.document.tracks.point_id.tolist()
    again.points = again.viewer.layers["clip points"]
    again.track()
    assert session.document.tracks.point_id.tolist() == [*ids, max(ids) + 1]


def test_a_project_keeps_them_too(bench, clip, tmp_path):
    bench.click(SEEDS)
    session = bench.controller.session_of(bench.image)
    save_project(bench.controller, session, tmp_path / "mine.ctk")
    bench.click([*SEEDS, [11, 5, 5]])
    bench.end()
    assert find_unsaved() == []
    again = Clicking(clip, bench.recorder)
    open_project(again.controller, tmp_path / "mine.ctk")
    assert len(again.viewer.layers["clip points"].data) == 3
    again.controller.close()  # the dock alone: the file is not touched

    last = Clicking(clip, bench.recorder)
    open_project(last.controller, tmp_path / "mine.ctk")
    assert len(last.viewer.layers["clip points"].data) == 3


@pytest.mark.parametrize("how", ["deleted", "layer removed", "dock closed"])
def test_what_is_not_wanted_any_more_leaves_no_file(bench, how):
    bench.click(SEEDS)
    assert len(list(recovery_folder().glob("*.ctk"))) == 1
    if how == "deleted":
        bench.click(np.empty((0, 3)))
    elif how == "layer removed":
        bench.clicks.watch(bench.image, None)
    else:
        bench.clicks.leave()
        bench.controller.close()
        assert list(recovery_folder().iterdir()) == []
        bench.controller.open()
        bench.clicks.watch(bench.image, bench.points)
        assert len(list(recovery_folder().glob("*.ctk"))) == 1
        return
    bench.end()
    assert list(recovery_folder().iterdir()) == []


def test_another_picture_since_the_first_click(bench, clip):
    bench.click(SEEDS)
    bench.image.data = clip[:12]
    session = bench.track()
    assert session.document.tracks.n_frames == 12
    bench.end()
    (work,) = find_unsaved()
    again = Clicking(clip[:12], bench.recorder)
    assert open_project(again.controller, work.path).has_tracks


def test_the_latest_clicks_are_kept_when_they_are_watched_no_longer(bench):
    bench.clicks = Clicks(bench.controller, lambda: None)  # the pause never comes
    bench.click(SEEDS)
    bench.clicks.watch(None, None)
    bench.end()
    (work,) = find_unsaved()
    assert work.n_points == 2


def test_they_are_not_shown_twice(bench):
    bench.click(SEEDS)
    session = bench.controller.session_of(bench.image)
    shown = bench.controller.show_clicked(bench.image, session.memory.clicked)
    assert shown is bench.points and len(bench.controller.points_layers()) == 1


@pytest.mark.parametrize("what", ["NaN", "too few axes", "too many", "a picture"])
def test_points_that_cannot_be_followed_are_left_alone(
    bench, recorder, what, monkeypatch
):
    data = np.array(SEEDS, float)
    if what == "NaN":
        data[0, 1] = np.nan
    elif what == "too few axes":
        data = data[:, 1:]
    elif what == "too many":
        monkeypatch.setattr(clicked, "MOST", 1)
    else:
        bench = Clicking(np.zeros((60, 80), np.uint8), recorder)
    points = bench.viewer.add_points(data)
    bench.clicks.watch(bench.image, points)
    assert not recovery_folder().exists()
    assert bench.controller.sessions() == []


def test_a_dock_that_is_opened_again_knows_which_points_were_tracked(bench):
    bench.click(SEEDS)
    bench.track()
    bench.controller.close()
    bench.controller = bench.new_controller()
    again = Clicks(bench.controller, lambda: again.keep())
    again.watch(bench.image, bench.points)
    session = bench.controller.session_of(bench.image)
    assert session.memory.clicked is None
    bench.points.add([11, 5, 5])
    assert len(session.memory.clicked.data) == 3


def test_clicks_stay_kept_when_another_layer_is_begun(bench, clip):
    first = bench.click(SEEDS)
    bench.points = None
    bench.click([[11, 5, 5]])
    first.data = np.array([*SEEDS, [9, 9, 9]], float)
    bench.clicks.keep()
    bench.end()
    again, work, session = restored(bench, clip)
    assert work.n_points == 4
    layers = {p.name: len(p.data) for p in again.controller.points_layers()}
    assert layers == {"clip points": 3, "clip points [1]": 1}
    again.points = again.viewer.layers["clip points [1]"]
    again.clicks.watch(again.image, again.points)
    again.track()
    again.clicks.keep()
    assert [kept.layer for kept in session.memory.not_read] == ["clip points"]
    again.points = again.viewer.layers["clip points"]
    again.track()
    again.clicks.watch(again.image, again.points)
    assert session.memory.not_read == ()
    assert session.document.tracks.n_tracks == 4
