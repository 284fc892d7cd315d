"""Unsaved work in the real viewer: napari is killed, the next one restores it."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from dock_window import Window
from qtpy.QtWidgets import QMessageBox
from test_controller import Bench

from napari_cotracker.project.recovery import find_unsaved, recovery_folder
from napari_cotracker.sample import sample_clip
from napari_cotracker.widgets.dock.point_tracker import PAUSE_MS

SEEDS = [[3, 10, 20], [8, 30, 40]]


@pytest.fixture
def shown(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    qtbot.waitExposed(viewer.window._qt_window)
    return viewer


def leave_work(clip, recorder, name, days=0.0, edits=1):
    """Work in another viewer and close it without saving."""
    bench = Bench(clip, recorder)
    bench.image.name = name
    bench.add_points(SEEDS)
    session = bench.track()
    for k in range(edits):
        data = bench.viewer.layers[f"{name} tracked"].data.copy()
        data[3 + k, 1:] = 5, 6
        bench.viewer.layers[f"{name} tracked"].data = data
    path, document = session.project.path, session.document
    bench.controller.close(for_good=True)
    moment = time.time() - days * 24 * 3600
    os.utime(path, (moment, moment))
    return document


def kill_while(video, state, *how, meanwhile=lambda: None):
    """Let a napari of its own work until its work is safe, then kill it."""
    script = Path(__file__).with_name("work_until_killed.py")
    child = subprocess.Popen(
        [sys.executable, str(script), str(video), str(state), *how],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with child:
        assert child.stdout.readline().strip() == "safe"
        meanwhile()
        time.sleep(random.Random(3).random())
        os.kill(child.pid, signal.SIGKILL)
    return np.load(state)


NEEDS_SIGNALS = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="needs POSIX signals"
)


def test_a_click_right_before_napari_is_closed_is_kept(shown, recorder, qtbot, clip):
    window = Window(shown, recorder.engine, qtbot)
    window.place_points(shown.add_image(clip, name="clip"), [(2, 15, 20)])
    shown.close()
    (work,) = find_unsaved()
    assert work.n_points == 1


@pytest.mark.parametrize("how", ["napari", "layer"])
def test_closing_leaves_the_tracks_and_no_points_beside_them(
    shown, recorder, qtbot, clip, how
):
    window = Window(shown, recorder.engine, qtbot)
    image = shown.add_image(clip, name="clip")
    window.place_points(image, [(2, 15, 20)])
    window.press("run")
    window.idle()
    window.canvas.click(image, 30, 40)
    session = window.dock.controller.session_of(image)
    window.wait(lambda: session.memory.clicked)
    if how == "layer":
        shown.layers.remove("clip tracked")
        qtbot.wait(2 * PAUSE_MS)
    shown.close()
    (work,) = find_unsaved()
    assert (work.n_tracks, work.n_points) == (1, 2)


@NEEDS_SIGNALS
def test_points_that_were_never_run_survive_a_kill(shown, recorder, qtbot, tmp_path):
    video = sample_clip().video
    promised = kill_while(video, tmp_path / "state.npz", "clicks")["points"]

    shown.add_points(ndim=3, name="mine")
    window = Window(shown, recorder.engine, qtbot)
    window.wait(window.dock.unsaved.isVisible)
    assert "3 points not tracked yet." in window["unsaved_label"].text()
    window.press("restore_unsaved")
    (image,) = window.dock.controller.image_layers()
    name = window["points_layer"].currentText()
    assert name == f"{image.name} points"
    assert np.array_equal(shown.layers[name].data, promised)
    assert window.dock.status.text().startswith("Restored 3 points not tracked yet")
    window.press("run")
    window.idle()
    assert window.dock.controller.session_of(image).document.tracks.n_tracks == 3


@NEEDS_SIGNALS
def test_a_napari_that_was_killed_loses_nothing(shown, recorder, qtbot, tmp_path):
    video = str(sample_clip().video)

    def look():
        before = Window(shown, recorder.engine, qtbot)
        qtbot.wait(50)
        assert not before.dock.unsaved.isVisible(), "the other napari is alive"
        before.holder.destroyOnClose()

    promised = kill_while(video, tmp_path / "state.npz", meanwhile=look)

    window = Window(shown, recorder.engine, qtbot)
    window.wait(window.dock.unsaved.isVisible)
    text = window["unsaved_label"].text()
    assert Path(video).name in text and "2 tracks" in text
    assert not window["unsaved"].isVisible(), "there is no choice"
    window.press("restore_unsaved")
    (image,) = window.dock.controller.image_layers()
    session = window.dock.controller.session_of(image)
    assert not window.dock.unsaved.isVisible()
    assert "Restored 2 tracks" in window.dock.status.text()
    assert len(shown.layers[f"{image.name} tracked"].data) > 0
    assert window["image_layer"].currentText() == image.name
    # What was dragged after that is safe as well, step by step.
    while session.annotations.journal.done > 2:
        window.press("undo")
    assert np.array_equal(session.document.tracks.xy, promised["xy"], equal_nan=True)
    assert np.array_equal(session.document.tracks.source, promised["source"])
    moved = session.document.tracks.xy[[12, 5], [1, 0]].copy()
    window.press("undo")
    window.press("undo")
    assert not window["undo"].isEnabled()
    assert not (session.document.tracks.xy[[12, 5], [1, 0]] == moved).any()
    for _ in range(2):
        window.press("redo")
    assert np.array_equal(session.document.tracks.xy[[12, 5], [1, 0]], moved)


def test_of_several_any_can_be_restored_or_discarded(
    shown, recorder, clip, qtbot, monkeypatch
):
    wanted = leave_work(clip, recorder, "second", days=2)
    leave_work(clip, recorder, "third", days=3)
    leave_work(clip, recorder, "first")
    shown.add_image(clip, name="clip")
    window = Window(shown, recorder.engine, qtbot)
    window.wait(window.dock.unsaved.isVisible)
    choice = window["unsaved"]
    assert choice.isVisible()
    shown_names = [choice.itemText(i).split()[-1] for i in range(choice.count())]
    assert shown_names == ["first", "second", "third"]
    assert "first: 2 tracks, 1 edit." in window["unsaved_label"].text()
    assert "same data" in window["unsaved_label"].text(), "it was no file"

    asked = []
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]

    def question(parent, title, text):
        asked.append(text)
        return answers[len(asked) - 1]

    monkeypatch.setattr("qtpy.QtWidgets.QMessageBox.question", question)
    window.press("discard_unsaved")
    assert choice.count() == len(find_unsaved()) == 3
    choice.setCurrentIndex(2)
    window.press("discard_unsaved")
    assert "third" in asked[1] and "2 tracks, 1 edit" in asked[1]
    assert [work.recording for work in find_unsaved()] == ["first", "second"]

    choice.setCurrentIndex(1)
    window.press("restore_unsaved")
    session = window.dock.controller.session_of(shown.layers["clip"])
    assert session.document.same_as(wanted)
    assert not choice.isVisible() and window.dock.unsaved.isVisible(), "one is left"


def test_after_an_interrupted_run_it_says_how_to_go_on(shown, recorder, clip, qtbot):
    bench = Bench(clip, recorder)
    bench.add_points(SEEDS)
    run = bench.start()
    with closing(bench.controller.steps(run)) as steps:
        bench.controller.receive(run, next(steps))
    run.session.close()  # the run was not ended
    shown.add_image(clip, name="clip")
    window = Window(shown, recorder.engine, qtbot)
    window.wait(window.dock.unsaved.isVisible)
    window.press("restore_unsaved")
    assert "Restored 2 tracks" in window.dock.status.text()
    assert window.dock.status.text().endswith("press Run to let it go on.")


def test_long_names_and_low_windows_cut_nothing_off(shown, recorder, clip, qtbot):
    low = Window(shown, recorder.engine, qtbot)
    width = low.dock.minimumSizeHint().width()
    assert low.dock.minimumSizeHint().height() < 300, "the rows scroll"
    low.holder.destroyOnClose()
    leave_work(clip, recorder, "2026-11-23_mouse12_camera_left_side_trial_0045_dark")
    leave_work(clip, recorder, "second")
    window = Window(shown, recorder.engine, qtbot)
    window.wait(window.dock.unsaved.isVisible)
    window["unsaved"].setCurrentIndex(1)
    assert "2026-11-23_mouse…_trial_0045_dark" in window["unsaved_label"].text()
    assert window.dock.minimumSizeHint().width() == width
    window.dock.setFixedHeight(300)
    qtbot.wait(50)
    for name in ("unsaved", "restore_unsaved", "run", "undo", "next_review"):
        assert window[name].height() >= window[name].sizeHint().height(), name
    assert window["status"].geometry().bottom() <= window.dock.height()


def test_saving_by_the_button_ends_the_offer(
    shown, recorder, clip, qtbot, tmp_path, monkeypatch
):
    leave_work(clip, recorder, "clip")
    shown.add_image(clip, name="clip")
    window = Window(shown, recorder.engine, qtbot)
    window.wait(window.dock.unsaved.isVisible)
    window.press("restore_unsaved")
    started = []

    def chosen(parent, title, start, kinds):
        started.append(start)
        return str(tmp_path / "mine.ctk"), kinds

    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getSaveFileName", chosen)
    window.press("save_project")
    assert started == ["clip.ctk"], "not the place of the unsaved file"
    assert "mine.ctk" in window.dock.status.text()
    assert list(recovery_folder().iterdir()) == []
    window.press("undo")
    window.press("save_project")
    assert started[1] == str(tmp_path / "mine.ctk")


def test_the_data_it_needs_is_asked_for(shown, recorder, clip, qtbot):
    leave_work(clip, recorder, "clip")
    window = Window(shown, recorder.engine, qtbot)
    window.wait(window.dock.unsaved.isVisible)
    window.press("restore_unsaved")
    assert "show the same data in napari" in window.dock.status.text()
    shown.add_image(clip, name="again")
    window.press("restore_unsaved")
    assert "again tracked" in shown.layers
    assert not window.dock.unsaved.isVisible()


@pytest.mark.parametrize("how", ["layers", "window"])
def test_what_ends_without_being_saved_is_offered_next(
    make_napari_viewer, recorder, clip, qtbot, how
):
    viewer = make_napari_viewer(show=True)
    qtbot.waitExposed(viewer.window._qt_window)
    window = Window(viewer, recorder.engine, qtbot)
    image = viewer.add_image(clip, name="clip")
    window.place_points(image, [(2, 15, 20)])
    window.press("run")
    window.idle()
    qtbot.wait(20)
    assert not window.dock.unsaved.isVisible()
    if how == "layers":
        viewer.layers.clear()
        window.wait(window.dock.unsaved.isVisible)
        return
    window.dock.deleteLater()  # as the window does that is closed by its x
    other = make_napari_viewer(show=True)
    again = Window(other, recorder.engine, qtbot)
    again.wait(again.dock.unsaved.isVisible)


def test_a_folder_that_cannot_be_written_is_said_by_the_dock(
    shown, recorder, clip, qtbot, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("NAPARI_COTRACKER_UNSAVED", str(tmp_path / "file"))
    window = Window(shown, recorder.engine, qtbot)
    image = shown.add_image(clip, name="clip")
    window.place_points(image, [(2, 15, 20)])
    from napari.utils.notifications import notification_manager

    window.press("run")
    window.idle()
    # Records of other tests are still there.
    mine = [n for n in notification_manager.records if str(tmp_path) in n.message]
    (said,) = {n.message for n in mine}
    assert "save the project" in said
    assert len(shown.layers["clip tracked"].data) == 20


@pytest.mark.parametrize("ending", ["restored", "clicked and restored", "closed"])
def test_points_whose_tracks_were_removed_are_no_work_of_their_own(
    shown, recorder, qtbot, clip, ending
):
    window = Window(shown, recorder.engine, qtbot)
    shown.add_image(clip, name="clip")
    points = shown.add_points(SEEDS, name="mine", ndim=3)
    window.press("run")
    window.idle()
    for name in ("clip", "clip tracked"):
        shown.layers.remove(name)
    qtbot.wait(2 * PAUSE_MS)
    shown.add_image(clip, name="clip")
    if ending == "clicked and restored":
        points.data = [*points.data, [9, 40, 20]]
    qtbot.wait(2 * PAUSE_MS)
    if ending != "closed":
        assert "2 tracks" in window["unsaved_label"].text()
        window.press("restore_unsaved")
        assert not window.dock.unsaved.isVisible(), "nothing else is left"
    shown.close()
    (work,) = find_unsaved()
    n_points = 3 if ending == "clicked and restored" else 0
    assert (work.n_tracks, work.n_points) == (2, n_points)
