"""What a person does while the dock is closed, and a dock that comes after it."""

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
