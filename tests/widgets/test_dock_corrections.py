"""Corrections in the real viewer, by mouse and keys (needs a display or Xvfb)."""

import threading

import numpy as np
from dock_window import Window
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction
from qtpy.QtTest import QTest
from test_controller import Bench
from test_project_files import leave

from napari_cotracker.errors import ProjectError
from napari_cotracker.project import Project
from napari_cotracker.project.track_edits import rename_track
from napari_cotracker.tracks import Source, Span
from napari_cotracker.widgets.files.project_files import save_project

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def test_every_control_of_corrections_is_named(desk):
    for name in (
        "auto_retrack next_review previous_review accept open_project save_project "
        "track span_first span_last edit_track"
    ).split():
        assert desk[name] is not None, name
    for name in "hide_span end_track delete_forward rename_track merge_tracks".split():
        assert desk.dock.findChild(QAction, name) is not None, name


def test_a_moved_point_is_tracked_again_while_the_person_goes_on(desk):
    gates = desk.recorder.gates = threading.Semaphore(0)
    before = desk.tracks
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: desk.recorder.renewals)
    assert desk["run"].isEnabled() and desk["cancel"].isEnabled()
    (asked,) = desk.recorder.renewals
    assert asked["spans"] == (Span(1, 7, 19),)
    assert asked["focus_frame"] == 12
    gates.release(1)
    desk.wait(lambda: np.any(desk.tracks.xy[7:11, 1] != before.xy[7:11, 1]))
    desk.drag(4, 0, (8, 6))  # another correction meanwhile
    moved = desk.tracks.xy[4, 0].tolist()
    gates.release(50)
    desk.quiet()
    anchor = desk.tracks.xy[12, 1]
    assert np.allclose(desk.tracks.xy[13:, 1, 0] - anchor[0], 0.5 * np.arange(1, 8))
    assert desk.tracks.xy[4, 0].tolist() == moved
    assert desk.session.memory.stale == ()
    assert np.array_equal(desk.tracks.xy[:7, 1], before.xy[:7, 1])
    rows = (desk.tracked.features["track_id"] == 1).to_numpy()
    assert np.allclose(desk.tracked.data[rows][:, :0:-1], desk.tracks.xy[:, 1])


def test_what_an_edit_did_can_be_read_while_it_is_tracked_again(desk):
    gates = desk.recorder.gates = threading.Semaphore(0)
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: desk.recorder.renewals)
    said = desk.dock.status.text()
    assert "frame 12" in said
    assert desk["progress"].maximum() == 0, "it moves, without a number"
    gates.release(1)
    desk.wait(lambda: desk["progress"].value() == 1)
    assert desk["progress"].text() == "1 of 4 windows, frames 7 to 10"
    assert desk.dock.status.text() == said
    gates.release(50)
    desk.quiet()
    assert desk.dock.status.text() == said
    desk.key(Qt.Key.Key_Z, CTRL)
    desk.quiet()
    assert desk.dock.status.text() == f"Taken back: {said}"


def test_trouble_during_a_run_can_be_read_until_the_person_does_something(desk):
    gates = desk.recorder.gates = threading.Semaphore(0)
    desk.press("run")
    assert "can be corrected meanwhile" in desk.dock.status.text()
    desk.viewer.dims.set_current_step(0, 0)
    desk.act("split_track")
    assert "cannot be split at frame 0" in desk.dock.status.text()
    gates.release(50)
    desk.quiet()
    assert "cannot be split at frame 0" in desk.dock.status.text()
    desk.press("run")
    desk.quiet()
    assert desk.dock.status.text().startswith("Done.")


def test_a_warning_is_read_with_the_answer_to_the_same_edit(desk, monkeypatch):
    desk.press("auto_retrack")

    def fail(*args, **kwargs):
        raise ProjectError("The disk is full.")

    monkeypatch.setattr(desk.session.project, "edit", fail)
    desk.drag(12, 1, (8, 6))
    desk.wait(desk["undo"].isEnabled)
    said = desk.dock.status.text()
    assert "frame 12" in said and said.endswith("save the project.")
    desk.key(Qt.Key.Key_Z, CTRL)
    assert not desk.dock.status.text().endswith("save the project.")


