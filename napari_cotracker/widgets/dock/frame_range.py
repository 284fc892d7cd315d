"""A first and a last frame, chosen for each recording by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from qtpy.QtWidgets import QHBoxLayout, QLabel

from napari_cotracker.widgets.dock.controls import frame_box

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image


class FrameRange(QHBoxLayout):
    """Two boxes, equally wide; what is chosen cuts no other recording.

    Parameters
    ----------
    first, last : (name, tip)
        Of the boxes.
    """

    def __init__(self, first: tuple[str, str], last: tuple[str, str]) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self.first, self.last = frame_box(*first), frame_box(*last)
        self.addWidget(self.first, stretch=1)
        self.addWidget(QLabel("to"))
        self.addWidget(self.last, stretch=1)
        self._image: Callable[[], Image | None] = lambda: None
        # The last frame is None where it is that of the recording, however long it is.
        self._chosen: WeakKeyDictionary[Image, tuple[int, int | None]] = (
            WeakKeyDictionary()
        )

    @property
    def values(self) -> tuple[int, int]:
        """The frames that are shown."""
        return self.first.value(), self.last.value()

    def choose(self, first: int, last: int) -> None:
        """Show these frames."""
        self.first.setValue(first)
        self.last.setValue(last)

    def show_for(self, image: Image | None, final: int) -> None:
        """Show what was chosen for an image, all its frames 0 to ``final`` at first."""
        before = self._image()
        if before is not None:
            open_end = self.last.value() == self.last.maximum()
            self._chosen[before] = (
                self.first.value(),
                None if open_end else self.last.value(),
            )
        first, last = (0, None) if image is None else self._chosen.get(image, (0, None))
        for box in (self.first, self.last):
            box.setMaximum(final)
        self.choose(first, final if last is None else last)
        self._image = (lambda: None) if image is None else ref(image)
