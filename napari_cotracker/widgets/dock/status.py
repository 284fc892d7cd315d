"""The line of the dock that answers a person."""

from __future__ import annotations

from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import Qt

from napari_cotracker.errors import CoTrackerError
from napari_cotracker.widgets.dock.controls import Sentence

WELCOME = (
    "Open a recording, press 'New points', click on what you want to follow on any "
    "frame, then press Run."
)
MARGIN = 9  # px


class Status(Sentence):
    """Says what came of the latest action; trouble stays until the next one."""

    def __init__(self) -> None:
        super().__init__("status", WELCOME)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setMargin(MARGIN)
        self._is_trouble = False
        self._warning = ""

    def answer(self, text: str) -> None:
        """Say what a person has just done, and what was to be warned of by the way."""
        if text:
            self._is_trouble = bool(self._warning)
            self.setText(f"{text} {self._warning}".strip())
            self._warning = ""

    def report(self, text: str) -> None:
        """Say what has come of something that took time, unless there is trouble."""
        if text and not self._is_trouble:
            self.setText(text)

    def complain(self, error: Exception) -> None:
        """Say what went wrong."""
        text = str(error) or type(error).__name__
        if not isinstance(error, CoTrackerError):
            text = f"{type(error).__name__}: {text}"
        self._is_trouble = True
        self.setText(text)
        show_error(text)

    def warn(self, text: str) -> None:
        """Say what a person has to know, now and with the answer to come."""
        self._is_trouble, self._warning = True, text
        self.setText(text)
        show_warning(text)
