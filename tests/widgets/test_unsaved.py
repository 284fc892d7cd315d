"""Sessions that nobody saved: kept on disk, restored, turned into projects."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from test_controller import SEEDS, Bench

from napari_cotracker.errors import ProjectError
from napari_cotracker.project import Project
from napari_cotracker.project.recovery import find_unsaved, recovery_folder
from napari_cotracker.tracks import Span
from napari_cotracker.widgets.files.project_files import open_project, save_project


@pytest.fixture
def bench(clip, recorder):
    made = Bench(clip, recorder)
    made.add_points(SEEDS)
    return made


def end(bench):
    """End napari; what is not on disk is gone."""
    bench.controller.close(for_good=True)


def restored(bench, clip):
    """Restore the only work that was left, over the clip in another viewer."""
    (work,) = find_unsaved()
    again = Bench(clip, bench.recorder)
    return again, open_project(again.controller, work.path)


def test_a_session_that_was_not_saved_is_restored(bench, clip):
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.move(5, 0, y=5, x=6)
    session.undo()
    document = session.document
    end(bench)
    (work,) = find_unsaved()
    assert (work.recording, work.is_file) == ("clip", False)
    assert (work.n_tracks, work.n_edits) == (2, 2)
    again, session = restored(bench, clip)
    assert session.document.same_as(document)
    assert Span(1, 9, 19) in session.memory.stale, "to be tracked again"
    assert again.tracked.data[again.row(12, 1), 1:].tolist() == [50, 60]
    session.redo()
    assert session.document.tracks.xy[5, 0].tolist() == [6, 5]
    again.move(7, 0, y=8, x=9)
    document = session.document
    end(again)  # it is still unsaved, and still kept
    _, session = restored(bench, clip)
    assert session.document.same_as(document)
    assert session.annotations.journal.done == 3


def test_a_run_that_was_killed_goes_on_where_it_stopped(bench, clip):
    wanted = bench.track().document
    bench.viewer.layers.remove("clip tracked")
    (work,) = find_unsaved()
    work.path.unlink()
    run = bench.start()
    with closing(bench.controller.steps(run)) as steps:
        for _ in range(2):
            bench.controller.receive(run, next(steps))
    run.session.close()  # the run was not ended
    windows = bench.recorder.windows
    again, session = restored(bench, clip)
    assert session.project.unfinished_run() is not None
    again.points = None
    again.track()
    assert bench.recorder.windows - windows == 3, "two of five were done"
    assert np.array_equal(session.document.tracks.xy, wanted.tracks.xy)


def test_saving_moves_it_with_history_and_the_present_run(bench, clip, tmp_path):
    path = tmp_path / "mine.ctk"
    bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.points.data = np.array([[3, 11, 21], [8, 30, 40]], float)
    run = bench.start()
    steps = bench.controller.steps(run)
    bench.controller.receive(run, next(steps))
    session = run.session
    assert len(list(recovery_folder().glob("*.ctk"))) == 1
    save_project(bench.controller, session, path)
    assert list(recovery_folder().iterdir()) == [], "neither file nor log"
    assert session.kept.saved_as == path
    bench.controller.receive(run, next(steps))
    bench.move(7, 0, y=8, x=9)
    document = session.document
    end(bench)
    assert find_unsaved() == []
    windows = bench.recorder.windows
    again = Bench(clip, bench.recorder)
    session = open_project(again.controller, path)
    assert session.document.same_as(document)
    assert session.annotations.journal.done == 2
    again.points = None
    again.track()
    assert bench.recorder.windows - windows == 3, "one of five was before saving"


def test_a_save_that_fails_leaves_it_where_it_was(bench, clip, tmp_path):
    session = bench.track()
    with pytest.raises(ProjectError):
        save_project(bench.controller, session, tmp_path / "no folder" / "x.ctk")
    bench.move(12, 1, y=50, x=60)
    document = session.document
    end(bench)
    assert restored(bench, clip)[1].document.same_as(document)


def test_what_came_to_nothing_leaves_no_file(bench, clip):
    end(bench)
    assert not recovery_folder().exists(), "nothing was tracked"
    bench = Bench(clip, bench.recorder)
    bench.add_points(SEEDS)
    session = bench.track()
    (own,) = session.memory.own_points
    session.enter(replace(own, points=None), own)
    assert session.document.tracks.n_tracks == 0
    end(bench)
    assert list(recovery_folder().iterdir()) == []


def test_a_project_that_was_saved_is_never_offered(bench, tmp_path):
    save_project(bench.controller, bench.track(), tmp_path / "mine.ctk")
    bench.move(12, 1, y=50, x=60)
    end(bench)
    assert find_unsaved() == []
    with Project.open(tmp_path / "mine.ctk") as project:
        assert project.document.edited[12, 1]


def test_removed_layers_leave_work_that_can_be_restored(bench, clip):
    session = bench.track()
    document = session.document
    assert find_unsaved() == [], "it is open"
    bench.viewer.layers.remove("clip tracked")
    (work,) = find_unsaved()
    session = open_project(bench.controller, work.path)
    assert session.document.same_as(document)
    assert session is bench.controller.session_of(bench.image)
    assert len(bench.tracked.data) == 40


def test_restoring_over_other_unsaved_work_keeps_both(bench, clip):
    first = bench.track().document
    bench.viewer.layers.remove("clip tracked")
    (work,) = find_unsaved()
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    second = session.document
    session = open_project(bench.controller, work.path)
    assert session.document.same_as(first)
    (other,) = find_unsaved()
    session = open_project(bench.controller, other.path)
    assert session.document.same_as(second)


def test_data_that_was_no_file_must_be_shown_again(bench, clip):
    document = bench.track().document
    end(bench)
    (work,) = find_unsaved()
    other = Bench(clip[::-1].copy(), bench.recorder)
    with pytest.raises(ProjectError, match="'clip' was no file.*show the same data"):
        open_project(other.controller, work.path)
    again = other.viewer.add_image(clip, name="again")
    session = open_project(other.controller, work.path)
    assert session.image is again and session.document.same_as(document)


def test_a_recording_that_was_moved_is_found_when_it_is_shown(tmp_path, recorder, clip):
    import tifffile

    video = tmp_path / "mouse.tif"
    tifffile.imwrite(video, clip)
    bench = Bench(clip, recorder)
    bench.image.metadata["napari_cotracker"] = {"path": str(video)}
    bench.add_points(SEEDS)
    document = bench.track().document
    end(bench)
    (work,) = find_unsaved()
    assert (work.recording, work.is_file) == ("mouse.tif", True)
    moved = tmp_path / "elsewhere.tif"
    video.rename(moved)
    again = Bench(clip, recorder)
    with pytest.raises(ProjectError, match="not at"):
        open_project(again.controller, work.path)
    again.image.metadata["napari_cotracker"] = {"path": str(moved)}
    session = open_project(again.controller, work.path)
    assert session.image is again.image and session.document.same_as(document)


@pytest.fixture
def warned(bench):
    told = []
    bench.controller.close()
    bench.controller = type(bench.controller)(
        bench.viewer, bench.recorder.engine, on_warning=told.append
    )
    return told


def test_a_folder_that_cannot_be_written_is_said_once(
    bench, warned, monkeypatch, tmp_path
):
    folder = tmp_path / "file"
    folder.write_text("no folder")
    monkeypatch.setenv("NAPARI_COTRACKER_UNSAVED", str(folder))
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.track()
    (sentence,) = warned
    assert str(folder) in sentence and "save the project" in sentence
    assert session.project is None
    session.undo()
    assert not session.document.edited.any()
    save_project(bench.controller, session, tmp_path / "mine.ctk")
    assert session.project.journal.undone == 1


def test_a_disk_that_is_full_costs_no_edit(bench, warned, clip, tmp_path):
    session = bench.track()
    bench.move(3, 1, y=50, x=60)
    kept = session.document
    (unsaved,) = recovery_folder().glob("*.ctk")
    session.project._file.rows("PRAGMA max_page_count=1")  # = as many as there are
    edits = 0
    while not warned:
        edits += 1
        assert edits < 1000
        bench.move(edits % 20, 0, y=edits % 60, x=6)
    (sentence,) = warned
    assert "full" in sentence
    assert session.project is None
    assert session.document.tracks.xy[edits % 20, 0].tolist() == [6, edits % 60]
    assert session.annotations.journal.done == 1 + edits, "history and all"
    for _ in range(edits):
        session.undo()
    assert session.document.same_as(kept)
    (work,) = find_unsaved()  # what could be written can be restored
    assert work.path == unsaved and work.n_edits >= 1
    save_project(bench.controller, session, tmp_path / "mine.ctk")
    assert find_unsaved() == [], "all of it is in the project"


def test_a_closed_dock_leaves_it_open_for_the_next_one(bench):
    bench.track()
    bench.controller.close()
    assert find_unsaved() == [], "the layers are there"
    bench.controller = bench.new_controller()
    session = bench.controller.session_of(bench.image)
    bench.move(12, 1, y=50, x=60)
    document = session.document
    end(bench)
    (work,) = find_unsaved()
    with Project.open(work.path) as project:
        assert project.document.same_as(document)
