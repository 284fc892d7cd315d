"""The rows of the dock that say what is to be tracked, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QFormLayout

from napari_cotracker.widgets.dock.controls import button, combo
from napari_cotracker.widgets.dock.frame_range import FrameRange
from napari_cotracker.widgets.engine import DEVICES
from napari_cotracker.widgets.session.run import Request

if TYPE_CHECKING:
    from napari.layers import Image, Points

    from napari_cotracker.widgets.session.memory import Settings

DIRECTIONS = ("both", "forward", "backward")
DEFAULT_MODEL = "compact"


class RunForm:
    """Image, points, model, device, direction and frames.

    Parameters
    ----------
    rows : QFormLayout
        Where its rows go.
    models : list of str
        Names to choose from.
    """

    def __init__(self, rows: QFormLayout, models: list[str]) -> None:
        self._create_layer_rows(rows)
        self._create_model_rows(rows, models)
        self._create_range_row(rows)

    def request(self, image: Image | None, points: Points | None) -> Request:
        """Return what is chosen."""
        first, last = self.frames.values
        return Request(
            image=image,
            points=points,
            model=self.model.currentText().strip(),
            device=self.device.currentText(),
            direction=self.direction.currentText(),
            first_frame=first,
            last_frame=last,
        )

    def choose(self, image: Image, settings: Settings | None) -> None:
        """Show an image and what its latest run was made with."""
        for place in range(self.image_layer.count()):
            if self.image_layer.itemData(place) is image:
                self.image_layer.setCurrentIndex(place)
        if settings is None:
            return
        options = settings.options
        self.model.setCurrentText(settings.model)
        self.device.setCurrentText(settings.device)
        self.direction.setCurrentText(options.direction)
        self.frames.choose(*options.span_in(self.frames.last.maximum() + 1))

    def chosen_layers(self) -> tuple[object, object]:
        """Return the image and the points that are shown as chosen, there or not."""
        return self.image_layer.currentData(), self.points_layer.currentData()

    def choose_points(self, points: Points | None) -> None:
        """Show a Points layer, or that none is chosen."""
        place = -1 if points is None else self.points_layer.findText(points.name)
        self.points_layer.setCurrentIndex(place)

    def _create_layer_rows(self, rows: QFormLayout) -> None:
        self.image_layer = combo("image_layer", "The recording to track in")
        self.points_layer = combo(
            "points_layer",
            "Your points, on any frames; points with the same 'name' feature are "
            "one track. This layer is never changed.",
        )
        self.new_points = button(
            "new_points", "New points", "Add a layer to click into"
        )
        rows.addRow("Image", self.image_layer)
        rows.addRow("Points", self.points_layer)
        rows.addRow("", self.new_points)

    def _create_model_rows(self, rows: QFormLayout, models: list[str]) -> None:
        self.model = combo(
            "model",
            "The network that tracks: a name, or the path of a checkpoint",
            sorted(models, key=lambda name: name != DEFAULT_MODEL),
        )
        self.model.setEditable(True)
        self.model.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.device = combo(
            "device", "Where it computes; auto = the fastest found", DEVICES
        )
        self.direction = combo(
            "direction", "Which way to track from each point", DIRECTIONS
        )
        rows.addRow("Model", self.model)
        rows.addRow("Device", self.device)
        rows.addRow("Direction", self.direction)

    def _create_range_row(self, rows: QFormLayout) -> None:
        self.frames = FrameRange(
            ("first_frame", "First frame to track"),
            ("last_frame", "Last frame to track, included"),
        )
        rows.addRow("Frames", self.frames)
