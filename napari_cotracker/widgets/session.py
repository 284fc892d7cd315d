"""Results of one image: tracks, edits of a person, and the history of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.widgets.anchors import Anchor
from napari_cotracker.widgets.coordinates import PixelAxes, placement, result_axes
from napari_cotracker.widgets.edits import (
    CellEdit,
    Cells,
    History,
    Labels,
    columns_of,
)
from napari_cotracker.widgets.merging import merge
from napari_cotracker.widgets.result_layers import (
    METADATA_KEY,
    POINTS_SUFFIX,
    ResultLayers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from napari.layers import Tracks as TracksLayer

    from napari_cotracker.tracks import Queries, Tracks
    from napari_cotracker.widgets.image_input import ImageInput
    from napari_cotracker.widgets.result_layers import Scheduling
    from napari_cotracker.widgets.row_reading import Reading


@dataclass(frozen=True, eq=False)
class Provenance:
    """What a run was made of; stored with the result layers.

    Parameters
    ----------
    points_layer : str
        Name of the person's Points layer.
    anchors : Queries
        That layer as it was read, with identities.
    settings : dict
        Model, device and options.
    """

    points_layer: str
    anchors: Queries
    settings: dict[str, Any]


class Session:
    """Tracks of one image layer and what a person does to them."""

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        source: ImageInput,
        on_edit: Callable[[str], None],
        schedule: Scheduling,
    ) -> None:
        self.image = image
        self.axes: PixelAxes = result_axes(source.axes)
        self.slice = source.axes.fixed
        self.labels: Labels | None = None
        self.provenance: Provenance | None = None
        self.history = History()
        self.layers = ResultLayers(
            viewer,
            image,
            placement(image, source.axes),
            source.size,
            self.read_layer,
            schedule,
        )
        self._on_edit = on_edit

    # -- runs -----------------------------------------------------------------

    def refuse_other_slice(self, source: ImageInput) -> None:
        """Refuse to mix results of two slices or channels in one pair of layers.

        Raises
        ------
        InputError
            The viewer shows another slice than the results were made of.
        """
        if self.labels is None:
            self.axes = result_axes(source.axes)
        elif source.axes.fixed != self.slice:
            raise InputError(
                f"The tracks of '{self.image.name}' were made at index "
                f"{', '.join(map(str, self.slice.values()))} of its further axes; move "
                f"the sliders there, or delete '{self.image.name} {POINTS_SUFFIX}' to "
                "start afresh."
            )
        self.slice = source.axes.fixed

    def edited_anchors(self, first: int, last: int) -> list[Anchor]:
        """Return the positions a person edited, within a range of frames."""
        if self.labels is None:
            return []
        tracks = self.labels.tracks
        return [
            Anchor(int(t), tracks.xy[t, n], int(tracks.point_id[n]), tracks.name[n])
            for t, n in np.argwhere(self.labels.edited)
            if first <= t <= last
        ]

    def begin(self, provenance: Provenance, queries: Queries) -> None:
        """Enter a run: undo ends here, and edits that newer points replace are over."""
        self.provenance = provenance
        self.history.clear()
        if self.labels is None:
            return
        edited = self.labels.edited.copy()
        column = columns_of(self.labels.tracks, queries.point_id)
        here = column >= 0
        at = (queries.frame[here], column[here])
        edited[at] &= (self.labels.tracks.xy[at] == queries.xy[here]).all(axis=1)
        self.labels = Labels(self.labels.tracks, edited)

    def take(
        self, tracks: Tracks, start: Labels | None, *, span: tuple[int, int] | None
    ) -> None:
        """Take over tracks of a run; edits made meanwhile stay.

        Parameters
        ----------
        tracks : Tracks
            What the run knows.
        start : Labels or None
            What was known when the run started.
        span : (first, last) or None
            Frames whose old results are replaced even where the run knows nothing;
            None while it is not finished.
        """
        self.read_layer()  # an edit that was not read yet
        self.labels = merge(tracks, start, self.labels, span)

    # -- edits ----------------------------------------------------------------

    def read_layer(self) -> None:
        """Make an edit of what a person changed in the editable layer, if anything."""
        reading = self.layers.read()
        if self.labels is None or reading is None or reading.is_empty:
            return
        edit = _edit(self.labels, reading)
        if edit is not None:
            self.labels = edit.apply(self.labels)
            self.history.add(edit)
        self.show()
        self._on_edit(_sentence(reading))

    def undo(self) -> None:
        """Take the last edit back."""
        self._apply(self.history.undo())

    def redo(self) -> None:
        """Do the edit again that was last taken back."""
        self._apply(self.history.redo())

    def _apply(self, edit: CellEdit | None) -> None:
        if edit is None or self.labels is None:
            return
        self.labels = edit.apply(self.labels)
        self.show()

    # -- layers ---------------------------------------------------------------

    def show(self, *, at_once: bool = True) -> None:
        """Write both layers from the tracks; the first call adds them."""
        if self.labels is None:
            return
        self.layers.show(self.labels.tracks, self.axes, at_once=at_once)
        self._store()

    def restore(self, points: Points, trails: TracksLayer | None) -> None:
        """Take up layers, and the results stored with them, of a closed dock."""
        kept = points.metadata[METADATA_KEY]
        self.labels, self.provenance = kept["labels"], kept["provenance"]
        self.axes, self.slice = kept["axes"], kept["slice"]
        self.layers.restore(
            points, trails, self.labels.tracks, self.axes, kept["shown"]
        )
        self.read_layer()

    def _store(self) -> None:
        """Keep the results with the layer, so that a closed dock loses nothing."""
        about = {"image": self.image.name}
        if self.provenance is not None:
            about |= self.provenance.settings
        self.layers.store(
            about,
            {
                "labels": self.labels,
                "provenance": self.provenance,
                "axes": self.axes,
                "slice": self.slice,
            },
        )


def _edit(labels: Labels, reading: Reading) -> CellEdit | None:
    frame = np.concatenate([reading.frame, reading.gone_frame])
    point_id = np.concatenate([reading.point_id, reading.gone_id])
    if len(frame) == 0:
        return None
    before = Cells.of(labels, frame, columns_of(labels.tracks, point_id))
    placed = Cells.placed(reading.xy)
    gone = Cells.unknown(len(reading.gone_frame))
    after = Cells(
        **{
            key: np.concatenate([getattr(placed, key), getattr(gone, key)])
            for key in Cells.__dataclass_fields__
        }
    )
    return CellEdit(frame, point_id, before, after)


def _sentence(reading: Reading) -> str:
    placed, gone, refused = len(reading.frame), len(reading.gone_frame), reading.refused
    parts = [f"{placed} point(s) placed."] if placed else []
    parts += [f"{gone} point(s) deleted."] if gone else []
    if refused:
        parts.append(
            f"{refused} point(s) put back: outside the image or of no track. Add new "
            "points to your own Points layer and press Run."
        )
    return " ".join(parts)
