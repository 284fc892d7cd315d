"""The dock in the real viewer, used with a real mouse (needs a display or Xvfb)."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from dock_window import Window
from napari.utils.notifications import notification_manager
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QSpinBox

from napari_cotracker.project.point_edits import place_points
from napari_cotracker.widgets.runs.runner import MIN_INTERVAL_MS

CONTROLS = (
    "image_layer points_layer new_points model device direction first_frame "
    "last_frame run cancel progress undo redo export"
).split()
VELOCITY_YX = np.array([0.25, 0.5])


@pytest.fixture
def window(make_napari_viewer, recorder, qtbot):
    viewer = make_napari_viewer(show=True)
    qtbot.waitExposed(viewer.window._qt_window)
    return Window(viewer, recorder.engine, qtbot)


def test_every_control_is_named(window):
    for name in CONTROLS:
        assert window[name] is not None, name
    assert isinstance(window["image_layer"], QComboBox)
    assert isinstance(window["run"], QPushButton)
    assert isinstance(window["first_frame"], QSpinBox)
    assert window["device"].currentText() == "auto"
    assert window["model"].currentText() == "compact"
    assert not window["cancel"].isEnabled()


def test_from_clip_to_corrected_tracks_with_the_mouse(
    window, recorder, clip, tmp_path, monkeypatch
):
    image = window.viewer.add_image(clip, name="clip", scale=(1, 0.5, 0.5))
    assert window["last_frame"].value() == 19
    seeds = [(2, 15, 20), (6, 30, 50)]
    window.place_points(image, seeds)
    user = window.viewer.layers["clip points"]
    assert np.allclose(user.data, seeds, atol=0.3)
    before = user.data.copy()

    recorder.gates = threading.Semaphore(2)
    window.press("run")
    window.wait(lambda: "clip tracked" in window.viewer.layers)
    assert not window["run"].isEnabled() and window["cancel"].isEnabled()
    window.wait(lambda: window["progress"].value() == 2)
    assert window["progress"].maximum() == 5
    window.wait(lambda: len(window.viewer.layers["clip tracked"].data) == 16)
    recorder.gates.release(9)
    window.idle()

    tracked = window.viewer.layers["clip tracked"]
    assert f"select the layer '{tracked.name}'" in window.dock.status.text()
    assert len(tracked.data) == len(window.viewer.layers["clip trails"].data) == 40
    for track_id, (t, y, x) in enumerate(before):
        rows = tracked.data[(tracked.features["track_id"] == track_id).to_numpy()]
        wanted = (y, x) + (rows[:, :1] - t) * VELOCITY_YX
        assert np.allclose(rows[:, 1:], wanted, atol=1e-4)
    assert np.array_equal(user.data, before)

    window.viewer.layers.selection.active = tracked
    window.viewer.dims.set_current_step(0, 10)
    row = np.flatnonzero(tracked.data[:, 0] == 10)[0]
    start = tracked.data[row, 1:].copy()
    goal = start + np.array([9, 13])
    window.canvas.drag(tracked, start, goal)
    session = window.dock.controller.session_of(image)
    window.wait(lambda: window["undo"].isEnabled())
    assert np.allclose(session.document.tracks.xy[10, 0], goal[::-1], atol=1)
    assert np.array_equal(user.data, before)
    trails = window.viewer.layers["clip trails"].data
    at = (trails[:, 0] == 0) & (trails[:, 1] == 10)
    assert np.array_equal(trails[at][0, 2:], tracked.data[row, 1:])
    window.press("undo")
    assert np.array_equal(tracked.data[row, 1:], start)
    window.press("redo")
    assert not np.array_equal(tracked.data[row, 1:], start)
    edited = tracked.data[row].copy()

    recorder.gates = threading.Semaphore(2)
    window.press("run")
    window.wait(lambda: window["progress"].value() == 2)
    window.press("cancel")
    recorder.gates.release(1)
    window.idle()
    assert window.dock.status.text() == "Cancelled; what was finished is shown."
    assert recorder.windows <= 5 + 3
    window.wait(recorder.closed.is_set)
    assert len(recorder.calls[-1]["queries"]) == 3
    assert edited.tolist() in tracked.data.tolist()
    assert len(tracked.data) == 40

    path = tmp_path / "tracks"
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getSaveFileName", lambda *a, **k: (str(path), "")
    )
    window.press("export")
    assert path.with_suffix(".csv").exists()


@pytest.mark.parametrize(
    "error", [RuntimeError("no kernel image"), ValueError("bad"), KeyError("x")]
)
def test_an_error_of_the_worker_is_shown_and_frees_run(window, recorder, clip, error):
    image = window.viewer.add_image(clip, name="clip")
    window.place_points(image, [(2, 15, 20)])
    recorder.error = error
    window.press("run")
    window.wait(lambda: not window["run"].isEnabled())
    window.idle()
    assert error.args[0] in notification_manager.records[-1].message
    assert error.args[0] in window.dock.status.text()
    assert not window["cancel"].isEnabled()
    assert len(window.viewer.layers["clip tracked"].data) == 4  # the finished window
    recorder.error = None
    window.press("run")
    window.idle()
    assert len(window.viewer.layers["clip tracked"].data) == 20


def test_a_run_whose_image_is_removed_stops_and_says_so(window, recorder, clip):
    image = window.viewer.add_image(clip, name="clip")
    window.place_points(image, [(2, 15, 20)])
    recorder.gates = threading.Semaphore(1)
    window.press("run")
    window.wait(lambda: window["progress"].value() == 1)
    window.viewer.layers.remove(image)
    window.qtbot.wait(2 * MIN_INTERVAL_MS)
    assert [layer.name for layer in window.viewer.layers] == ["clip points"]
    recorder.gates.release(9)
    window.idle()
    assert "its image or results were removed" in window.dock.status.text()
    assert recorder.windows == 2


def test_the_path_of_a_checkpoint_can_be_typed(window, recorder, clip):
    image = window.viewer.add_image(clip, name="clip")
    window.place_points(image, [(2, 15, 20)])
    window["model"].setFocus()
    window["model"].lineEdit().selectAll()
    QTest.keyClicks(window["model"].lineEdit(), "/weights/own.pth")
    window.press("run")
    window.idle()
    assert recorder.loaded == [("/weights/own.pth", "auto")]


def test_bad_input_is_said_in_a_sentence(window, clip):
    window.press("run")
    assert "No image is chosen" in notification_manager.records[-1].message
    window.viewer.add_image(clip, name="clip")
    window.press("run")
    assert "press 'New points'" in window.dock.status.text()
    assert window["run"].isEnabled()


def test_no_line_of_what_is_said_is_cut_off(window, clip, recorder):
    name = "20261123_mouse12_camera_left_side_" * 3
    image = window.viewer.add_image(clip, name=name)
    points = window.viewer.add_points([[3, 10, 20]], features={"name": [name]})
    window["points_layer"].setCurrentText(points.name)
    window.press("run")
    window.idle()
    session = window.dock.controller.session_of(image)
    session.edit(lambda document: place_points(document, 9, 0, (70, 50)))
    window.wait(lambda: not window.dock.runner.busy)
    window.press("next_review")
    recorder.error = ValueError(f"/data/{name}/{name}.tif")
    window.press("run")
    window.idle()
    for label, said in (("review_label", name), ("status", str(recorder.error))):
        assert said in window[label].text()
        assert said in window[label].toolTip()
        words = QLabel.text(window[label]).replace("/", "/ ").split()
        widths = map(window[label].fontMetrics().horizontalAdvance, words)
        assert max(widths) < window[label].width(), label


def test_no_number_of_a_frame_is_cut_off(window, clip):
    window.viewer.window._qt_window.resize(1000, 600)
    window.viewer.add_image(np.broadcast_to(clip[0], (200_000, 60, 80)))
    for first, last in (("first_frame", "last_frame"), ("span_first", "span_last")):
        window[first].setValue(199_999)
        for box in (window[first], window[last]):
            line = box.lineEdit()
            needed = line.fontMetrics().horizontalAdvance("199999")
            window.wait(lambda line=line, needed=needed: line.width() >= needed)


def test_layers_that_come_and_go_are_listed(window, clip):
    a = window.viewer.add_image(clip, name="a")
    window.viewer.add_image(clip[:7], name="b")
    box = window["image_layer"]
    assert [box.itemText(i) for i in range(box.count())] == ["a", "b"]
    box.setCurrentText("b")
    assert window["last_frame"].value() == 6
    a.name = "c"
    assert [box.itemText(i) for i in range(box.count())] == ["c", "b"]
    assert box.currentText() == "b"
    window.viewer.layers.remove("b")
    assert box.currentText() == "c"
    assert window["last_frame"].value() == 19


def test_every_image_has_its_own_points(window, recorder, clip):
    a = window.viewer.add_image(clip, name="a")
    b = window.viewer.add_image(clip[::-1], name="b")
    window.place_points(a, [(2, 15, 20), (6, 30, 50)])
    window["image_layer"].setCurrentText("b")
    assert window["points_layer"].currentText() == ""
    window.press("run")
    assert "press 'New points'" in window.dock.status.text()
    window.place_points(b, [(3, 20, 20)])
    window["image_layer"].setCurrentText("a")
    assert window["points_layer"].currentText() == "a points"
    window.press("run")
    window.idle()
    assert len(recorder.calls[-1]["queries"]) == 2
    window["image_layer"].setCurrentText("b")
    assert window["points_layer"].currentText() == "b points"
    window.press("run")
    window.idle()
    assert len(recorder.calls[-1]["queries"]) == 1
    session = window.dock.controller.session_of(b)
    assert session.memory.not_read == ()


def test_points_that_are_of_no_image_yet_stay_chosen(window, clip):
    window.viewer.add_image(clip, name="a")
    window.viewer.add_image(clip[::-1], name="b")
    window.press("new_points")
    window["image_layer"].setCurrentText("b")
    assert window["points_layer"].currentText() == "a points"


@pytest.mark.parametrize("how", ["viewer", "dock"])
def test_closing_while_tracking_stops_the_worker(
    window, recorder, clip, how, qtbot, capsys
):
    image = window.viewer.add_image(clip, name="clip")
    window.place_points(image, [(2, 15, 20)])
    recorder.gates = threading.Semaphore(1)
    window.press("run")
    window.wait(lambda: recorder.windows == 1)
    if how == "dock":
        window.holder.destroyOnClose()  # what its x does
    else:
        window.viewer.close()
    for _ in range(5):
        qtbot.wait(20)
    recorder.gates.release(1)
    qtbot.waitUntil(recorder.closed.is_set, timeout=5000)
    assert recorder.windows <= 2


def test_a_dock_opened_again_goes_on_with_the_results(window, recorder, clip):
    image = window.viewer.add_image(clip, name="clip")
    window.place_points(image, [(2, 15, 20)])
    window.press("run")
    window.idle()
    old = window.dock
    window.holder.destroyOnClose()  # what its x does
    again = Window(window.viewer, recorder.engine, window.qtbot)
    tracked = window.viewer.layers["clip tracked"]
    data = tracked.data.copy()
    data[7, 1:] = 30, 40
    tracked.data = data
    session = again.dock.controller.session_of(image)
    again.wait(again["undo"].isEnabled)
    assert old.controller.session_of(image) is None
    assert session.document.tracks.xy[7, 0].tolist() == [40, 30]
    again.press("undo")
    assert tracked.data[7, 1:].tolist() != [30, 40]


def test_neither_discovery_nor_the_dock_imports_torch(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from npe2 import PluginManifest\n"
        "PluginManifest.from_distribution('napari-cotracker')\n"
        "from napari_cotracker.widgets.dock.point_tracker import PointTracker\n"
        "from napari.components import ViewerModel\n"
        "from qtpy.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "viewer = ViewerModel()\n"
        "dock = PointTracker(viewer)\n"
        "viewer.add_image(np.zeros((3, 9, 9)))\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_frames_that_were_chosen_belong_to_one_recording(window, clip):
    def frames():
        return [window[name].value() for name in names]

    names = "first_frame", "last_frame", "span_first", "span_last"
    window.viewer.add_image(clip, name="a")
    window.viewer.add_image(clip[:12], name="b")
    for name, frame in zip(names, (3, 8, 4, 6), strict=True):
        window[name].setValue(frame)
    window["image_layer"].setCurrentText("b")
    assert frames() == [0, 11, 0, 11], "all of it"
    window["first_frame"].setValue(2)
    window["image_layer"].setCurrentText("a")
    assert frames() == [3, 8, 4, 6], "as it was chosen for this one"
    window.viewer.layers.remove("a")
    assert frames() == [2, 11, 0, 11]
    window.viewer.layers["b"].data = clip
    window["image_layer"].setCurrentIndex(0)
    window.viewer.layers["b"].name = "c"
    assert frames() == [2, 19, 0, 19], "to the end is to the end"


def test_long_names_that_only_end_differently_can_be_told_apart(window, clip):
    image = window.viewer.add_image(clip, name="2026-11-23_mouse12_camera_left_45")
    window.place_points(image, [(2, 15, 20)])
    shown = [window[name].grab().toImage() for name in ("image_layer", "points_layer")]
    assert shown[0].size() == shown[1].size()
    assert shown[0] != shown[1]
