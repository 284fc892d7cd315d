"""Project files behind the dock: saved as one goes, opened again, runs resumed."""

import gc
from contextlib import closing

import numpy as np
import pytest
from napari.components import ViewerModel
from test_controller import SEEDS, Bench

from napari_cotracker.errors import ProjectError
from napari_cotracker.project import Project
from napari_cotracker.tracks import Source, Span
from napari_cotracker.widgets.files.project_files import open_project, save_project
from napari_cotracker.widgets.runs.clicks import Clicks


@pytest.fixture
def bench(clip, recorder):
    made = Bench(clip, recorder)
    made.add_points(SEEDS)
    return made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clip.ctk"


def leave(bench):
    """Close napari; what is not on disk is gone."""
    for session in list(bench.controller._sessions.values()):
        session.close()
    bench.controller._sessions.clear()


def come_back(bench, path, clip):
    """Open the recording, then the project, in a viewer that knows nothing."""
    again = Bench(clip, bench.recorder)
    session = open_project(again.controller, path)
    return again, session


def test_every_edit_is_in_the_file_when_it_is_made(bench, path, clip):
    session = bench.track()
    save_project(bench.controller, session, path)
    bench.move(12, 1, y=50, x=60)
    bench.move(5, 0, y=5, x=6)
    session.undo()
    document = session.document
    leave(bench)
    again, session = come_back(bench, path, clip)
    assert session.document.same_as(document)
    assert again.tracked.data[again.row(12, 1), 1:].tolist() == [50, 60]
    assert Span(1, 9, 19) in session.memory.stale, "to be tracked again"
    session.redo()
    assert session.document.tracks.xy[5, 0].tolist() == [6, 5]
    session.undo()
    session.undo()
    assert not session.document.edited.any()


def test_a_run_that_was_killed_goes_on_where_it_stopped(bench, path, clip):
    whole = bench.track().document.tracks
    bench.points.data = np.array([[3, 11, 21], [8, 30, 40]], float)
    session = bench.track()
    wanted = session.document.tracks
    bench.points.data = np.array(SEEDS, float)
    bench.track()
    save_project(bench.controller, session, path)
    bench.points.data = np.array([[3, 11, 21], [8, 30, 40]], float)
    run = bench.start()
    with closing(bench.controller.steps(run)) as steps:
        for _ in range(2):
            bench.controller.receive(run, next(steps))
    leave(bench)  # as if killed: the run was not ended
    windows = bench.recorder.windows

    again, session = come_back(bench, path, clip)
    assert session.project.unfinished_run() is not None
    assert np.array_equal(session.document.tracks.xy[:3, 0], wanted.xy[:3, 0])
    again.points = None
    session = again.track()
    assert bench.recorder.windows - windows == 3, "two of five were done"
    assert np.array_equal(session.document.tracks.xy, wanted.xy)
    assert not np.array_equal(wanted.xy, whole.xy)
    assert session.project.unfinished_run() is None


def test_other_choices_begin_another_run(bench, path, clip):
    save_project(bench.controller, bench.track(), path)
    bench.part(2)
    leave(bench)
    windows = bench.recorder.windows
    again, _ = come_back(bench, path, clip)
    again.points = None
    again.track(model="other")
    assert bench.recorder.windows - windows == 5


def test_edits_of_an_interrupted_run_stay_and_are_tracked_again(bench, path, clip):
    save_project(bench.controller, bench.track(), path)
    run = bench.start()
    steps = bench.controller.steps(run)
    bench.controller.receive(run, next(steps))
    bench.move(12, 1, y=50, x=60)
    leave(bench)
    again, session = come_back(bench, path, clip)
    again.points = None
    again.track()
    assert session.document.tracks.xy[12, 1].tolist() == [60, 50]
    assert session.memory.stale == (Span(1, 9, 19),)


def test_a_run_interrupted_before_its_first_window_begins_anew(bench):
    bench.track()
    bench.controller.finish(bench.start(), None, complete=False)
    bench.move(12, 1, y=50, x=60)
    bench.track()
    queries = bench.recorder.calls[-1]["queries"]
    assert queries.txy.tolist() == [[3, 20, 10], [8, 40, 30], [12, 60, 50]]


