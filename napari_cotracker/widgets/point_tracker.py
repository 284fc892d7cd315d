"""The dock widget "Point tracker": rows of controls; all logic is elsewhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import ref

from napari.utils.notifications import show_error
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMessageBox,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import qthrottled

from napari_cotracker.errors import CoTrackerError
from napari_cotracker.widgets.controller import TrackingController
from napari_cotracker.widgets.controls import (
    button,
    chosen,
    combo,
    frame_box,
    refill,
    side_by_side,
)
from napari_cotracker.widgets.engine import DEVICES, Engine, default_engine
from napari_cotracker.widgets.result_layers import Scheduling
from napari_cotracker.widgets.run import Request
from napari_cotracker.widgets.runner import Runner

if TYPE_CHECKING:
    from weakref import ReferenceType

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_cotracker.tracking import Progress

DIRECTIONS = ("both", "forward", "backward")
EXPORT_FILTER = "Tracks (*.csv)"
DEFAULT_MODEL = "compact"
TRAILS_MS = 200  # between two renewals of the trails


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
        self.viewer = napari_viewer
        self.controller = TrackingController(
            napari_viewer,
            engine or default_engine(),
            on_message=self._on_message,
            schedule=Scheduling(
                later=partial(QTimer.singleShot, 0),
                throttled=lambda call: qthrottled(call, timeout=TRAILS_MS, parent=self),
            ),
        )
        self.runner = Runner(
            self.controller, self._on_progress, self._on_error, self._on_end
        )
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._create_layer_rows(form)
        self._create_model_rows(form)
        self._create_range_row(form)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addLayout(self._create_run_row())
        column.addLayout(self._create_edit_row())
        column.addWidget(self._create_status())
        column.addStretch()
        self._listen()
        self._on_layers_changed()

    # -- rows -----------------------------------------------------------------

    def _create_layer_rows(self, form: QFormLayout) -> None:
        self.image_layer = combo("image_layer", "The recording to track in")
        self.points_layer = combo(
            "points_layer",
            "Your points, on any frames; points with the same 'name' feature are "
            "one track. This layer is never changed.",
        )
        self.new_points = button(
            "new_points", "New points", "Add a points layer to click into"
        )
        form.addRow("Image", self.image_layer)
        form.addRow("Points", self.points_layer)
        form.addRow("", self.new_points)

    def _create_model_rows(self, form: QFormLayout) -> None:
        self.model = combo(
            "model", "The network that tracks: a name, or the path of a checkpoint"
        )
        self.model.setEditable(True)
        self.model.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.device = combo("device", "Where it computes; auto = the fastest found")
        self.direction = combo(
            "direction", "Which way to track from each point", DIRECTIONS
        )
        self.device.addItems(DEVICES)
        self.model.addItems(self._model_names())
        form.addRow("Model", self.model)
        form.addRow("Device", self.device)
        form.addRow("Direction", self.direction)

    def _create_range_row(self, form: QFormLayout) -> None:
        self.first_frame = frame_box("first_frame", "First frame to track")
        self.last_frame = frame_box("last_frame", "Last frame to track, included")
        row = side_by_side(self.first_frame, QLabel("to"), self.last_frame)
        form.addRow("Frames", row)

    def _create_run_row(self) -> QLayout:
        self.run = button("run", "Run", "Track the points through the recording")
        self.cancel = button("cancel", "Cancel", "Stop; what is finished stays")
        self.progress = QProgressBar()
        self.progress.setObjectName("progress")
        self.progress.setFormat("%v of %m windows")
        self.progress.setRange(0, 1)
        self.progress.reset()
        row = QVBoxLayout()
        buttons = QHBoxLayout()
        buttons.addWidget(self.run)
        buttons.addWidget(self.cancel)
        row.addLayout(buttons)
        row.addWidget(self.progress)
        return row

    def _create_edit_row(self) -> QLayout:
        self.undo = button("undo", "Undo", "Take back the last moved tracked point")
        self.redo = button("redo", "Redo", "Move it again")
        self.export = button("export", "Export…", "Save the tracks as CSV")
        row = QHBoxLayout()
        for each in (self.undo, self.redo, self.export):
            row.addWidget(each)
        return row

    def _create_status(self) -> QLabel:
        self.status = QLabel()
        self.status.setObjectName("status")
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )
        return self.status

    def _listen(self) -> None:
        events = self.viewer.layers.events
        for event in (events.inserted, events.removed, events.renamed):
            event.connect(self._on_layers_changed)
        self.image_layer.currentIndexChanged.connect(self._on_image_chosen)
        self.new_points.clicked.connect(self._on_new_points)
        self.run.clicked.connect(self._on_run)
        self.cancel.clicked.connect(self._on_cancel)
        self.undo.clicked.connect(self._on_undo)
        self.redo.clicked.connect(self._on_redo)
        self.export.clicked.connect(self._on_export)
        # No method of this widget: it is gone by then.
        self.destroyed.connect(partial(_stop, self.runner, events, ref(self)))

    # -- handlers -------------------------------------------------------------

    def changeEvent(self, event: QEvent | None) -> None:
        """Stop when napari takes the widget out of its dock (it may live on)."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self.runner.stop()
            else:
                self.controller.open()
        super().changeEvent(event)

    def _on_layers_changed(self, event: object = None) -> None:
        refill(self.image_layer, self.controller.image_layers())
        refill(self.points_layer, self.controller.points_layers())
        if self.controller.run is None:
            self.runner.cancel()  # its image or its results were removed
        self._on_image_chosen()

    def _on_image_chosen(self, index: int = 0) -> None:
        image = self._image()
        try:
            final = 0 if image is None else self.controller.n_frames(image) - 1
        except CoTrackerError:
            final = 0  # said when Run is pressed
        whole = self.last_frame.value() == self.last_frame.maximum()
        for box in (self.first_frame, self.last_frame):
            box.setMaximum(final)
        if whole:
            self.last_frame.setValue(final)
        self._refresh_buttons()

    def _on_new_points(self) -> None:
        try:
            points = self.controller.new_points(self._image())
        except CoTrackerError as error:
            self._on_error(error)
            return
        self.points_layer.setCurrentText(points.name)
        self._on_message("Click on what you want to follow, then press Run.")

    def _on_run(self) -> None:
        self._on_image_chosen()  # its data may have been replaced since
        request = Request(
            image=self._image(),
            points=chosen(self.points_layer, self.controller.points_layers()),
            model=self.model.currentText().strip(),
            device=self.device.currentText(),
            direction=self.direction.currentText(),
            first_frame=self.first_frame.value(),
            last_frame=self.last_frame.value(),
        )
        try:
            run = self.controller.start(request)
        except CoTrackerError as error:
            self._on_error(error)
            return
        self.progress.setRange(0, 0)  # busy until the first window tells the number
        self._on_message(f"{run.source.remark} Loading the model…".strip())
        self.runner.start(run)
        self._refresh_buttons()

    def _on_cancel(self) -> None:
        self.runner.cancel()
        self.cancel.setEnabled(False)
        self._on_message("Stopping after this window…")

    def _on_progress(self, progress: Progress) -> None:
        self.progress.setRange(0, progress.total)
        self.progress.setValue(progress.done)
        first, last = progress.span
        self._on_message(f"Tracked frames {first} to {last}.")

    def _on_end(self, complete: bool) -> None:
        if self.progress.maximum() == 0:
            self.progress.setRange(0, 1)
            self.progress.reset()
        if complete:
            self._on_message("Done. Drag a tracked point to correct it.")
        elif self.status.text().startswith("Stopping"):
            self._on_message("Cancelled; what was finished is shown.")
        self._refresh_buttons()

    def _on_error(self, error: Exception) -> None:
        text = str(error) or type(error).__name__
        if not isinstance(error, CoTrackerError):
            text = f"{type(error).__name__}: {text}"
        self._on_message(text)
        show_error(text)

    def _on_message(self, text: str) -> None:
        self.status.setText(text)
        self._refresh_buttons()

    def _on_undo(self) -> None:
        session = self.controller.session_of(self._image())
        if session is not None:
            session.undo()
        self._refresh_buttons()

    def _on_redo(self) -> None:
        session = self.controller.session_of(self._image())
        if session is not None:
            session.redo()
        self._refresh_buttons()

    def _on_export(self) -> None:
        image = self._image()
        name = "tracks.csv" if image is None else f"{image.name} tracks.csv"
        name = name.replace("/", "-").replace("\\", "-")
        # The dialog asks before it overwrites.
        path, _ = QFileDialog.getSaveFileName(
            self, "Export tracks", name, EXPORT_FILTER
        )
        if path:
            self._export_to(Path(path))

    # -- inside ---------------------------------------------------------------

    def _export_to(self, path: Path) -> None:
        if not path.suffix:
            path = path.with_suffix(".csv")
            if path.exists() and not self._may_replace(path):
                return
        try:
            self.controller.export(self._image(), path)
        except CoTrackerError as error:
            self._on_error(error)
            return
        self._on_message(f"Saved {path.name}.")

    def _may_replace(self, path: Path) -> bool:
        """Ask; the dialog did not see the suffix that was added."""
        answer = QMessageBox.question(
            self, "Export tracks", f"{path.name} already exists. Replace it?"
        )
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _image(self) -> Image | None:
        return chosen(self.image_layer, self.controller.image_layers())

    def _model_names(self) -> list[str]:
        names = self.controller.engine.model_names()
        return sorted(names, key=lambda name: name != DEFAULT_MODEL)

    def _refresh_buttons(self) -> None:
        busy = self.runner.busy
        session = self.controller.session_of(self._image())
        self.run.setEnabled(not busy)
        self.cancel.setEnabled(busy)
        self.undo.setEnabled(session is not None and session.history.can_undo)
        self.redo.setEnabled(session is not None and session.history.can_redo)
        self.export.setEnabled(session is not None and session.labels is not None)


def _stop(runner: Runner, events: object, widget: ReferenceType[PointTracker]) -> None:
    dead = widget()
    if dead is not None:
        for name in ("inserted", "removed", "renamed"):
            getattr(events, name).disconnect(dead._on_layers_changed)
    runner.stop()
