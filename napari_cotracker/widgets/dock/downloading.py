"""Published networks that are not here yet: their licence first, then the download."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QMessageBox, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.weights import ModelRecord
    from napari_cotracker.widgets.engine import Engine

LICENCE_TEXT = "https://creativecommons.org/licenses/by-nc/4.0/"
SHOW_EVERY_MS = 100
BYTES_PER_PARAMETER = 4


class _CancelledError(Exception):
    """A person does not want the file any more."""


class Downloading:
    """Asks for acceptance of a licence and fetches weights in a worker.

    Parameters
    ----------
    parent : QWidget
        The question stands over it.
    engine : Engine
    on_progress : (bytes here, bytes in all) -> None
    on_error : (Exception) -> None
    on_end : (bool) -> None
        Told at the end whether the weights are here now.
    """

    def __init__(
        self,
        parent: QWidget,
        engine: Engine,
        on_progress: Callable[[int, int], None],
        on_error: Callable[[Exception], None],
        on_end: Callable[[bool], None],
    ) -> None:
        self._parent = parent
        self._engine = engine
        self._on_progress = on_progress
        self._on_error = on_error
        self._on_end = on_end
        self._worker: Any = None
        self._stop = Event()
        self._arrived = (0, 0)
        self._failure: Exception | None = None
        self._timer = QTimer(parent)
        self._timer.setInterval(SHOW_EVERY_MS)
        self._timer.timeout.connect(lambda: self._on_progress(*self._arrived))

    @property
    def busy(self) -> bool:
        """Whether a download is on its way."""
        return self._worker is not None

    @property
    def cancelled(self) -> bool:
        """Whether the latest one was cancelled, or is about to stop."""
        return self._stop.is_set()

    def begin(self, name: str) -> bool:
        """Ask, and download if the licence is accepted; False if it is not."""
        record = self._engine.missing_model(name)
        if record is None or not self._accepted(record):
            return False
        self._stop = Event()
        self._arrived, self._failure = (0, 0), None
        worker: Any = create_worker(
            self._fetch, name, _start_thread=False, _ignore_errors=True
        )
        worker.returned.connect(self._returned)
        self._worker = worker
        worker.start()
        self._timer.start()
        return True

    def cancel(self) -> None:
        """Stop soon; what has arrived is kept for the next try."""
        self._stop.set()

    def leave(self) -> None:
        """Stop, and tell nobody any more."""
        self.cancel()
        self._worker = None

    def _accepted(self, record: ModelRecord) -> bool:
        size = record.parameters * BYTES_PER_PARAMETER / 1e6
        answer = QMessageBox.question(
            self._parent,
            f"Licence of {record.name}",
            f"The weights of {record.name} were published by their authors under "
            f"{record.licence}: free to use with credit to them, but not "
            f"commercially ({LICENCE_TEXT}).\n\nDo you accept this licence and want "
            f"to download about {size:.0f} MB from\n{record.origin}?",
        )
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _fetch(self, name: str) -> bool:
        """Download in the worker; False if it was cancelled."""

        def arrived(done: int, total: int) -> None:
            self._arrived = (done, total)
            if self._stop.is_set():
                raise _CancelledError

        try:
            self._engine.download(name, arrived)
        except Exception as error:
            # Not raised: with PySide6 napari's own slot for a failed worker fails.
            if not self._stop.is_set():
                self._failure = error
            return False
        return True

    def _returned(self, whole: bool) -> None:
        if self._worker is None:
            return
        if self._failure is not None:
            self._on_error(self._failure)
        self._worker = None
        self._timer.stop()
        self._on_end(whole)
