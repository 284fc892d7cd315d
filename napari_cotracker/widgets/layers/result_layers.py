"""The two layers that show tracks: editable points, and trails.

Neither is ever removed or made anew while it is in the viewer: napari can crash when
a Points layer goes that has shown a selection (``METADATA_KEY`` marks them as ours).

The tracks are the truth and the layers show a part of them: all positions of a short
recording, else (``MAX_ROWS``) only the points of the frame in view and the trails
around it, which keeps every interaction fast however long the recording is.

Two-way sync: writing the layers sets ``_writing``, under which their events are not
taken for edits; while a point is dragged nothing is written.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from napari_cotracker.tracks import Source
from napari_cotracker.widgets.layers.coordinates import to_txy
from napari_cotracker.widgets.layers.layer_looks import (
    METADATA_KEY,
    POINTS_SUFFIX,
    TRAILS_SUFFIX,
    PointsStyle,
    Scheduling,
    TrailsStyle,
    painted_once,
    point_size,
    trails_left,
)
from napari_cotracker.widgets.layers.row_reading import Reading, read_rows
from napari_cotracker.widgets.layers.rows import (
    Rows,
    colours_of,
    features_of,
    trail_rows,
    trail_span,
)
from napari_cotracker.widgets.layers.viewpoint import Viewpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from napari.layers import Tracks as TracksLayer

    from napari_cotracker.tracks import Tracks
    from napari_cotracker.widgets.layers.coordinates import PixelAxes

# Above it a click on a Points layer costs more than 50 ms (measured).
MAX_ROWS = 20_000


class ResultLayers:
    """Shows tracks of one image, and tells when a person has changed the points.

    Parameters
    ----------
    viewer : ViewerModel
    image : Image
    place : () -> dict
        Arguments that place a result layer over the image, as it lies now.
    on_change : () -> None
        The rows of the points were changed by a person; see :meth:`read`.
    on_choice : () -> None
        Other tracks, or none any more, were selected.
    schedule : Scheduling
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        place: Callable[[], dict[str, Any]],
        size: tuple[int, int],
        on_change: Callable[[], None],
        on_choice: Callable[[], None],
        schedule: Scheduling,
    ) -> None:
        self.points: Points | None = None
        self.trails = trails_left(viewer, image)
        self.wants_trails = True  # until a person deletes them
        self.shown: Rows | None = None
        self.chosen: int | None = None
        self._selected_before: tuple[int, ...] = ()
        self._viewer = viewer
        self._view = Viewpoint(viewer)
        self._image = image
        self._place = place
        self._style = PointsStyle(point_size(size))
        self._on_change = on_change
        self._on_choice = on_choice
        # napari goes on selecting rows after it has told about an added point, so
        # rows must not be written before it is done.
        self._later = schedule.later
        self._soon_trails = schedule.throttled(self._write_trails)
        self._tracks: Tracks | None = None
        self._axes: PixelAxes | None = None
        self._trailed: npt.NDArray[np.float64] | None = None
        self._writing = False
        self._dragging = False
        self._dirty = False
        self._late = False

    def show(self, tracks: Tracks, axes: PixelAxes, *, at_once: bool = True) -> None:
        """Write both layers; the first call with a known position adds them.

        Parameters
        ----------
        tracks : Tracks
        axes : PixelAxes
            Of the result layers.
        at_once : bool
            False lets the trails wait, for results that come several times a second.
        """
        self._tracks, self._axes = tracks, axes
        if self._dragging:
            self._late = True  # written when the mouse button is let go
            return
        if self.points is None and not (tracks.source != Source.EMPTY).any():
            return
        rows = Rows.of(tracks, self._span())
        with self._guard():
            if self.points is None or (self.trails is None and self.wants_trails):
                self._add_layers(rows)
            self._write_points(rows)
        if at_once:
            self._write_trails()
        else:
            self._soon_trails()

    def read(self) -> Reading | None:
        """Return what a person has changed since the points were written.

        None while that cannot be said: nothing was written, or a point is held.
        """
        layer, tracks = self.points, self._tracks
        if layer is None or tracks is None or self.shown is None:
            return None
        if self._writing or self._dragging:
            return None
        self._dirty = False
        assert self._axes is not None
        return read_rows(
            tracks,
            self.shown,
            to_txy(np.asarray(layer.data, np.float64), self._axes),
            layer.features["track_id"].to_numpy(np.float64, na_value=np.nan),
        )

    def adopt(self, points: Points, trails: TracksLayer | None) -> None:
        """Listen to these layers and call them ours."""
        self.points, self.trails = points, trails
        points.mode = "select"
        points.events.data.connect(self._on_data)
        points.mouse_drag_callbacks.append(self._on_drag)
        points.selected_data.events.items_changed.connect(self._on_selected)
        self._viewer.dims.events.current_step.connect(self._on_step)

    def restore(
        self,
        points: Points,
        trails: TracksLayer | None,
        tracks: Tracks,
        axes: PixelAxes,
        shown: Rows,
    ) -> None:
        """Take up layers that were written before, by a dock that is closed now."""
        self._tracks, self._axes, self.shown = tracks, axes, shown
        self.wants_trails = trails is not None
        self.adopt(points, trails)
        self._later(self._on_change)  # when this dock is there to hear of it

    def store(self, about: dict[str, Any], kept: dict[str, Any]) -> None:
        """Keep ``about`` with both layers and ``kept`` with the points.

        What is a duplicate, and what lies over which image, names do not tell.
        """
        if self.points is None:
            return
        mine = {**about, "role": POINTS_SUFFIX, **kept}
        mine |= {"tracks": self._tracks, "shown": self.shown}
        mine |= {"layer": ref(self.points), "over": ref(self._image)}
        self.points.metadata[METADATA_KEY] = mine
        if self.trails is not None:
            trails = {**about, "role": TRAILS_SUFFIX, "layer": ref(self.trails)}
            self.trails.metadata[METADATA_KEY] = trails

    def bring_into_view(self, frames: npt.NDArray[np.int64]) -> None:
        """Go to the nearest of some frames, unless one of them is in view."""
        if self._tracks is not None and len(frames):
            nearest = frames[np.argmin(np.abs(frames - self.frame_in_view()))]
            self.go_to(int(nearest))

    def go_to(self, frame: int) -> None:
        """Move the viewer's sliders to a frame, in the slice of these layers."""
        if self.points is not None and self._axes is not None:
            self._view.go_to(self.points, {0: frame, **self._axes.fixed})

    def look_at(self, frame: int, point_id: int) -> None:
        """Show a point: its frame in view, in the middle, and selected."""
        self.go_to(frame)
        self.choose(point_id)
        if self.points is None or not self.points.selected_data:
            return
        self._viewer.layers.selection.active = self.points  # to be dragged, deleted
        self._view.centre_on(self.points, min(self.points.selected_data))

    def selected_tracks(self) -> tuple[int, ...]:
        """Return the identities of the selected points, in ascending order."""
        if self.points is None or self.shown is None:
            return ()
        rows = [i for i in self.points.selected_data if i < len(self.shown)]
        return tuple(np.unique(self.shown.point_id[rows]).tolist())

    def choose(self, point_id: int) -> None:
        """Select a track on the frame in view; points that are added belong to it."""
        self.chosen = point_id
        self._on_choice()
        self._select((point_id,))
        if self.points is not None:
            self.points.feature_defaults["track_id"] = point_id

    def release(self) -> None:
        """Stop listening; the layers stay."""
        if self.points is not None:
            self._viewer.dims.events.current_step.disconnect(self._on_step)
            self.points.selected_data.events.items_changed.disconnect(self._on_selected)
            self.points.events.data.disconnect(self._on_data)
            if self._on_drag in self.points.mouse_drag_callbacks:
                self.points.mouse_drag_callbacks.remove(self._on_drag)
        self.points = self.trails = None

    # -- what is in view ------------------------------------------------------

    def _whole(self) -> bool:
        assert self._tracks is not None
        return self._tracks.source.size <= MAX_ROWS

    def frame_in_view(self) -> int:
        """Return the frame that the viewer shows; 0 before anything was written."""
        if self._tracks is None or self._axes is None:
            return 0
        layer = self._image if self.points is None else self.points
        frame = self._view.frame(layer, layer.ndim - self._axes.ndim)
        return min(max(frame, 0), self._tracks.n_frames - 1)

    def _span(self) -> tuple[int, int]:
        """Frames whose positions the editable layer holds."""
        assert self._tracks is not None
        if self._whole():
            return 0, self._tracks.n_frames - 1
        return self.frame_in_view(), self.frame_in_view()

    def _trail_span(self) -> tuple[int, int]:
        assert self._tracks is not None and self.trails is not None
        final = self._tracks.n_frames - 1
        if self._whole():
            return 0, final
        lengths = int(self.trails.tail_length), int(self.trails.head_length)
        first, last = trail_span(self.frame_in_view(), *lengths)
        return max(first, 0), min(last, final)

    # -- writing --------------------------------------------------------------

    def _add_layers(self, rows: Rows) -> None:
        """Add what is missing, leaving the person's choice of layer as it was."""
        chosen = set(self._viewer.layers.selection)
        active = self._viewer.layers.selection.active
        assert self._tracks is not None and self._axes is not None
        if self.trails is None:
            self._trailed = trail_rows(self._tracks, self._axes, (0, 0))
            self.trails = self._viewer.add_tracks(
                self._trailed,
                name=f"{self._image.name} {TRAILS_SUFFIX}",
                metadata={METADATA_KEY: {"image": self._image.name}},
                **TrailsStyle().as_kwargs(),
                **self._place(),
            )
        if self.points is None:
            points = self._viewer.add_points(
                rows.data(self._axes),
                ndim=self._axes.ndim,
                features=features_of(self._tracks, rows),
                name=f"{self._image.name} {POINTS_SUFFIX}",
                metadata={METADATA_KEY: {"image": self._image.name}},
                **self._style.as_kwargs(),
                **self._place(),
            )
            self.adopt(points, self.trails)
        self._viewer.layers.selection.clear()
        self._viewer.layers.selection.update(chosen)
        self._viewer.layers.selection.active = active

    def _write_points(self, rows: Rows) -> None:
        """Show rows; what was selected stays so, as far as it is still shown."""
        layer, tracks = self.points, self._tracks
        assert layer is not None and tracks is not None and self._axes is not None
        data, ids = rows.data(self._axes), tracks.point_id.tolist()
        if self.chosen not in ids:  # none yet, or it was removed
            self.chosen = ids[0] if ids else None
        with painted_once(layer):
            if rows.same_cells(self.shown) and len(layer.data) == len(data):
                layer.data[:] = data
            else:
                selected = rows.standing_for(self.shown, layer.selected_data)
                # A selected index beyond the new end would be an error in napari.
                layer.selected_data = set()
                layer.data = data
                layer.selected_data = selected
            self.shown = layer.metadata[METADATA_KEY]["shown"] = rows
            if len(rows):
                layer.features = features_of(tracks, rows)
                layer.face_color, layer.border_color = colours_of(tracks, rows)
            if self.chosen is not None:
                layer.feature_defaults["track_id"] = self.chosen
        layer.refresh(extent=False, thumbnail=False)

    def _write_trails(self) -> None:
        if self.trails is None or self._tracks is None or self._axes is None:
            return
        rows = trail_rows(self._tracks, self._axes, self._trail_span())
        if self._trailed is None or not np.array_equal(rows, self._trailed):
            self._trailed = rows
            self.trails.data = rows

    # -- events ---------------------------------------------------------------

    def _on_step(self, event: Any = None) -> None:
        """Show the frame that came into view, once what was edited has been read."""
        if self._tracks is None or self._axes is None:
            return
        if self._whole():
            # Points that nobody sees would be dragged along, and deleted.
            self._select(() if self._dragging else self.selected_tracks())
            return
        span = self._span()
        if self._dragging:
            self._late = True
        elif self.shown is None or span != self.shown.span:
            self._on_change()
            with self._guard():
                self._write_points(Rows.of(self._tracks, span))
        self._soon_trails()

    def _select(self, point_ids: tuple[int, ...]) -> None:
        """Select tracks on the frame in view, if any are given."""
        if point_ids and self.points is not None and self.shown is not None:
            here = self.shown.of_tracks(point_ids, self.frame_in_view())
            self.points.selected_data = set(np.flatnonzero(here).tolist())

    def _on_selected(self, added: object = None, removed: object = None) -> None:
        """Let the track of a point that was clicked be the chosen one."""
        selected = self.selected_tracks()
        if self._writing or selected == self._selected_before:
            return
        self._selected_before = selected
        if len(selected) == 1:
            self.chosen = selected[0]
        self._on_choice()

    def _on_data(self, event: Any) -> None:
        # "changing", "adding" and "removing" come before anything has happened.
        if self._writing or str(getattr(event, "action", "")).endswith("ing"):
            return
        if self._dragging:
            self._dirty = True
        else:
            self._later(self._on_change)

    def _on_drag(self, layer: Points, event: Any) -> Generator[None, None, None]:
        """Read the layer once when the mouse button is let go, not on every step."""
        self._dragging = True
        yield
        while event.type == "mouse_move":
            yield
        self._dragging = False
        if self._dirty:
            self._on_change()
        if self._late and self._tracks is not None and self._axes is not None:
            self._late = False
            self.show(self._tracks, self._axes)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        before, self._writing = self._writing, True
        try:
            yield
        finally:
            self._writing = before