def test_without_auto_retrack_only_the_point_moves(desk):
    desk.press("auto_retrack")
    before = desk.tracks.xy.copy()
    desk.drag(12, 1, (8, 6))
    desk.wait(desk["undo"].isEnabled)
    assert (desk.tracks.xy != before).any(axis=2).sum() == 1
    assert not desk.recorder.renewals
    desk.press("auto_retrack")
    desk.wait(lambda: desk.recorder.renewals)
    desk.quiet()


def test_run_does_not_wait_for_a_renewal(desk):
    desk.recorder.gates = threading.Semaphore(0)
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: desk.recorder.renewals)
    desk.press("run")
    assert not desk["run"].isEnabled()
    desk.recorder.gates.release(50)
    desk.idle()
    assert len(desk.recorder.calls) == 2
    assert len(desk.recorder.calls[-1]["queries"]) == 3


def test_cancel_takes_back_a_run_that_waits_for_a_renewal(desk):
    desk.recorder.gates = threading.Semaphore(0)
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: desk.recorder.renewals)
    desk.press("run")
    desk.press("cancel")
    desk.recorder.gates.release(50)
    desk.quiet()
    assert desk.dock.status.text().startswith("Cancelled")
    assert len(desk.recorder.calls) == 1


def test_a_cancelled_renewal_does_not_begin_again_by_itself(desk):
    desk.recorder.gates = threading.Semaphore(0)
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: desk.recorder.renewals)
    desk.drag(4, 0, (8, 6))  # from here on it would make room for a larger one
    desk.press("cancel")
    assert not desk["cancel"].isEnabled()
    desk.recorder.gates.release(50)
    desk.quiet()
    assert desk.dock.status.text().startswith("Cancelled")
    desk.click(15, 1)  # chooses a track, changes none
    assert desk["track"].currentText() == "point 1"
    assert len(desk.recorder.renewals) == 1
    desk.drag(15, 1, (-4, -4))
    desk.wait(lambda: len(desk.recorder.renewals) == 2)
    desk.quiet()
    assert desk.session.memory.stale == ()


def test_what_is_corrected_while_a_cancelled_run_stops_is_tracked_again(desk):
    gates = desk.recorder.gates = threading.Semaphore(1)
    desk.press("run")
    desk.wait(lambda: desk["progress"].value() == 1)
    desk.press("cancel")
    desk.drag(15, 1, (-4, -4))
    desk.wait(lambda: desk.session.memory.stale)
    gates.release(50)
    desk.wait(lambda: desk.recorder.renewals)
    desk.quiet()
    assert desk.session.memory.stale == ()
    assert len(desk.recorder.calls) == 2, "the run itself stays cancelled"
    after = desk.tracks.xy[15:, 1, 0]
    assert np.allclose(after - after[0], 0.5 * np.arange(5))


def test_run_follows_corrections_made_since_it_was_cancelled(desk):
    desk.press("auto_retrack")
    gates = desk.recorder.gates = threading.Semaphore(1)
    desk.press("run")
    desk.wait(lambda: desk["progress"].value() == 1)
    desk.press("cancel")
    gates.release(1)
    desk.quiet()
    desk.drag(14, 1, (6, 6))
    desk.wait(desk["undo"].isEnabled)
    done = desk.recorder.windows
    gates.release(50)
    desk.press("run")
    desk.wait(lambda: desk.recorder.renewals)
    desk.quiet()
    assert desk.recorder.windows - done == 3, "it went on"
    after = desk.tracks.xy[14:, 1, 0]
    assert np.allclose(after - after[0], 0.5 * np.arange(6))
    assert desk.session.memory.stale == ()


def test_points_that_a_run_leaves_out_are_told_of(desk):
    desk["first_frame"].setValue(4)
    desk.press("run")
    left_out = "1 point is not on frames 4 to 19: kept, but not followed."
    assert left_out in desk.dock.status.text()
    desk.quiet()
    assert desk.dock.status.text().startswith(f"Done. {left_out}")


