"""Points that a person is clicking are kept before any run reads them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError, ProjectError
from napari_cotracker.widgets.layers.image_input import read_image
from napari_cotracker.widgets.session.clicked import read_clicked

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image, Points

    from napari_cotracker.widgets.runs.controller import TrackingController
    from napari_cotracker.widgets.session.clicked import Clicked
    from napari_cotracker.widgets.session.session import Session


class Clicks:
    """Keeps the Points layer that is chosen in a dock, as it changes.

    Parameters
    ----------
    controller : TrackingController
    soon : () -> None
        Asked for a call of :meth:`keep` when the person pauses.
    """

    def __init__(
        self, controller: TrackingController, soon: Callable[[], object]
    ) -> None:
        self._controller = controller
        self._soon = soon
        self._image: Image | None = None
        self._points: Points | None = None

    def watch(self, image: Image | None, points: Points | None) -> None:
        """Keep these points over this image from now on; None = there are none."""
        if image is self._image and points is self._points:
            return
        if self._points is not None:
            with suppress(ProjectError):  # told when the next edit cannot be written
                self.keep()
        self.leave()
        self._image, self._points = image, points
        if points is not None:
            points.events.data.connect(self._on_changed)
            points.events.features.connect(self._on_changed)
        self._soon()  # that they are gone may be napari's closing

    def leave(self) -> None:
        """Listen no longer; what is kept stays as it is."""
        if self._points is not None:
            self._points.events.data.disconnect(self._on_changed)
            self._points.events.features.disconnect(self._on_changed)
        self._image = self._points = None

    def keep(self) -> None:
        """Keep what is there.

        What lies on disk with results that a person has removed since does not become
        unsaved work of its own, which would be offered before those.

        Raises
        ------
        ProjectError
            The project file of a person cannot be written.
        """
        image, points = self._image, self._points
        if image is None or image not in self._controller.viewer.layers:
            return
        clicked = None if points is None else read_clicked(points, image)
        session = self._controller.session_of(image)
        if session is None and clicked is not None:
            session = self._begin(image, clicked)
        if session is not None:
            others = self._set_aside(session)
            session.kept.keep_clicked(clicked, others, session.axes)

    def _set_aside(self, session: Session) -> list[Clicked]:
        """Return layers that were chosen before, as they are now."""
        if self._points is None:
            return []
        names = {known.layer for known in session.memory.not_read}
        layers = self._controller.points_layers()
        found = [
            read_clicked(points, session.image)
            for points in layers
            if points is not self._points and points.name in names
        ]
        return [clicked for clicked in found if clicked is not None]

    def _begin(self, image: Image, clicked: Clicked) -> Session | None:
        try:
            source = read_image(image, self._controller.viewer.dims.point)
            if self._controller.was_kept(clicked, source.axes):
                return None
            session = self._controller.session_for(image, source)
        except InputError:
            return None  # said when Run is pressed
        self._controller.enter(session)
        return session

    def _on_changed(self, event: object = None) -> None:
        self._soon()
