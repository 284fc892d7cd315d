"""What can be tracked in a viewer, and the run that tracks it; knows no Qt."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np
from napari.layers import Image, Points, Tracks

from napari_cotracker.errors import InputError, ProjectError
from napari_cotracker.widgets.engine import adapt
from napari_cotracker.widgets.layers.coordinates import (
    PixelAxes,
    placement,
    result_axes,
)
from napari_cotracker.widgets.layers.image_input import read_image
from napari_cotracker.widgets.layers.layer_looks import (
    METADATA_KEY,
    Scheduling,
    leave,
    point_size,
)
from napari_cotracker.widgets.runs.preparing import (
    prepare_retracking,
    prepare_run,
    refuse_other_recording,
)
from napari_cotracker.widgets.session.anchors import GROUP_COLUMNS
from napari_cotracker.widgets.session.clicked import read_clicked
from napari_cotracker.widgets.session.listeners import Listeners
from napari_cotracker.widgets.session.recordings import image_under
from napari_cotracker.widgets.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_cotracker.tracking import Progress
    from napari_cotracker.widgets.engine import Engine, Steps
    from napari_cotracker.widgets.layers.image_input import ImageInput
    from napari_cotracker.widgets.session.clicked import Clicked
    from napari_cotracker.widgets.session.memory import Memory
    from napari_cotracker.widgets.session.run import Request, Run


def _raise(error: Exception) -> None:
    raise error


class TrackingController:
    """Runs, results and edits of every image in one viewer.

    Parameters
    ----------
    viewer : ViewerModel
    engine : Engine
        What tracks.
    on_edit : (Session, str) -> None
        Told after every edit what it did, in one sentence.
    on_error : (Exception) -> None
        Told what an edit failed of; raises by default.
    on_warning : (str) -> None
        Told when work is not kept on disk any more.
    schedule : Scheduling, optional
        Everything at once by default.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        engine: Engine,
        *,
        on_edit: Callable[[Session, str], None] = lambda session, text: None,
        on_error: Callable[[Exception], None] = _raise,
        on_warning: Callable[[str], None] = lambda text: None,
        schedule: Scheduling | None = None,
    ) -> None:
        self.viewer = viewer
        self.engine = engine
        self.run: Run | None = None
        self._listeners = Listeners(on_edit, on_error, on_warning)
        self._schedule = schedule or Scheduling()
        self._number = 0
        self._sessions: dict[Image, Session] = {}
        self._removed: list[Memory] = []  # of results that are on disk only
        self._loaded: tuple[tuple[str, str], Any] | None = None
        self._features: Any = None
        self._open = False
        self.open()

    def open(self) -> None:
        """Listen to the viewer and take up results that are there."""
        if not self._open:
            self._open = True
            self.viewer.layers.events.removed.connect(self._on_layer_removed)
            self._adopt_results()

    def close(self, *, for_good: bool = False) -> None:
        """Let go of the viewer; its layers, and what is on disk, stay as they are.

        Parameters
        ----------
        for_good : bool
            The viewer is gone too: its files are closed.
        """
        self.abandon()
        if self._open:
            self._open = False
            self.viewer.layers.events.removed.disconnect(self._on_layer_removed)
        for session in self._sessions.values():
            shown = session.layers.points
            session.release()
            if for_good:
                session.close()
            elif shown is None:
                session.kept.drop()  # the next dock finds the points in their layer
            elif session.project is not None:
                close = finalize(shown, session.project.close)
                shown.metadata[METADATA_KEY]["close"] = close  # if no dock comes
        self._sessions.clear()
        self._loaded = self._features = None

    # -- choices --------------------------------------------------------------

    def image_layers(self) -> list[Image]:
        """Return the images of the viewer."""
        return [x for x in self.viewer.layers if isinstance(x, Image)]

    def points_layers(self) -> list[Points]:
        """Return the person's own Points layers."""
        return [
            layer
            for layer in self.viewer.layers
            if isinstance(layer, Points) and METADATA_KEY not in layer.metadata
        ]

    def n_frames(self, image: Image) -> int:
        """Return the number of frames of an image.

        Raises
        ------
        InputError
            The image cannot be tracked.
        """
        return read_image(image, self.viewer.dims.point).n_frames

    def new_points(self, image: Image | None) -> Points:
        """Add an empty Points layer over an image, ready to be clicked into.

        Raises
        ------
        InputError
            No image was chosen, or it cannot be tracked.
        """
        if image is None:
            raise InputError(
                "There is no image to put points on; open a recording first."
            )
        points = self._add_points(image, f"{image.name} points")
        points.mode = "add"
        self.viewer.layers.selection.active = points
        return points

    def show_clicked(self, image: Image, clicked: Clicked) -> Points:
        """Show points that were clicked in another session, unless they are there."""
        for points in self.points_layers():
            if clicked.same_as(read_clicked(points, image)):
                return points
        points = self._add_points(image, clicked.layer, clicked.data)
        if any(clicked.group):
            points.features = {GROUP_COLUMNS[0]: clicked.group}
            points.feature_defaults = {GROUP_COLUMNS[0]: ""}  # not the last name
        return points

    def _add_points(
        self, image: Image, name: str, data: npt.NDArray[np.float64] | None = None
    ) -> Points:
        source = read_image(image, self.viewer.dims.point)
        return self.viewer.add_points(
            np.empty((0, image.ndim)) if data is None else data,
            ndim=image.ndim,
            name=name,
            size=point_size(source.size),
            face_color="yellow",
            border_color="black",
            **placement(image, PixelAxes(image.ndim)),
        )

    # -- a run ----------------------------------------------------------------

    def start(self, request: Request) -> Run:
        """Check the choices and make them a run; hand its :meth:`steps` to a worker.

        Raises
        ------
        CoTrackerError
            Something that was chosen cannot be tracked; nothing was changed.
        """
        if self.run is not None:
            raise InputError("Tracking is running; cancel it or wait for its end.")
        if request.image is None:
            raise InputError("No image is chosen; open a recording and choose it.")
        source = read_image(request.image, self.viewer.dims.point)
        session = self.session_for(request.image, source)
        self._number += 1
        self.run = prepare_run(
            self._number, session, source, request, self.engine.weights_of
        )
        self._sessions[request.image] = session
        return self.run

    def retrack(self, session: Session) -> Run | None:
        """Make a run of what edits made stale; None if nothing is or one is running."""
        if self.run is not None:
            return None
        self._number += 1
        self.run = prepare_retracking(self._number, session)
        return self.run

    def stale_session(self) -> Session | None:
        """Return a session of which something is to be tracked again."""
        found = (s for s in self._sessions.values() if s.memory.stale)
        return next(found, None)

    def steps(self, run: Run) -> Steps:
        """Load the model and track; meant for a worker thread.

        Raises
        ------
        CoTrackerError
            Also in place of torch's ``RuntimeError``.
        """
        return (yield from adapt(self._steps(run)))

    def receive(self, run: Run, progress: Progress) -> bool:
        """Take over what a run knows by now; False if the run is no longer wanted.

        Raises
        ------
        ProjectError
            The project file cannot be written.
        """
        if run is not self.run:
            return False
        window = None
        if run.is_whole and progress.window is not None:
            window = progress.window.to_bytes()
        run.session.take(run, progress.tracks_so_far, window)
        return True

    def finish(self, run: Run, progress: Progress | None, *, complete: bool) -> bool:
        """End a run, whole or in part; False if it had been ended before.

        Raises
        ------
        ProjectError
            The project file cannot be written.
        """
        if run is not self.run:
            return False
        self.run = None
        if progress is None:
            run.session.end(run, None, complete=False)
        else:
            run.session.end(run, progress.tracks_so_far, complete=complete)
        run.session.show()  # without any window too: these tracks can be deleted
        return True

    def abandon(self) -> None:
        """Drop the present run; whatever it still delivers is ignored."""
        run, self.run = self.run, None
        if run is not None:
            # Where it cannot be written what was being renewed is known as stale.
            with suppress(ProjectError):
                run.session.end(run, None, complete=False)

    # -- results --------------------------------------------------------------

    def session_of(self, image: Image | None) -> Session | None:
        """Return the results of an image, if there are any."""
        return None if image is None else self._sessions.get(image)

    def sessions(self) -> list[Session]:
        """Return the results of all images."""
        return list(self._sessions.values())

    def session_for(self, image: Image, source: ImageInput) -> Session:
        """Return the results of an image, or a session ready to have some.

        Raises
        ------
        InputError
            There are results of another recording, slice or channel.
        """
        known = self._sessions.get(image)
        if known is not None and known.layers.points is None and not known.fits(source):
            known.kept.drop()  # another picture is shown since the first click
            del self._sessions[image]
            known = None
        if known is not None:
            refuse_other_recording(known, source)
            known.refuse_other_slice(source)
            return known
        return Session(self.viewer, image, source, self._listeners, self._schedule)

    def enter(self, session: Session) -> None:
        """Count a session among those of the viewer."""
        self._sessions[session.image] = session

    def was_kept(self, clicked: Clicked, axes: PixelAxes) -> bool:
        """Tell whether points lie on disk with results that a person has removed."""
        own = result_axes(axes)
        return any(memory.holds(clicked, own) for memory in self._removed)

    def export(self, image: Image | None, path: Path) -> tuple[str, ...]:
        """Write the tracks of an image; return what the format cannot hold.

        Raises
        ------
        InputError
            There are none.
        CoTrackerError
            The file cannot be written.
        """
        session = self.session_of(image)
        if session is not None:
            session.read_layer()
        if session is None or not session.has_tracks:
            raise InputError("There are no tracks to export; press Run first.")
        return self.engine.save_tracks(session.document.tracks, path)

    # -- inside ---------------------------------------------------------------

    def _steps(self, run: Run) -> Steps:
        key = (run.settings.model, run.settings.device)
        loaded = self._loaded
        if loaded is None or loaded[0] != key:
            self._loaded = loaded = None  # frees the old one before the new one is made
            self._loaded = loaded = (key, self.engine.load_model(*key))
        if self._features is None:
            self._features = self.engine.make_features()
        return (yield from run.steps(self.engine, loaded[1], self._features))

    def _adopt_results(self) -> None:
        """Take up results that a closed dock has left in the viewer."""
        images = self.image_layers()
        ours = {
            layer: layer.metadata[METADATA_KEY]
            for layer in self.viewer.layers
            if _is_original(layer)
        }
        trails = {kept["image"]: x for x, kept in ours.items() if isinstance(x, Tracks)}
        results = [layer for layer in ours if isinstance(layer, Points)]
        # An image that was opened again has results of its own first.
        for layer in sorted(results, key=lambda x: ours[x]["over"]() not in images):
            image = image_under(ours[layer], images)
            if image is None or image in self._sessions:
                continue
            with suppress(InputError):
                source = read_image(image, self.viewer.dims.point)
                session = self.session_for(image, source)
                session.restore(layer, trails.get(ours[layer]["image"]))
                self._sessions[image] = session
                if "close" in ours[layer]:
                    ours[layer]["close"].detach()

    def _on_layer_removed(self, event: Any) -> None:
        """Forget results whose image or editable layer a person has removed."""
        layer: Layer = event.value
        for image, session in list(self._sessions.items()):
            if layer is session.layers.trails:
                session.layers.trails, session.layers.wants_trails = None, False
            if layer in (image, session.layers.points):
                del self._sessions[image]
                if self.run is not None and self.run.session is session:
                    self.abandon()
                for left in (session.layers.points, session.layers.trails):
                    if left is not None:
                        leave(left, image)
                if session.project is not None:
                    self._removed.append(session.memory)
                session.close()


def _is_original(layer: Layer) -> bool:
    """Tell a layer with results from a duplicate that a person has made of it."""
    made_for = layer.metadata.get(METADATA_KEY, {}).get("layer")
    return made_for is not None and made_for() is layer