def test_undo_and_redo_by_keys_go_to_the_frame_of_the_edit(desk):
    desk.press("auto_retrack")
    before = desk.tracks.xy.copy()
    desk.drag(12, 1, (8, 6))
    desk.wait(desk["undo"].isEnabled)
    after = desk.tracks.xy.copy()
    desk.viewer.dims.set_current_step(0, 3)
    desk.key(Qt.Key.Key_Z, CTRL)
    assert np.array_equal(desk.tracks.xy, before)
    assert desk.viewer.dims.current_step[0] == 12
    desk.key(Qt.Key.Key_Z, CTRL | SHIFT)
    assert np.array_equal(desk.tracks.xy, after)


def test_points_are_deleted_and_added_with_the_mouse(desk):
    desk.press("auto_retrack")
    desk.click(10, 1)
    assert desk["track"].currentText() == "point 1"
    desk.key(Qt.Key.Key_Delete)
    desk.wait(lambda: desk.tracks.source[10, 1] == Source.EMPTY)
    desk.tracked.mode = "add"
    desk.canvas.click(desk.tracked, 40, 60)
    desk.wait(lambda: desk.tracks.source[10, 1] == Source.MANUAL)
    assert np.allclose(desk.tracks.xy[10, 1], (60, 40), atol=0.3)
    assert len(desk.tracked.data) == 40


def test_a_point_of_another_frame_is_not_dragged_along(desk):
    desk.click(5, 0)
    y, x = desk.place_of(9, 1)
    where = desk.canvas.at(desk.tracked, y, x)
    QTest.mouseClick(desk.canvas.native, Qt.MouseButton.LeftButton, SHIFT, where)
    desk.wait(lambda: len(desk.tracked.selected_data) == 2)
    desk.canvas.drag(desk.tracked, (y, x), (y + 6, x + 6))
    desk.wait(lambda: desk.session.document.edited.any())
    desk.quiet()
    assert np.argwhere(desk.session.document.edited).tolist() == [[9, 0], [9, 1]]


def test_delete_takes_the_selected_track_on_the_frame_in_view(desk):
    desk.click(5, 0)
    desk.viewer.dims.set_current_step(0, 9)
    desk.key(Qt.Key.Key_Delete)
    desk.wait(lambda: "deleted" in desk.dock.status.text())
    assert "on frame 9 deleted" in desk.dock.status.text()


def test_hide_a_span_with_keys_and_take_it_back(desk):
    desk.press("auto_retrack")
    desk.click(8, 0)
    desk.key(Qt.Key.Key_BracketLeft)
    desk.viewer.dims.set_current_step(0, 11)
    desk.key(Qt.Key.Key_BracketRight)
    assert (desk["span_first"].value(), desk["span_last"].value()) == (8, 11)
    desk.key(Qt.Key.Key_H)
    assert desk.session.document.constraints.hidden == (Span(0, 8, 11),)
    assert len(desk.tracked.data) == 36
    desk.key(Qt.Key.Key_Z, CTRL)
    assert not desk.session.document.constraints
    assert len(desk.tracked.data) == 40


def test_keys_edit_no_tracks_while_another_layer_is_selected(desk):
    desk.press("auto_retrack")
    desk.session.edit(lambda document: rename_track(document, 0, "nose"))
    document = desk.session.document
    desk.viewer.layers.selection.active = desk.user
    desk.key(Qt.Key.Key_Z, CTRL)
    assert "Select 'clip tracked' first" in desk.dock.status.text()
    for key in (Qt.Key.Key_H, Qt.Key.Key_K):
        desk.key(key)
    desk.viewer.layers.selection.add(desk.tracked)  # none of both is active
    desk.key(Qt.Key.Key_Z, CTRL)
    assert desk.session.document is document
    desk.key(Qt.Key.Key_BracketRight)  # leads, and changes nothing
    assert desk["span_last"].value() == desk.viewer.dims.current_step[0]
    desk.viewer.layers.selection.active = desk.image
    desk.key(Qt.Key.Key_Z, CTRL)
    assert desk.tracks.name == ("point 0", "point 1")


