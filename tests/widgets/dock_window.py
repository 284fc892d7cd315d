"""The dock in a shown viewer, used as a person uses it."""

from canvas import Canvas
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_cotracker.widgets.dock.point_tracker import PointTracker

SEEDS = [(2, 15, 20), (6, 30, 50)]
NONE = Qt.KeyboardModifier.NoModifier


class Window:
    """A shown viewer with the dock."""

    def __init__(self, viewer, engine, qtbot):
        self.viewer, self.qtbot = viewer, qtbot
        self.dock = PointTracker(viewer, engine)
        self.holder = viewer.window.add_dock_widget(self.dock, name="Point tracker")

    def __getitem__(self, name):
        return self.dock.findChild(QWidget, name)

    def press(self, name):
        assert self[name].isEnabled(), name
        QTest.mouseClick(self[name], Qt.MouseButton.LeftButton)

    def wait(self, condition):
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=20_000)

    def idle(self):
        self.wait(self["run"].isEnabled)

    @property
    def canvas(self):
        return Canvas(self.viewer)

    def place_points(self, image, where):
        """Click points given as (t, y, x)."""
        self.press("new_points")
        for t, y, x in where:
            self.viewer.dims.set_current_step(0, t)
            self.canvas.click(image, y, x)


class Desk(Window):
    """A window with a tracked clip, the tracked layer chosen."""

    def __init__(self, viewer, recorder, qtbot, clip):
        super().__init__(viewer, recorder.engine, qtbot)
        self.recorder = recorder
        self.image = viewer.add_image(clip, name="clip")
        self.place_points(self.image, SEEDS)
        self.user = viewer.layers["clip points"]
        self.placed = self.user.data.copy()
        self.press("run")
        self.idle()
        self.tracked = viewer.layers["clip tracked"]
        viewer.layers.selection.active = self.tracked

    @property
    def session(self):
        return self.dock.controller.session_of(self.image)

    @property
    def tracks(self):
        return self.session.document.tracks

    def place_of(self, frame, column):
        """(y, x) of a point, its frame in view."""
        self.viewer.dims.set_current_step(0, frame)
        return self.tracks.xy[frame, column, ::-1].copy()

    def drag(self, frame, column, by_yx):
        start = self.place_of(frame, column)
        self.canvas.drag(self.tracked, start, start + by_yx)

    def click(self, frame, column):
        self.canvas.click(self.tracked, *self.place_of(frame, column))
        self.wait(lambda: len(self.tracked.selected_data) == 1)

    def key(self, key, modifier=NONE):
        QTest.keyClick(self.canvas.native, key, modifier)

    def act(self, name):
        self.dock.findChild(QAction, name).trigger()

    def quiet(self):
        self.wait(lambda: not self.dock.runner.busy)
