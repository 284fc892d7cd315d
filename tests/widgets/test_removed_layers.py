"""Two recordings in one viewer, and layers that go: nothing gets mixed up."""

import numpy as np
import pytest
from dock_window import Window

from napari_cotracker.project.recovery import find_unsaved
from napari_cotracker.widgets.dock.point_tracker import PAUSE_MS

A_SEEDS = [(0, 20, 30), (5, 30, 40)]
B_SEEDS = [(1, 12, 15), (6, 45, 50)]


@pytest.fixture
def window(make_napari_viewer, recorder, qtbot, clip):
    """The recordings a and b, each tracked from its own points; b is chosen."""
    viewer = make_napari_viewer(show=True)
    qtbot.waitExposed(viewer.window._qt_window)
    made = Window(viewer, recorder.engine, qtbot)
    for name, data, seeds in (("a", clip, A_SEEDS), ("b", clip[::-1], B_SEEDS)):
        image = viewer.add_image(data, name=name)
        made["image_layer"].setCurrentText(name)
        made.place_points(image, seeds)
        made.press("run")
        made.idle()
    return made


@pytest.mark.parametrize(
    ("removed", "image", "points"), [("b", "a", "a points"), ("b points", "b", "")]
)
def test_no_points_of_another_recording_are_chosen(window, removed, image, points):
    window.viewer.layers.remove(removed)
    assert window["image_layer"].currentText() == image
    assert window["points_layer"].currentText() == points
    window.press("run")
    window.idle()
    session = window.dock.controller.session_of(window.viewer.layers[image])
    assert session.document.tracks.n_tracks == 2


def test_points_of_a_recording_that_is_gone_wait_for_another(window, clip):
    window["image_layer"].setCurrentText("a")
    for name in ("a", "b"):
        window.viewer.layers.remove(name)
    window.viewer.layers.remove("a points")
    image = window.viewer.add_image(clip, name="again")
    assert window["points_layer"].currentText() == "b points"
    window.press("run")
    window.idle()
    session = window.dock.controller.session_of(image)
    assert session.document.tracks.n_tracks == 2


@pytest.mark.parametrize(
    "order",
    [
        [],  # closed with all of them
        # Points of a recording that is gone are next in line for the other one.
        ["b", "a points", "b points", "a", "a tracked", "b tracked"],
        ["a points", "b", "a tracked", "a", "b tracked", "b points"],
        ["b tracked", "a", "b points", "b", "a tracked", "a points"],
    ],
)
def test_what_is_left_of_two_recordings_is_what_was_done(window, qtbot, order):
    qtbot.wait(2 * PAUSE_MS)
    for name in order:
        window.viewer.layers.remove(name)
    qtbot.wait(2 * PAUSE_MS)
    window.viewer.close()
    left = {(w.recording, w.n_tracks, w.n_points) for w in find_unsaved()}
    assert left == {("a", 2, 0), ("b", 2, 0)}


def test_points_of_a_recording_that_is_gone_cannot_be_dragged(desk):
    start = desk.place_of(12, 1)
    before = desk.tracked.data.copy()
    desk.viewer.layers.remove(desk.image)
    desk.canvas.drag(desk.tracked, start, start + 8)
    assert np.array_equal(desk.tracked.data, before), "nobody would keep it"
