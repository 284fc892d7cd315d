"""Rows that do not fit the height of a window."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget


class Scrolling(QScrollArea):
    """Scrolls its content up and down; it is never narrower than the content."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:
        """Return a size that shows everything."""
        return self._beside_bar(self._content.sizeHint())

    def minimumSizeHint(self) -> QSize:
        """Return the whole width, and a height to scroll in."""
        width = self._beside_bar(self._content.minimumSizeHint()).width()
        return QSize(width, super().minimumSizeHint().height())

    @property
    def _content(self) -> QWidget:
        content = self.widget()
        assert content is not None
        return content

    def _beside_bar(self, size: QSize) -> QSize:
        bar = self.verticalScrollBar()
        assert bar is not None
        return QSize(size.width() + bar.sizeHint().width(), size.height())