def test_the_menu_edits_the_chosen_track(desk, monkeypatch):
    desk.press("auto_retrack")
    dialog = "qtpy.QtWidgets.QInputDialog"
    desk.click(10, 0)
    monkeypatch.setattr(f"{dialog}.getText", lambda *a, **k: ("nose", True))
    desk.act("rename_track")
    assert desk.tracks.name == ("nose", "point 1")
    assert desk["track"].currentText() == "nose"
    desk.act("split_track")
    assert desk.tracks.name == ("nose", "point 1", "nose (2)")
    monkeypatch.setattr(f"{dialog}.getItem", lambda *a, **k: ("nose (2) (2)", True))
    desk.act("merge_tracks")
    assert desk.tracks.name == ("nose", "point 1")
    desk.act("end_track")
    assert (desk.tracks.source[10:, 0] == Source.EMPTY).all()
    for _ in range(4):
        desk.press("undo")
    assert desk.tracks.name == ("point 0", "point 1")
    assert (desk.tracks.source != Source.EMPTY).all()


def test_several_selected_tracks_are_shown_as_such_and_edited_together(desk):
    desk.press("auto_retrack")
    desk.click(10, 1)
    y, x = desk.place_of(10, 0)
    where = desk.canvas.at(desk.tracked, y, x)
    QTest.mouseClick(desk.canvas.native, Qt.MouseButton.LeftButton, SHIFT, where)
    desk.wait(lambda: desk["track"].currentIndex() == -1)
    assert desk["track"].placeholderText() == "2 selected tracks"
    desk.act("rename_track")  # a dialog would wait for an answer
    assert "select one track for 'Rename…'" in desk.dock.status.text()
    desk.act("end_track")
    assert (desk.tracks.source[10:] == Source.EMPTY).all()
    assert desk["track"].currentText() == "point 1", "none is selected any more"
    desk.press("undo")
    where = desk.canvas.at(desk.tracked, *desk.place_of(10, 0))
    QTest.mouseClick(desk.canvas.native, Qt.MouseButton.LeftButton, NONE, where)
    desk.wait(lambda: desk["track"].currentText() == "point 0")
    desk.key(Qt.Key.Key_A)
    desk.wait(lambda: desk["track"].placeholderText() == "2 selected tracks")
    desk.act("remove_track")
    assert desk["track"].count() == 0 and desk["track"].placeholderText() == ""


def test_without_another_track_nobody_is_asked_which(desk):
    desk["track"].setCurrentIndex(1)
    desk.act("remove_track")
    desk.act("merge_tracks")  # a dialog would wait for an answer
    assert "there is only this one" in desk.dock.status.text()


def test_an_edit_of_another_recording_can_be_undone(desk, clip):
    desk.viewer.add_image(clip[::-1], name="other")
    desk["image_layer"].setCurrentText("other")
    assert not desk["undo"].isEnabled()
    desk.viewer.layers.selection.active = desk.tracked
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: desk.session.document.edited.any())
    desk.quiet()
    assert desk["image_layer"].currentText() == "clip"
    assert desk["points_layer"].currentText() == "clip points"
    desk.key(Qt.Key.Key_Z, CTRL)
    assert not desk.session.document.edited.any()


def test_a_dialog_that_is_cancelled_does_nothing(desk, monkeypatch):
    desk.click(10, 0)
    monkeypatch.setattr(
        "qtpy.QtWidgets.QInputDialog.getText", lambda *a, **k: ("x", False)
    )
    desk.act("rename_track")
    assert not desk["undo"].isEnabled()


def test_review_leads_to_what_is_most_likely_wrong(desk):
    desk.press("auto_retrack")
    desk.drag(12, 1, (25, -20))
    desk.wait(desk["undo"].isEnabled)
    desk.viewer.dims.set_current_step(0, 0)
    desk.key(Qt.Key.Key_N)
    item = desk.dock.review_panel._review_of(desk.session).current
    assert item.point_id == 1 and abs(item.frame - 12) == 1, "beside the jump"
    assert desk.viewer.dims.current_step[0] == item.frame
    (row,) = desk.tracked.selected_data
    assert desk.tracked.data[row, 0] == item.frame
    assert desk.tracked.features["track_id"][row] == 1
    centre = getattr(desk.viewer, "scene", desk.viewer).camera.center
    assert np.allclose(centre[1:], desk.tracked.data[row, 1:])
    assert f"frame {item.frame}" in desk["review_label"].text()
    desk.press("accept")
    assert desk.tracks.source[item.frame, 1] == Source.MANUAL
    desk.press("previous_review")
    desk.press("next_review")
    desk.press("undo")
    assert desk.tracks.source[item.frame, 1] == Source.MODEL


