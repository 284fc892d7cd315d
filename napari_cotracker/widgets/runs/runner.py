"""A run in napari's worker thread; its results are shown a few times a second."""

from __future__ import annotations

from enum import Enum, auto
from time import perf_counter
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QTimer

from napari_cotracker.errors import CoTrackerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.tracking import Progress
    from napari_cotracker.widgets.engine import Steps
    from napari_cotracker.widgets.runs.controller import TrackingController
    from napari_cotracker.widgets.session.run import Run
    from napari_cotracker.widgets.session.session import Session

MIN_INTERVAL_MS = 150
# Showing results may take this part of the GUI thread's time at most.
SHOW_SHARE = 0.1


class Ending(Enum):
    """How a run came to its end."""

    COMPLETE = auto()
    CANCELLED = auto()  # by the person
    SUPERSEDED = auto()  # it made room for a newer renewal
    ABANDONED = auto()  # what it was for has been removed
    FAILED = auto()


class Runner:
    """Drives one run at a time; its callbacks come on the GUI thread.

    Parameters
    ----------
    controller : TrackingController
    on_progress : (Progress) -> None
        After every window.
    on_error : (Exception) -> None
        Before ``on_end``, if the run failed.
    on_end : (run, ending) -> None
        The run is over.
    """

    def __init__(
        self,
        controller: TrackingController,
        on_progress: Callable[[Progress], None],
        on_error: Callable[[Exception], None],
        on_end: Callable[[Run, Ending], None],
    ) -> None:
        self._controller = controller
        self._on_progress = on_progress
        self._on_error = on_error
        self._on_end = on_end
        self._worker: Any = None
        self._failed: list[Exception] = []
        self._run: Run | None = None
        self._latest: Progress | None = None
        self._taken: Progress | None = None
        self._complete = False
        self._cause = Ending.FAILED  # if it is not complete
        self._interval_ms = MIN_INTERVAL_MS
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._show)

    @property
    def busy(self) -> bool:
        """Whether a worker is on its way."""
        return self._worker is not None

    @property
    def renewing(self) -> bool:
        """Whether it renews what edits made stale, and may be interrupted for more."""
        return self._run is not None and not self._run.is_whole

    @property
    def cancelled(self) -> bool:
        """Whether it stops because the person wants that, and nothing else since."""
        stops = self._worker is not None and self._worker.abort_requested
        return bool(stops) and self._cause is Ending.CANCELLED

    def start(self, run: Run) -> None:
        """Track in a worker thread."""
        self._run, self._latest, self._complete = run, None, False
        self._cause = Ending.FAILED
        steps = self._controller.steps(run)

        failed: list[Exception] = []

        def iterate() -> Steps:
            try:
                return (yield from steps)
            except Exception as error:
                # Not raised: with PySide6 napari's own slot for a failed worker fails.
                failed.append(error)
                return None

        worker: Any = create_worker(iterate, _start_thread=False, _ignore_errors=True)
        worker.yielded.connect(self._yielded)
        worker.returned.connect(self._returned)
        worker.finished.connect(self._finished)
        # A generator that was left is closed only when collected; this frees the
        # memory of the engine at once.
        worker.aborted.connect(steps.close)
        self._worker, self._failed = worker, failed
        worker.start()

    def renew(self, session: Session) -> None:
        """Track again what edits made stale.

        An older renewal makes room after the window it is in, and so does a run that
        stops anyway; a run over everything does not, and it is for whoever hears of its
        end to ask again.
        """
        try:
            if self.renewing or self.cancelled:
                self.stop_for(Ending.SUPERSEDED)
            elif self._run is None:
                run = self._controller.retrack(session)
                if run is not None:
                    self.start(run)
        except CoTrackerError as error:
            self._on_error(error)

    def stop_for(self, cause: Ending) -> None:
        """Ask the run to stop after the window it is in; the latest cause counts."""
        if self._worker is not None:
            self._cause = cause
            self._worker.quit()

    def stop(self, *, for_good: bool = False) -> None:
        """Leave the run: nothing it still delivers is taken.

        Parameters
        ----------
        for_good : bool
            Nobody will go on with the layers.
        """
        self.stop_for(Ending.ABANDONED)
        if self._run is not None and self._latest is not None:
            self._take_latest()
        self._worker = self._run = None
        # The timer is left alone: Qt may have deleted it by now.
        self._controller.close(for_good=for_good)

    def _yielded(self, progress: Progress) -> None:
        if self._worker is None or self._run is None:
            return
        self._latest = progress
        self._on_progress(progress)
        if self._run.session.project is not None:
            self._take_latest()  # what is finished is on disk at once
        if not self._timer.isActive():
            self._timer.start(self._interval_ms)

    def _show(self) -> None:
        if self._worker is None or self._run is None:
            return
        if self._run is not self._controller.run:
            return  # abandoned; its layers would be added anew
        began = perf_counter()
        self._take_latest()
        self._run.session.read_layer()  # an edit, if the window was taken before it
        self._run.session.show(at_once=False)
        spent_ms = 1000 * (perf_counter() - began)
        self._interval_ms = max(MIN_INTERVAL_MS, int(spent_ms / SHOW_SHARE))

    def _take_latest(self) -> None:
        """Take over the latest window, once."""
        run, progress = self._run, self._latest
        if run is None or progress is None or progress is self._taken:
            return
        self._taken = progress
        try:
            self._controller.receive(run, progress)
        except CoTrackerError as error:
            self._on_error(error)
            self.stop_for(Ending.FAILED)

    def _returned(self, _: object) -> None:
        self._complete = not self._failed

    def _finished(self) -> None:
        if self._worker is None or self._run is None:
            return
        run, self._worker, self._run = self._run, None, None
        self._timer.stop()
        ending = Ending.FAILED
        try:
            ending = self._end(run)
        finally:  # whatever happens, the next run must be possible
            self._on_end(run, ending)

    def _end(self, run: Run) -> Ending:
        """Keep what a run has found, and tell what it failed of."""
        ending = Ending.COMPLETE if self._complete else self._cause
        try:
            if not self._controller.finish(run, self._latest, complete=self._complete):
                ending = Ending.ABANDONED
        except CoTrackerError as error:
            self._failed.append(error)
        for failure in self._failed:
            self._on_error(failure)
        return Ending.FAILED if self._failed else ending