def test_a_project_saved_during_a_run_takes_its_further_windows(bench, path, clip):
    run = bench.start()
    steps = bench.controller.steps(run)
    bench.controller.receive(run, next(steps))
    run.session.show()
    bench.controller.enter(run.session)
    save_project(bench.controller, run.session, path)
    bench.controller.receive(run, next(steps))
    leave(bench)
    windows = bench.recorder.windows
    again, _ = come_back(bench, path, clip)
    again.points = None
    session = again.track()
    assert bench.recorder.windows - windows == 3, "those before saving are known too"
    assert (session.document.tracks.source != Source.EMPTY).all()


def test_the_persons_points_go_on_meaning_the_same_tracks(bench, path, clip):
    session = bench.track()
    save_project(bench.controller, session, path)
    bench.move(12, 1, y=50, x=60)
    leave(bench)
    again, session = come_back(bench, path, clip)
    again.add_points([*SEEDS, [9, 9, 9]], name=bench.points.name)
    again.track()
    queries = again.recorder.calls[-1]["queries"]
    assert queries.point_id.tolist() == [0, 1, 1, 2]
    assert session.document.edited.sum() == 1


def test_the_same_recording_is_found_among_other_images(bench, path, clip):
    save_project(bench.controller, bench.track(), path)
    leave(bench)
    again = Bench(clip[:, ::-1].copy(), bench.recorder)
    again.image = again.viewer.add_image(clip, name="right")
    session = open_project(again.controller, path)
    assert session.image is again.image
    assert "right tracked" in again.viewer.layers


def test_a_recording_in_a_file_is_opened_with_its_project(tmp_path, path, recorder):
    from napari_cotracker.sample import sample_clip
    from napari_cotracker.widgets.files.video_reader import read_video

    video = sample_clip()[0]
    viewer = ViewerModel()
    ((data, look, _),) = read_video(str(video))
    bench = Bench.__new__(Bench)
    bench.viewer, bench.recorder, bench.said = viewer, recorder, []
    bench.image = viewer.add_image(data, **look)
    bench.controller = bench.new_controller()
    bench.add_points([[0, 20, 30]])
    save_project(bench.controller, bench.track(), path)
    leave(bench)

    again = Bench.__new__(Bench)
    again.viewer, again.recorder, again.said = ViewerModel(), recorder, []
    again.controller = again.new_controller()
    session = open_project(again.controller, path)
    assert session.image.name == look["name"]
    assert f"{look['name']} tracked" in again.viewer.layers
    assert again.controller.session_of(session.image) is session


def test_results_of_a_slice_go_back_to_their_slice(path, recorder):
    data = np.random.default_rng(0).integers(0, 255, (6, 3, 60, 80), np.uint8)
    bench = Bench(data, recorder)
    bench.viewer.dims.set_current_step(1, 2)
    bench.add_points([[1, 2, 10, 20]])
    save_project(bench.controller, bench.track(), path)
    leave(bench)
    again, session = come_back(bench, path, data)
    assert again.viewer.dims.current_step[1] == 2
    assert set(again.tracked.data[:, 1]) == {2}
    again.points = None
    assert again.track() is session


def test_a_project_of_another_slice_is_shown_in_its_own(tmp_path, recorder):
    data = np.random.default_rng(0).integers(0, 255, (6, 3, 60, 80), np.uint8)
    for z in (0, 2):
        bench = Bench(data, recorder)
        bench.viewer.dims.set_current_step(1, z)
        bench.add_points([[1, z, 10 + z, 20]])
        save_project(bench.controller, bench.track(), tmp_path / f"{z}.ctk")
        leave(bench)
    again, first = come_back(bench, tmp_path / "0.ctk", data)
    session = open_project(again.controller, tmp_path / "2.ctk")
    assert session is first
    assert again.viewer.dims.current_step[1] == 2
    assert set(again.tracked.data[:, 1]) == {2}
    again.viewer.dims.set_current_step(0, 4)
    again.move(4, 0, y=33, x=44)
    assert session.document.tracks.xy[4, 0].tolist() == [44, 33]