def test_a_project_is_saved_from_then_on_and_opened_again(desk, tmp_path, monkeypatch):
    desk.press("auto_retrack")
    path = tmp_path / "mine.ctk"
    dialog = "qtpy.QtWidgets.QFileDialog"
    monkeypatch.setattr(
        f"{dialog}.getSaveFileName", lambda *a, **k: (str(tmp_path / "mine"), "")
    )
    desk.press("save_project")
    assert str(path) in desk.dock.status.text()
    desk.drag(12, 1, (8, 6))
    desk.wait(desk["undo"].isEnabled)
    document, session = desk.session.document, desk.session
    monkeypatch.setattr(f"{dialog}.getOpenFileName", lambda *a, **k: (str(path), ""))
    desk.press("open_project")  # it is open here already: no harm
    assert desk.session is session
    assert "mine.ctk is open" in desk.dock.status.text()
    session.project.close()
    with Project.open(path) as project:
        assert project.document.same_as(document)


def test_an_interrupted_project_is_opened_and_goes_on(
    make_napari_viewer, recorder, qtbot, clip, tmp_path, monkeypatch
):
    bench = Bench(clip, recorder)
    bench.add_points([[2, 15, 20], [6, 30, 50]])
    path = tmp_path / "mine.ctk"
    save_project(bench.controller, bench.track(direction="forward"), path)
    wanted = bench.controller.session_of(bench.image).document
    bench.part(3, direction="forward")
    leave(bench)
    done = recorder.windows

    viewer = make_napari_viewer(show=True)
    qtbot.waitExposed(viewer.window._qt_window)
    window = Window(viewer, recorder.engine, qtbot)
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getOpenFileName", lambda *a, **k: (str(path), "")
    )
    window.press("open_project")
    assert "not a file" in window.dock.status.text()
    image = viewer.add_image(clip, name="clip")
    viewer.add_points([[1, 5, 5]], name="of another recording")
    assert window["points_layer"].currentText() == "of another recording"
    window.press("open_project")
    assert window["points_layer"].currentIndex() == -1, "it is not read by chance"
    assert "press Run to let it go on" in window.dock.status.text()
    assert window["direction"].currentText() == "forward"
    assert len(viewer.layers["clip tracked"].data) > 0
    window.press("run")
    window.idle()
    assert recorder.windows == done + 2
    session = window.dock.controller.session_of(image)
    assert np.array_equal(session.document.tracks.xy, wanted.tracks.xy, equal_nan=True)


def test_closing_the_viewer_while_running_keeps_finished_windows(
    desk, tmp_path, monkeypatch
):
    path = tmp_path / "mine.ctk"
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getSaveFileName", lambda *a, **k: (str(path), "")
    )
    desk.press("save_project")
    desk.recorder.gates = threading.Semaphore(3)
    desk["model"].setCurrentText("other")
    desk.press("run")
    desk.wait(lambda: desk["progress"].value() == 3)
    session = desk.session
    desk.viewer.close()
    desk.recorder.gates.release(1)
    desk.wait(desk.recorder.closed.is_set)
    session.project.close()
    with Project.open(path) as project:
        assert len(project.unfinished_run().windows) == 3


def test_without_own_points_a_run_goes_on_from_the_corrections(desk):
    desk.drag(12, 1, (8, 6))
    desk.quiet()
    corrected = desk.tracks.xy[12, 1].copy()
    desk.user.selected_data = {0, 1}
    desk.user.remove_selected()
    desk.placed = desk.user.data.copy()
    desk.press("run")
    desk.idle()
    assert desk.dock.status.text().startswith("Done.")
    queries = desk.recorder.calls[-1]["queries"]
    assert queries.point_id.tolist() == [1]
    assert np.array_equal(queries.txy, [[12, *corrected]])
    assert desk.tracks.point_id.tolist() == [1], "the other had no anchor left"


def test_own_points_that_are_all_gone_leave_nothing_to_follow(desk):
    desk.user.selected_data = {0, 1}
    desk.user.remove_selected()
    desk.placed = desk.user.data.copy()
    desk.press("run")
    assert "has no points; add at least one" in desk.dock.status.text()
    assert desk.tracks.n_tracks == 2, "nothing is lost by it"
