"""The person's own points over several readings: layers, rows, names and edits."""

import numpy as np
import pytest
from test_controller import SEEDS, Bench

from napari_cotracker.project import Project
from napari_cotracker.project.span_edits import hide_span
from napari_cotracker.project.track_edits import (
    merge_tracks,
    remove_tracks,
    rename_track,
    split_track,
)
from napari_cotracker.tracks import Span
from napari_cotracker.widgets.files.project_files import open_project, save_project
from napari_cotracker.widgets.runs.preparing import own_layer


@pytest.fixture
def bench(clip, recorder):
    made = Bench(clip, recorder)
    made.add_points(SEEDS)
    return made


def asked(bench):
    """Return what the last run was asked: identity and (t, x, y) of each anchor."""
    queries = bench.recorder.calls[-1]["queries"]
    return list(zip(queries.point_id.tolist(), queries.txy.tolist(), strict=True))


# -- layers -------------------------------------------------------------------


def test_another_layer_only_adds(bench):
    session = bench.track()
    session.edit(lambda document: rename_track(document, 0, "nose"))
    session.edit(lambda document: hide_span(document, 0, 15, 17))
    first = bench.points
    bench.points = bench.controller.new_points(bench.image)
    bench.points.add([5, 9, 9])
    bench.track()
    assert session.document.tracks.name == ("nose", "point 1", "point 2")
    assert session.document.constraints.hidden == (Span(0, 15, 17),)
    bench.points = first
    bench.points.data = np.array([[3, 11, 21], [8, 30, 40]], float)
    bench.track()
    assert asked(bench) == [(0, [3, 21, 11]), (1, [8, 40, 30]), (2, [5, 9, 9])]


def test_in_each_layer_what_a_person_removes_is_gone(bench):
    session = bench.track()
    first = bench.points
    bench.add_points([[5, 9, 9], [6, 8, 8]], name="more")
    bench.track()
    bench.points.data = np.array([[5, 9, 9]], float)
    bench.track()
    assert session.document.tracks.point_id.tolist() == [0, 1, 2]
    bench.points = first
    bench.points.name = "renamed"
    bench.points.data = np.array([[8, 30, 40]], float)
    bench.track()
    assert session.document.tracks.point_id.tolist() == [1, 2]


def test_a_layer_that_only_has_the_name_of_an_earlier_one_adds(bench):
    session = bench.track()
    bench.viewer.layers.remove(bench.points)
    bench.add_points([[5, 9, 9]], name=bench.points.name)
    bench.track()
    assert session.document.tracks.n_tracks == 3


@pytest.fixture
def saved(bench, tmp_path):
    """Return a project file of a recording with two tracks."""
    path = tmp_path / "mouse.ctk"
    save_project(bench.controller, bench.track(), path)
    bench.controller.close(for_good=True)
    return path


def test_a_project_knows_its_layer_again_and_no_other(saved, bench, clip):
    again = Bench(clip, bench.recorder)
    again.add_points([[1, 5, 5]], name="of another recording")
    session = open_project(again.controller, saved)
    assert own_layer(session, again.controller.points_layers()) is None
    again.add_points([[3, 10, 20], [8, 31, 41]], name=bench.points.name)
    assert own_layer(session, again.controller.points_layers()) is again.points
    again.track()
    assert session.document.tracks.n_tracks == 2
    assert session.document.tracks.xy[8, 1].tolist() == [41, 31]


def test_a_project_of_an_earlier_version_knows_its_layer_too(saved, bench, clip):
    with Project.open(saved) as project:
        (own,) = project.recall("own_points")
        project.remember(
            own_points=None, user_points=own["points"], points_layer=own["layer"]
        )
    again = Bench(clip, bench.recorder)
    again.add_points([[8, 30, 40]], name=bench.points.name)
    session = open_project(again.controller, saved)
    again.track()
    assert session.document.tracks.point_id.tolist() == [1]


# -- rows ---------------------------------------------------------------------


def test_rows_that_move_up_keep_their_identity(bench):
    bench.points.data = np.array([*SEEDS, [5, 50, 60]], float)
    bench.track()
    bench.move(12, 1, y=33, x=44)
    bench.points.data = np.array([[8, 31, 40], [5, 50, 60]], float)
    bench.track()
    assert asked(bench) == [(1, [8, 40, 31]), (1, [12, 44, 33]), (2, [5, 60, 50])]


def test_of_points_that_were_moved_and_deleted_the_frame_tells(bench):
    session = bench.track()
    session.edit(lambda document: rename_track(document, 0, "nose"))
    session.edit(lambda document: rename_track(document, 1, "tail"))
    bench.points.data = np.array([[8, 31, 40]], float)
    bench.track()
    assert session.document.tracks.name == ("tail",)
    assert session.document.tracks.xy[8, 0].tolist() == [40, 31]


def test_two_points_in_one_place_stay_two_tracks(bench):
    bench.points.data = np.array([[3, 10, 20], [3, 10, 20]], float)
    bench.track()
    bench.track()
    assert asked(bench) == [(0, [3, 20, 10]), (1, [3, 20, 10])]


