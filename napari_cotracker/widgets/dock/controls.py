"""The plain controls the dock is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Layer
    from qtpy.QtGui import QPaintEvent

LayerType = TypeVar("LayerType", bound="Layer")
# A line ends between words, or behind a slash.
LONG_WORD = re.compile(r"([^\s/\\]{14})[^\s/\\]+([^\s/\\]{14})")


class DropDown(QComboBox):
    """A drop-down that leaves out the middle of a text that does not fit.

    Names of layers often differ at their end only.
    """

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint as Qt does, but for the text."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        kind = QStyle.ComplexControl.CC_ComboBox
        painter, style = QStylePainter(self), self.style()
        assert style is not None
        painter.drawComplexControl(kind, option)
        if self.currentIndex() < 0:
            option.currentText = self.placeholderText()
        room = style.subControlRect(
            kind, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        option.currentText = option.fontMetrics.elidedText(
            option.currentText, Qt.TextElideMode.ElideMiddle, room.width()
        )
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


def combo(name: str, tip: str, items: Iterable[str] = ()) -> QComboBox:
    """Make a drop-down that long layer names do not widen."""
    box = DropDown()
    listed = box.view()
    assert listed is not None
    listed.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    box.setObjectName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(8)
    box.addItems(list(items))
    return box


def button(name: str, text: str, tip: str) -> QPushButton:
    """Make a push button."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(tip)
    return made


class Sentence(QLabel):
    """A text of several lines that a long word, such as a path, does not widen.

    Of a word that does not fit in a line the middle is left out; the tool tip has it.
    """

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWordWrap(True)
        self.setMinimumWidth(1)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        """Show a text."""
        self._text = text or ""
        shown = LONG_WORD.sub(r"\1…\2", self._text)
        self.setToolTip(self._text if shown != self._text else "")
        super().setText(shown)

    def text(self) -> str:
        """Return all of it."""
        return self._text


def frame_box(name: str, tip: str) -> QSpinBox:
    """Make a box for the number of a frame."""
    box = QSpinBox()
    box.setObjectName(name)
    box.setToolTip(tip)
    box.setRange(0, 0)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return box


def side_by_side(*widgets: QWidget) -> QHBoxLayout:
    """Put controls in one row; the first takes the room that is left."""
    return _row([(widget, place == 0) for place, widget in enumerate(widgets)])


def evenly(*widgets: QWidget) -> QHBoxLayout:
    """Put controls of equal width in one row."""
    return _row([(widget, True) for widget in widgets])


def _row(widgets: list[tuple[QWidget, bool]]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    for widget, grows in widgets:
        row.addWidget(widget, stretch=grows)
    return row


def refill(box: QComboBox, layers: Iterable[Layer]) -> None:
    """List layers by name, keeping the choice (also of a renamed layer).

    Where none is chosen though there were some, only one that is new is chosen.
    """
    kept = box.currentData()
    left_open = [box.itemData(k) for k in range(box.count()) if kept is None]
    box.blockSignals(True)
    box.clear()
    for layer in layers:
        box.addItem(layer.name, layer)
        if layer is kept:
            box.setCurrentIndex(box.count() - 1)
    if left_open:
        rows = range(box.count())
        new = (k for k in rows if not any(box.itemData(k) is x for x in left_open))
        box.setCurrentIndex(next(new, -1))
    box.blockSignals(False)


def chosen(box: QComboBox, layers: Sequence[LayerType]) -> LayerType | None:
    """Return the layer a drop-down shows, if it is still there."""
    data = box.currentData()
    return next((layer for layer in layers if layer is data), None)
