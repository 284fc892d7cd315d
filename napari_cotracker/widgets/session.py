"""Results of one image: tracks, edits of a person, history, and the two layers.

Two-way sync: our arrays are the truth. Writing the layers sets ``_writing``, under
which events of the editable layer are not read back.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.tracks import Source
from napari_cotracker.widgets.anchors import Anchor
from napari_cotracker.widgets.coordinates import (
    PixelAxes,
    placement,
    result_axes,
    to_txy,
)
from napari_cotracker.widgets.edits import CellEdit, History, Labels, columns_of
from napari_cotracker.widgets.merging import merge
from napari_cotracker.widgets.result_layers import (
    METADATA_KEY,
    POINTS_SUFFIX,
    TRAILS_SUFFIX,
    PointsStyle,
    Rows,
    TrailsStyle,
    point_size,
    trail_rows,
    write_points,
)
from napari_cotracker.widgets.row_reading import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from napari.layers import Tracks as TracksLayer

    from napari_cotracker.tracks import Queries, Tracks
    from napari_cotracker.widgets.image_input import ImageInput


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
        later: Callable[[Callable[[], None]], None],
    ) -> None:
        self.image = image
        self.axes: PixelAxes = result_axes(source.axes)
        self.slice = source.axes.fixed
        self._place = placement(image, source.axes)
        self.labels: Labels | None = None
        self.provenance: Provenance | None = None
        self.points: Points | None = None
        self.trails: TracksLayer | None = None
        self.history = History()
        self._viewer = viewer
        self._on_edit = on_edit
        # napari goes on selecting rows after it has told about an added point, so
        # rows must not be written before it is done.
        self._later = later
        self._style = PointsStyle(point_size(source.size))
        self._shown: Rows | None = None
        self._writing = False
        self._dragging = False
        self._dirty = False

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
        self.labels = merge(tracks, start, self.labels, span)

    # -- edits ----------------------------------------------------------------

    def read_layer(self) -> None:
        """Make an edit of what a person changed in the editable layer, if anything."""
        layer = self.points
        if self._writing or layer is None or self.labels is None:
            return
        self._dirty = False
        txy = to_txy(np.asarray(layer.data, np.float64), self.axes)
        track_id = layer.features["track_id"].to_numpy(np.float64, na_value=np.nan)
        reading = read_rows(self.labels, txy, track_id)
        if reading.edit is not None:
            self.labels = reading.edit.apply(self.labels)
            self.history.add(reading.edit)
        if reading.edit is not None or reading.refused:
            self.show()
            self._on_edit(_sentence(reading.edit, reading.refused))

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

    def show(self) -> None:
        """Write both layers from the tracks; the first call adds them."""
        if self.labels is None:
            return
        tracks = self.labels.tracks
        rows = Rows.of(tracks, self.axes)
        if len(rows.frame) == 0 and self.points is None:
            return
        with self._guard():
            if self.points is None or self.trails is None:
                self._add_layers(tracks, rows)
            assert self.points is not None
            in_place = rows.same_cells(self._shown)
            write_points(self.points, tracks, rows, self._style, in_place=in_place)
            self._write_trails(tracks, rows)
            self._shown = rows
            self._store()

    def _add_layers(self, tracks: Tracks, rows: Rows) -> None:
        """Add what is missing, leaving the person's choice of layer as it was."""
        chosen = set(self._viewer.layers.selection)
        active = self._viewer.layers.selection.active
        place = self._place
        if self.trails is None:
            self.trails = self._viewer.add_tracks(
                trail_rows(tracks, rows),
                name=f"{self.image.name} {TRAILS_SUFFIX}",
                **TrailsStyle().as_kwargs(),
                **place,
            )
        if self.points is None:
            points = self._viewer.add_points(
                rows.data.copy(),
                name=f"{self.image.name} {POINTS_SUFFIX}",
                **self._style.as_kwargs(),
                **place,
            )
            self.adopt(points, self.trails)
        self._viewer.layers.selection.clear()
        self._viewer.layers.selection.update(chosen)
        self._viewer.layers.selection.active = active

    def adopt(self, points: Points, trails: TracksLayer | None) -> None:
        """Listen to an editable layer and call these layers ours."""
        self.points, self.trails = points, trails
        points.mode = "select"
        points.events.data.connect(self._on_data)
        points.mouse_drag_callbacks.append(self._on_drag)

    def restore(self, points: Points, trails: TracksLayer | None) -> None:
        """Take up layers, and the results stored with them, of a closed dock."""
        kept = points.metadata[METADATA_KEY]
        self.labels, self.provenance = kept["labels"], kept["provenance"]
        self.axes, self.slice = kept["axes"], kept["slice"]
        self._shown = Rows.of(self.labels.tracks, self.axes)
        self.adopt(points, trails)
        self.read_layer()

    def release(self) -> None:
        """Stop listening."""
        if self.points is not None:
            self.points.events.data.disconnect(self._on_data)
            if self._on_drag in self.points.mouse_drag_callbacks:
                self.points.mouse_drag_callbacks.remove(self._on_drag)
        self.points = None

    def _write_trails(self, tracks: Tracks, rows: Rows) -> None:
        assert self.trails is not None
        if len(rows.frame):
            self.trails.data = trail_rows(tracks, rows)
        else:
            self.trails.visible = False  # a Tracks layer cannot be empty

    def _store(self) -> None:
        """Keep the results with the layer, so that a closed dock loses nothing."""
        assert self.points is not None and self.trails is not None
        about = {"image": self.image.name, "role": POINTS_SUFFIX}
        if self.provenance is not None:
            about |= self.provenance.settings
        kept = {
            **about,
            "labels": self.labels,
            "provenance": self.provenance,
            "axes": self.axes,
            "slice": self.slice,
        }
        self.points.metadata[METADATA_KEY] = kept
        self.trails.metadata[METADATA_KEY] = {**about, "role": TRAILS_SUFFIX}

    # -- events ---------------------------------------------------------------

    def _on_data(self, event: Any) -> None:
        # "changing", "adding" and "removing" come before anything has happened.
        if self._writing or str(getattr(event, "action", "")).endswith("ing"):
            return
        if self._dragging:
            self._dirty = True
        else:
            self._later(self.read_layer)

    def _on_drag(self, layer: Points, event: Any) -> Generator[None, None, None]:
        """Read the layer once when the mouse button is let go, not on every step."""
        self._dragging = True
        yield
        while event.type == "mouse_move":
            yield
        self._dragging = False
        if self._dirty:
            self.read_layer()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        before, self._writing = self._writing, True
        try:
            yield
        finally:
            self._writing = before


def _sentence(edit: CellEdit | None, refused: int) -> str:
    parts = []
    if edit is not None:
        gone = int((edit.after.source == Source.EMPTY).sum())
        placed = len(edit.frame) - gone
        parts += [f"{placed} point(s) placed."] if placed else []
        parts += [f"{gone} point(s) deleted."] if gone else []
    if refused:
        parts.append(
            f"{refused} point(s) put back: outside the image or of no track. Add new "
            "points to your own Points layer and press Run."
        )
    return " ".join(parts)
