"""The row of the dock that starts and stops, and shows how far it got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QProgressBar, QVBoxLayout

from napari_cotracker.widgets.dock.controls import button, evenly

if TYPE_CHECKING:
    from napari_cotracker.tracking import Progress


class RunRow(QVBoxLayout):
    """Run, Cancel and the progress of a run or of a download."""

    def __init__(self) -> None:
        super().__init__()
        self.run = button("run", "Run", "Track the points through the recording")
        self.cancel = button("cancel", "Cancel", "Stop; what is finished stays")
        self._progress = QProgressBar()
        self._progress.setObjectName("progress")
        self.addLayout(evenly(self.run, self.cancel))
        self.addWidget(self._progress)
        self.show_nothing()

    @property
    def is_waiting(self) -> bool:
        """Whether nothing of what began has arrived yet."""
        return self._progress.maximum() == 0

    def show_nothing(self) -> None:
        """Be empty."""
        self._progress.setRange(0, 1)
        self._progress.reset()

    def show_waiting(self) -> None:
        """Move without a number, as long as none is known."""
        self._progress.setRange(0, 0)

    def show_windows(self, progress: Progress) -> None:
        """Show how many windows are tracked, and which frames the latest one has."""
        first, last = progress.span
        self._progress.setFormat(f"%v of %m windows, frames {first} to {last}")
        self._progress.setRange(0, progress.total)
        self._progress.setValue(progress.done)

    def show_bytes(self, done: int, total: int) -> None:
        """Show how much has arrived; ``total`` is 0 while that is not known."""
        if total:
            self._progress.setFormat(f"%p % of {total / 1e6:.0f} MB")
            self._progress.setRange(0, total // 1000)
            self._progress.setValue(done // 1000)