def test_a_project_without_tracks_clears_those_that_were_shown(bench, path, clip):
    clicks = Clicks(bench.controller, lambda: None)
    clicks.watch(bench.image, bench.points)
    clicks.keep()
    save_project(bench.controller, bench.controller.session_of(bench.image), path)
    leave(bench)
    again = Bench(clip, bench.recorder)
    again.add_points([[1, 5, 5]])
    again.track()
    session = open_project(again.controller, path)
    assert not session.has_tracks
    assert len(again.tracked.data) == 0
    again.points = again.controller.points_layers()[-1]
    again.track()
    assert len(again.tracked.data) == 40
    assert not session.annotations.can_undo


@pytest.mark.parametrize("what", ["other", "none", "open", "damaged"])
def test_what_cannot_be_opened_is_said_and_changes_nothing(bench, path, clip, what):
    session = bench.track()
    save_project(bench.controller, session, path)
    if what != "open":
        leave(bench)
    shown = {"other": clip[::-1].copy(), "none": clip[:, :30, :30].copy()}
    again = Bench(shown.get(what, clip), bench.recorder)
    if what == "damaged":
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ProjectError):
        open_project(again.controller, path)
    assert [layer.name for layer in again.viewer.layers] == ["clip"]
    if what in ("other", "none"):
        Project.open(path).close()  # not left locked


def test_a_file_that_cannot_be_written_leaves_the_session_as_it_was(bench, tmp_path):
    session = bench.track()
    with pytest.raises(ProjectError):
        save_project(bench.controller, session, tmp_path / "no folder" / "x.ctk")
    assert session.kept.saved_as is None
    bench.move(12, 1, y=50, x=60)
    assert session.document.tracks.xy[12, 1].tolist() == [60, 50]


def test_an_edit_that_cannot_be_written_is_not_made(bench, path, monkeypatch):
    session = bench.track()
    save_project(bench.controller, session, path)
    told = []
    session._listeners = type(session._listeners)(
        session._listeners.edited, told.append
    )

    def full(edit):
        raise ProjectError("The disk is full; make room and try again.")

    monkeypatch.setattr(session.annotations, "edit", full)
    before = session.document.tracks.xy[12, 1].tolist()
    bench.move(12, 1, y=50, x=60)
    assert "disk is full" in str(told[0])
    assert session.document.tracks.xy[12, 1].tolist() == before
    assert bench.tracked.data[bench.row(12, 1), 1:].tolist() == before[::-1]


def test_a_closed_dock_leaves_the_project_open_for_the_next_one(bench, path):
    session = bench.track()
    save_project(bench.controller, session, path)
    bench.controller.close()
    bench.controller = bench.new_controller()
    session = bench.controller.session_of(bench.image)
    bench.move(12, 1, y=50, x=60)
    document = session.document
    leave(bench)
    with Project.open(path) as project:
        assert project.document.same_as(document)
        assert project.document.edited[12, 1]


def test_a_project_that_no_dock_came_back_to_is_closed_with_its_layers(bench, path):
    save_project(bench.controller, bench.track(), path)
    bench.controller.close()
    bench.viewer.layers.clear()
    gc.collect()
    Project.open(path).close()


def test_options_that_this_version_does_not_know_do_not_lock_a_project(
    bench, path, clip
):
    session = bench.track(direction="backward")
    save_project(bench.controller, session, path)
    settings = session.memory.settings.to_dict()
    settings["options"] |= {"of_the_future": 1, "model_resolution": [64, 96]}
    session.project.remember(settings=settings)
    leave(bench)
    _, session = come_back(bench, path, clip)
    options = session.memory.settings.options
    assert options.direction == "backward"
    assert options.model_resolution == (64, 96)


def test_removing_the_tracked_layer_closes_the_file(bench, path):
    save_project(bench.controller, bench.track(), path)
    bench.viewer.layers.remove("clip tracked")
    Project.open(path).close()
