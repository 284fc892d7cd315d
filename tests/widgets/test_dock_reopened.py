"""What a person does while the dock is closed, and a dock that comes after it."""

import threading

import numpy as np
from dock_window import Window


def test_a_point_dragged_while_the_dock_is_closed_is_a_correction(desk):
    before = desk.tracks
    start = desk.place_of(12, 1)
    goal = start + np.array([8, 6])
    desk.holder.destroyOnClose()  # what its x does
    desk.qtbot.wait(200)  # the canvas takes its room
    desk.canvas.drag(desk.tracked, start, goal)
    again = Window(desk.viewer, desk.recorder.engine, desk.qtbot)
    assert again.dock.status.text() == (
        "There are 2 tracks of 'clip'. To correct a point, select the layer "
        "'clip tracked' and drag it."
    )
    again.wait(again["undo"].isEnabled)
    again.wait(lambda: not again.dock.runner.busy)
    tracks = again.dock.controller.session_of(desk.image).document.tracks
    assert np.allclose(tracks.xy[12, 1, ::-1], goal, atol=1)
    assert np.array_equal(tracks.xy[:7, 1], before.xy[:7, 1])
    assert desk.recorder.renewals[-1]["focus_frame"] == 12
    again.press("undo")
    again.wait(lambda: not again.dock.runner.busy)
    tracks = again.dock.controller.session_of(desk.image).document.tracks
    assert np.array_equal(tracks.xy, before.xy)


def test_what_was_being_tracked_again_goes_on_in_the_next_dock(desk):
    gates = desk.recorder.gates = threading.Semaphore(0)
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: desk.recorder.renewals)
    desk.holder.destroyOnClose()  # what its x does
    gates.release(50)
    again = Window(desk.viewer, desk.recorder.engine, desk.qtbot)
    again.wait(lambda: len(desk.recorder.renewals) == 2)
    again.wait(lambda: not again.dock.runner.busy)
    session = again.dock.controller.session_of(desk.image)
    assert session.memory.stale == ()
    assert np.allclose(np.diff(session.document.tracks.xy[12:, 1, 0]), 0.5)


def test_what_was_being_tracked_again_goes_on_when_the_project_is_opened(
    desk, clip, tmp_path, monkeypatch, make_napari_viewer
):
    path = str(tmp_path / "mine.ctk")
    for ask in ("getSaveFileName", "getOpenFileName"):
        monkeypatch.setattr(f"qtpy.QtWidgets.QFileDialog.{ask}", lambda *a: (path, ""))
    desk.press("save_project")
    gates = desk.recorder.gates = threading.Semaphore(0)
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: desk.recorder.renewals)
    desk.viewer.close()
    gates.release(50)
    viewer = make_napari_viewer(show=True)
    again = Window(viewer, desk.recorder.engine, desk.qtbot)
    viewer.add_image(clip, name="clip")
    again.press("open_project")
    again.wait(lambda: len(desk.recorder.renewals) == 2)
    again.wait(lambda: not again.dock.runner.busy)
    assert "is open" in again.dock.status.text()
    (session,) = again.dock.controller.sessions()
    assert np.allclose(np.diff(session.document.tracks.xy[12:, 1, 0]), 0.5)
