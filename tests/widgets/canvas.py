"""Real mouse input on napari's canvas; only here are its private parts touched."""

from __future__ import annotations

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest


class Canvas:
    """Clicks and drags at data positions of a layer."""

    def __init__(self, viewer) -> None:
        self._viewer = viewer
        self._canvas = viewer.window._qt_viewer.canvas
        self.native = self._canvas.native

    def at(self, layer, y: float, x: float) -> QPoint:
        """Pixel of the canvas where a position of a layer is drawn."""
        world = layer.data_to_world((*([0] * (layer.ndim - 2)), y, x))
        place = self._canvas.view.scene.transform.map((world[-1], world[-2]))
        return QPoint(round(place[0]), round(place[1]))

    def click(self, layer, y: float, x: float) -> None:
        where = self.at(layer, y, x)
        QTest.mouseMove(self.native, where)
        QTest.mouseClick(
            self.native,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            where,
        )

    def drag(self, layer, start, end, steps: int = 4) -> None:
        a, b = self.at(layer, *start), self.at(layer, *end)
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseMove(self.native, a)
        QTest.mousePress(self.native, left, none, a)
        for step in range(1, steps + 1):
            # QTest moves without buttons; the held one must be in the event
            _move_held(self.native, a + (b - a) * step / steps)
            QTest.qWait(20)  # vispy drops moves that come within 10 ms
        QTest.mouseRelease(self.native, left, none, b)


def _move_held(widget, where: QPoint) -> None:
    from qtpy.QtCore import QEvent, QPointF
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(where),
        QPointF(widget.mapToGlobal(where)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)