# -- names --------------------------------------------------------------------


def test_names_that_are_filled_in_later_name_the_tracks_there_are(bench):
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    session.edit(lambda document: hide_span(document, 0, 15, 17))
    bench.points.data = np.array([*SEEDS, [9, 31, 41]], float)
    bench.points.features = {"name": ["nose", "tail", "tail"]}
    bench.track()
    assert session.document.tracks.name == ("nose", "tail")
    assert session.document.constraints.hidden == (Span(0, 15, 17),)
    assert [row[0] for row in asked(bench)] == [0, 1, 1, 1]


def test_points_that_get_one_name_become_one_track(bench):
    session = bench.track()
    bench.points.features = {"name": ["nose", "nose"]}
    bench.track()
    assert session.document.tracks.name == ("nose",)
    assert asked(bench) == [(0, [3, 20, 10]), (0, [8, 40, 30])]


# -- edits --------------------------------------------------------------------


@pytest.fixture
def split(bench):
    """Return a track of two own points that was split between them."""
    bench.points.data = np.array([[3, 10, 20], [15, 30, 40]], float)
    bench.points.features = {"name": ["a", "a"]}
    session = bench.track()
    session.edit(lambda document: split_track(document, 0, 10, "late"))
    return session


def test_own_points_follow_a_split_and_its_undo(bench, split):
    bench.points.data = np.array([[3, 10, 20], [15, 33, 44]], float)
    bench.track()
    assert (1, [15, 44, 33]) in asked(bench)
    assert [t for i, (t, _, _) in asked(bench) if i == 0] == [0, 3, 9]
    assert split.document.constraints.ends == (Span(0, 10, 19), Span(1, 0, 9))
    bench.points.data = np.array([[3, 10, 20], [15, 30, 40]], float)
    bench.track()
    split.undo()
    bench.points.data = np.array([[3, 10, 20], [15, 33, 44]], float)
    bench.track()
    assert asked(bench) == [(0, [3, 20, 10]), (0, [15, 44, 33])]


def test_an_own_point_that_was_moved_since_follows_the_undo_of_a_split(bench, split):
    bench.points.data = np.array([[3, 10, 20], [15, 33, 44]], float)
    bench.track()
    split.undo()
    tracks = split.document.tracks
    assert tracks.point_id.tolist() == [0]
    assert tracks.xy[15, 0].tolist() == [44, 33]
    bench.points.data = np.array([[3, 10, 20], [15, 31, 41]], float)
    bench.track()
    assert asked(bench) == [(0, [3, 20, 10]), (0, [15, 41, 31])]
    split.redo()
    assert split.document.tracks.xy[15].tolist()[1] == [41, 31]


def test_an_own_point_that_is_deleted_after_a_split_is_gone(bench, split):
    bench.points.data = np.array([[3, 10, 20]], float)
    bench.points.features = {"name": ["a"]}
    bench.track()
    assert not any(t == 15 for _, (t, _, _) in asked(bench))
    assert (0, [3, 20, 10]) in asked(bench)


def test_own_points_follow_a_merge(bench):
    session = bench.track()
    session.edit(lambda document: merge_tracks(document, 0, 1))
    bench.points.data = np.array([[3, 10, 20], [8, 33, 44]], float)
    bench.track()
    assert session.document.tracks.point_id.tolist() == [0]
    assert asked(bench) == [(0, [3, 20, 10]), (0, [8, 44, 33])]


# -- history ------------------------------------------------------------------


def test_undo_and_redo_leave_own_points_that_were_placed_since(bench):
    bench.points.features = {"name": ["a", "b"]}
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.points.data = np.array([*SEEDS, [12, 33, 44]], float)
    bench.points.features = {"name": ["a", "b", "b"]}
    bench.track()
    for step in (session.undo, session.redo):
        step()
        assert session.document.tracks.xy[12, 1].tolist() == [44, 33]
        bench.track()
        assert (1, [12, 44, 33]) in asked(bench)


def test_a_split_that_is_done_again_takes_no_track_of_a_new_point(bench):
    session = bench.track()
    session.edit(lambda document: split_track(document, 0, 10))
    session.undo()
    bench.points.data = np.array([*SEEDS, [12, 50, 70]], float)
    bench.track()
    session.redo()
    tracks = session.document.tracks
    assert dict(zip(tracks.point_id.tolist(), tracks.name, strict=True)) == {
        0: "point 0",
        1: "point 1",
        2: "point 0 (2)",
        3: "point 3",
    }
    assert tracks.xy[12, tracks.point_id == 3].tolist() == [[70, 50]]


def test_own_points_of_a_removed_track_join_no_other_one(bench):
    session = bench.track()
    session.edit(lambda document: remove_tracks(document, [1]))
    session.edit(lambda document: split_track(document, 0, 10))
    bench.points.data = np.array([[3, 10, 20], [8, 31, 41]], float)
    bench.track()
    assert [row for row in asked(bench) if row[0] == 1] == [(1, [8, 41, 31])]
    assert session.document.tracks.name == ("point 0", "point 0 (2)", "point 1")
