"""The rows of the dock that offer work nobody has saved."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QMessageBox, QVBoxLayout, QWidget

from napari_cotracker.errors import CoTrackerError
from napari_cotracker.project.recovery import UnsavedWork, discard, find_unsaved
from napari_cotracker.tracks.wording import counted
from napari_cotracker.widgets.dock.controls import Sentence, button, combo, evenly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONGEST_NAME = 32  # a longer one, which has no spaces, would not fit in a line


class UnsavedPanel(QWidget):
    """Shown only while there is work of a session that ended without being saved.

    Parameters
    ----------
    restore : (Path) -> str
        Opens a project file and tells what there is left to do, if anything; raises
        :class:`CoTrackerError` if it cannot.
    on_message : (str) -> None
        Told what was done.
    on_error : (Exception) -> None
        Told why it was not.
    """

    def __init__(
        self,
        restore: Callable[[Path], str],
        on_message: Callable[[str], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        super().__init__()
        self._open = restore
        self._on_message = on_message
        self._on_error = on_error
        self._found: list[UnsavedWork] = []
        self.label = Sentence("unsaved_label")
        self.choice = combo("unsaved", "Work that was not saved, the latest first")
        self.restore = button(
            "restore_unsaved", "Restore", "Go on with it, recording and all"
        )
        self.discard = button("discard_unsaved", "Discard…", "Delete it for good")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for each in (self.label, self.choice):
            column.addWidget(each)
        column.addLayout(evenly(self.restore, self.discard))
        self.choice.currentIndexChanged.connect(self._on_chosen)
        self.restore.clicked.connect(self._on_restore)
        self.discard.clicked.connect(self._on_discard)
        self.hide()
        # Files are looked at when the dock is there already.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.look)
        self.look_soon()

    def look_soon(self) -> None:
        """Look for such work as soon as there is nothing else to do."""
        self._soon.start()

    def look(self) -> None:
        """Offer what there is."""
        self._found = find_unsaved()
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems([f"{_time(w)} {w.recording}" for w in self._found])
        self.choice.blockSignals(False)
        self.choice.setVisible(len(self._found) > 1)
        self.setVisible(bool(self._found))
        self._on_chosen()

    def refresh(self, busy: bool) -> None:
        """Offer what can be done now."""
        self.restore.setEnabled(not busy)

    # -- handlers -------------------------------------------------------------

    def _on_chosen(self, index: int = 0) -> None:
        work = self._chosen()
        if work is None:
            return
        is_file = "" if work.is_file else " Open the same data in napari first."
        self.label.setText(f"Unsaved work of {_told(work)}.{is_file}")

    def _on_restore(self) -> None:
        work = self._chosen()
        if work is None:
            return
        try:
            left = self._open(work.path)
            self._on_message(
                f"Restored {_amount(work)}. 'Save…' keeps it in a file of your own."
                f"{left}"
            )
        except CoTrackerError as error:
            self._on_error(error)
        self.look()

    def _on_discard(self) -> None:
        work = self._chosen()
        if work is None:
            return
        answer = QMessageBox.question(
            self,
            "Discard",
            f"Delete the unsaved work of {_told(work)}? It cannot be brought back.",
        )
        if answer != QMessageBox.StandardButton.Yes:
            return
        try:
            discard(work.path)
        except CoTrackerError as error:
            self._on_error(error)
        self.look()

    def _chosen(self) -> UnsavedWork | None:
        place = self.choice.currentIndex()
        return self._found[place] if 0 <= place < len(self._found) else None


def _told(work: UnsavedWork) -> str:
    name = work.recording
    if len(name) > LONGEST_NAME:
        half = LONGEST_NAME // 2
        name = f"{name[:half]}…{name[-half:]}"
    return f"{_time(work)} on {name}: {_amount(work)}"


def _time(work: UnsavedWork) -> str:
    today = work.changed.date() == datetime.now().date()
    return f"{work.changed:%H:%M}" if today else f"{work.changed:%Y-%m-%d, %H:%M}"


def _amount(work: UnsavedWork) -> str:
    parts = []
    if work.n_tracks or work.n_edits or not work.n_points:
        parts = [counted(work.n_tracks, "track"), counted(work.n_edits, "edit")]
    if work.n_points:
        parts.append(f"{counted(work.n_points, 'point')} not tracked yet")
    return ", ".join(parts)
