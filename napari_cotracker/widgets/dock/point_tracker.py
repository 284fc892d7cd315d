"""The dock widget "Point tracker": rows of controls; all logic is elsewhere."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget
from superqt.utils import qdebounced, qthrottled

from napari_cotracker.errors import CoTrackerError
from napari_cotracker.widgets.dock.controls import chosen, refill
from napari_cotracker.widgets.dock.downloading import Downloading
from napari_cotracker.widgets.dock.edit_panel import EditPanel
from napari_cotracker.widgets.dock.endings import found, left_out, told
from napari_cotracker.widgets.dock.file_row import FileRow
from napari_cotracker.widgets.dock.review_panel import ReviewPanel
from napari_cotracker.widgets.dock.run_form import RunForm
from napari_cotracker.widgets.dock.run_row import RunRow
from napari_cotracker.widgets.dock.scrolling import Scrolling
from napari_cotracker.widgets.dock.shortcuts import Shortcuts
from napari_cotracker.widgets.dock.status import Status
from napari_cotracker.widgets.dock.unsaved_panel import UnsavedPanel
from napari_cotracker.widgets.engine import Engine, default_engine
from napari_cotracker.widgets.layers.layer_looks import Scheduling
from napari_cotracker.widgets.runs.clicks import Clicks
from napari_cotracker.widgets.runs.controller import TrackingController
from napari_cotracker.widgets.runs.preparing import own_layer, points_for
from napari_cotracker.widgets.runs.runner import Ending, Runner

if TYPE_CHECKING:
    from weakref import ReferenceType

    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from napari_cotracker.tracking import Progress
    from napari_cotracker.widgets.session.run import Run
    from napari_cotracker.widgets.session.session import Session

TRAILS_MS = 200  # between two renewals of the trails
PAUSE_MS = 500  # after the last click, before the clicks are kept
STOPPING = "Stopping after this window…"
TRACKING = "Loading the model, then tracking; what is shown can be corrected meanwhile."


class PointTracker(QWidget):
    """Choose image and points, track them, correct and export.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer this dock belongs to.
    engine : Engine, optional
        What tracks; the package's own by default.
    """

    def __init__(
        self, napari_viewer: ViewerModel, engine: Engine | None = None
    ) -> None:
        super().__init__()
        self.status = Status()
        self.viewer = napari_viewer
        self.controller = TrackingController(
            napari_viewer,
            engine or default_engine(),
            on_edit=self._on_edit,
            on_error=self._on_error,
            on_warning=self.status.warn,
            schedule=Scheduling(
                later=partial(QTimer.singleShot, 0),
                throttled=lambda call: qthrottled(call, timeout=TRAILS_MS, parent=self),
            ),
        )
        self.runner = Runner(
            self.controller, self._on_progress, self._on_error, self._on_end
        )
        soon = qdebounced(self._on_clicks, timeout=PAUSE_MS, parent=self)
        self.clicks = Clicks(self.controller, soon)
        rows = QFormLayout(self._create_holder())
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.files = FileRow(
            self,
            self.controller,
            self._session,
            self._on_project_opened,
            self._on_message,
            self._on_error,
        )
        self.unsaved = UnsavedPanel(self.files.open, self._on_message, self._on_error)
        rows.addRow(self.unsaved)
        rows.addRow("Project", self.files.row)
        self.run_form = RunForm(rows, self.controller.engine.model_names())
        self.run_row = RunRow()
        rows.addRow(self.run_row)
        self.downloads = Downloading(
            self,
            self.controller.engine,
            self.run_row.show_bytes,
            self._on_error,
            self._on_download_end,
        )
        self.edit_panel = EditPanel(rows, self, self._session, self._on_auto)
        self.review_panel = ReviewPanel(self._session)
        rows.addRow("Review", self.review_panel)
        self._run_waits = self._run_after_download = False
        self.shortcuts = Shortcuts(
            napari_viewer,
            self.edit_panel,
            self.review_panel,
            self._session,
            self._on_message,
        )
        self._listen()
        self._on_layers_changed()
        self.status.report(found(self.controller.sessions()))

    # -- rows -----------------------------------------------------------------

    def _create_holder(self) -> QWidget:
        """Make what holds the rows: it scrolls, what is told below it does not."""
        content = QWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(Scrolling(content))
        column.addWidget(self.status)
        return content

    def _listen(self) -> None:
        events = self.viewer.layers.events
        for event in (events.inserted, events.removed, events.renamed):
            event.connect(self._on_layers_changed)
        self.run_form.image_layer.currentIndexChanged.connect(self._on_other_image)
        self.run_form.points_layer.currentIndexChanged.connect(self._watch_clicks)
        self.run_form.model.activated.connect(self._on_model_chosen)
        self.run_form.new_points.clicked.connect(self._on_new_points)
        self.run_row.run.clicked.connect(self._on_run)
        self.run_row.cancel.clicked.connect(self._on_cancel)
        # No method of this widget: it is gone by then.
        self.destroyed.connect(
            partial(
                _stop,
                self.runner,
                self.downloads,
                self.shortcuts,
                self.clicks,
                events,
                ref(self),
            )
        )

    # -- handlers -------------------------------------------------------------

    def changeEvent(self, event: QEvent | None) -> None:
        """Stop when napari takes the widget out of its dock (it may live on)."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self._on_clicks()
                self.clicks.leave()
                self.downloads.leave()
                self.runner.stop()
            else:
                self.controller.open()
                self._watch_clicks()
                self._renew()
        super().changeEvent(event)

    def _on_layers_changed(self, event: object = None) -> None:
        image, points = self.run_form.chosen_layers()
        refill(self.run_form.image_layer, self.controller.image_layers())
        refill(self.run_form.points_layer, self.controller.points_layers())
        now = self.run_form.chosen_layers()
        if now[0] is not image or (points is not None and now[1] is not points):
            self._choose_points()  # one was removed: the next in line may be another's
        if self.controller.run is None:
            self.runner.stop_for(Ending.ABANDONED)
        if getattr(event, "type", "") == "removed":
            self.unsaved.look_soon()  # what belonged to it can be restored
        self._on_image_chosen()

    def _on_other_image(self, index: int) -> None:
        self._on_clicks()  # on the image before
        self._choose_points()
        self._on_image_chosen()

    def _choose_points(self) -> None:
        """Choose the points of the image; never those of another one."""
        points = points_for(
            self._session(),
            self.controller.sessions(),
            self.controller.points_layers(),
            self._points(),
        )
        self.run_form.choose_points(points)

    def _on_image_chosen(self, index: int = 0) -> None:
        image = self._image()
        try:
            final = 0 if image is None else self.controller.n_frames(image) - 1
        except CoTrackerError:
            final = 0  # said when Run is pressed
        for frames in (self.run_form.frames, self.edit_panel.span):
            frames.show_for(image, final)
        self._watch_clicks()
        self._refresh()

    def _watch_clicks(self, index: int = 0) -> None:
        self.clicks.watch(self._image(), self._points())

    def _on_clicks(self) -> None:
        try:
            self.clicks.keep()
        except CoTrackerError as error:
            self._on_error(error)
        self.files.refresh(self.runner.busy)

    def _on_new_points(self) -> None:
        try:
            points = self.controller.new_points(self._image())
        except CoTrackerError as error:
            self._on_error(error)
            return
        self.run_form.points_layer.setCurrentText(points.name)
        self._on_message("Click on what you want to follow, then press Run.")

    def _on_run(self) -> None:
        self._run_waits = self.runner.renewing
        if self._run_waits:  # it includes whatever is being renewed
            self.runner.stop_for(Ending.SUPERSEDED)
            self._on_message(STOPPING)
            return
        if self.downloads.begin(self.run_form.model.currentText().strip()):
            self._run_after_download = True
            self._on_download_begin()
            return
        self._on_image_chosen()  # its data may have been replaced since
        try:
            run = self.controller.start(
                self.run_form.request(self._image(), self._points())
            )
        except CoTrackerError as error:
            self._on_error(error)
            return
        self.run_row.show_waiting()
        said = (run.source.remark, left_out(run), TRACKING)
        self._on_message(" ".join(filter(None, said)))
        self.runner.start(run)
        self._refresh()

    def _on_cancel(self) -> None:
        self._run_waits = self._run_after_download = False
        self.runner.stop_for(Ending.CANCELLED)
        self.downloads.cancel()
        self._on_message(STOPPING)

    def _on_progress(self, progress: Progress) -> None:
        self.run_row.show_windows(progress)

    def _on_end(self, run: Run, ending: Ending) -> None:
        if self.run_row.is_waiting:
            self.run_row.show_nothing()
        self.status.report(told(run, ending))
        if self._run_waits:
            self._on_run()
        elif ending is Ending.COMPLETE and run.windows:
            # It followed older anchors, but Run was pressed after the corrections.
            self._renew_in(run.session)
        elif ending in (Ending.COMPLETE, Ending.SUPERSEDED):
            self._renew()
        self._refresh()

    def _on_error(self, error: Exception) -> None:
        self.status.complain(error)
        self._refresh()

    def _on_message(self, text: str) -> None:
        self.status.answer(text)
        self._refresh()

    def _on_edit(self, session: Session, text: str) -> None:
        if text or session.layers.points in self.viewer.layers.selection:
            # Undo is to be about what was done.
            self.run_form.choose(session.image, None)
        self._on_message(text)
        if text and session.memory.stale:  # none: another track was chosen
            self._renew()

    def _on_auto(self, wanted: bool) -> None:
        if wanted:
            self._renew()

    def _on_project_opened(self, session: Session) -> None:
        self._on_layers_changed()
        self.run_form.choose(session.image, session.memory.settings)
        # Without any none is chosen: those of another recording are not to be read.
        points = own_layer(session, self.controller.points_layers())
        self.run_form.choose_points(points)
        self._renew()

    # -- a download -----------------------------------------------------------

    def _on_model_chosen(self, index: int) -> None:
        if not self.downloads.busy and self.downloads.begin(
            self.run_form.model.itemText(index)
        ):
            self._on_download_begin()

    def _on_download_begin(self) -> None:
        self.run_row.show_waiting()
        self._on_message("Downloading; Cancel keeps what has arrived.")

    def _on_download_end(self, whole: bool) -> None:
        goes_on, self._run_after_download = self._run_after_download, False
        self.run_row.show_nothing()
        if whole:
            self._on_message(f"{self.run_form.model.currentText()} is here now.")
        elif self.downloads.cancelled:
            self._on_message("Cancelled; what has arrived is kept for the next try.")
        if whole and goes_on:
            self._on_run()
        self._refresh()

    # -- inside ---------------------------------------------------------------

    def _renew(self) -> None:
        """Track again what edits made stale, if the person wants that.

        Now, or long ago: napari, or the dock, was closed before it was done.
        """
        session = self.controller.stale_session()
        if session is None or not self.edit_panel.auto_retrack.isChecked():
            return
        self._renew_in(session)
        self._refresh()

    def _renew_in(self, session: Session) -> None:
        was_busy = self.runner.busy
        self.runner.renew(session)
        if self.runner.busy and not was_busy:
            self.run_row.show_waiting()

    def _image(self) -> Image | None:
        return chosen(self.run_form.image_layer, self.controller.image_layers())

    def _points(self) -> Points | None:
        return chosen(self.run_form.points_layer, self.controller.points_layers())

    def _session(self) -> Session | None:
        return self.controller.session_of(self._image())

    def _refresh(self) -> None:
        loading = self.downloads.busy
        busy = self.runner.busy or loading
        renewing = self.runner.renewing and not self._run_waits
        self.run_row.run.setEnabled(not busy or (renewing and not loading))
        self.run_row.cancel.setEnabled(
            (self.runner.busy and not self.runner.cancelled)
            or (loading and not self.downloads.cancelled)
        )
        self.edit_panel.refresh()
        self.review_panel.refresh()
        self.files.refresh(busy)
        self.unsaved.refresh(busy)


def _stop(
    runner: Runner,
    downloads: Downloading,
    shortcuts: Shortcuts,
    clicks: Clicks,
    events: object,
    widget: ReferenceType[PointTracker],
) -> None:
    dead = widget()
    if dead is not None:
        for name in ("inserted", "removed", "renamed"):
            getattr(events, name).disconnect(dead._on_layers_changed)
    with suppress(CoTrackerError):
        clicks.keep()
    clicks.leave()
    shortcuts.release()
    downloads.leave()
    # A dock that was only taken out of its window has let go before.
    runner.stop(for_good=True)
