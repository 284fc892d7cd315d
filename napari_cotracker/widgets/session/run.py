"""One run: what was asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.tracking import TrackingOptions, invalid_spans
from napari_cotracker.widgets.session.entering import anchors_between

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Points

    from napari_cotracker.project import Document
    from napari_cotracker.project.runs import RunRequest
    from napari_cotracker.tracks import Constraints, Queries, Span, Tracks
    from napari_cotracker.widgets.engine import Engine, Steps
    from napari_cotracker.widgets.layers.image_input import ImageInput
    from napari_cotracker.widgets.session.memory import Settings
    from napari_cotracker.widgets.session.session import Session


@dataclass(frozen=True, eq=False)
class Request:
    """What the person chose.

    Parameters
    ----------
    image, points : layers or None
    model, device, direction : str
    first_frame, last_frame : int or None
        Both inclusive; None = start or end of the recording.
    """

    image: Image | None
    points: Points | None
    model: str = "compact"
    device: str = "auto"
    direction: str = "both"
    first_frame: int | None = None
    last_frame: int | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """One run on its way.

    Parameters
    ----------
    number : int
        A later run has a higher one.
    session : Session
        Takes the results.
    source : ImageInput
    queries : Queries
        Every anchor on the frames to track.
    constraints : Constraints
    settings : Settings
    span : (first, last)
        Frames to track, both inclusive.
    stale : tuple of Span
        What is to be renewed; empty = everything.
    focus : int or None
        Frame to renew first.
    known : Tracks or None
        The present result, of which the stale part is to be renewed.
    request : RunRequest or None
        What a project file keeps of it; None if only a part is renewed.
    windows : tuple of bytes
        What an interrupted run had finished already.
    n_beyond : int
        Number of anchors on other frames, which are not followed.
    """

    number: int
    session: Session
    source: ImageInput
    queries: Queries
    constraints: Constraints
    settings: Settings
    span: tuple[int, int]
    stale: tuple[Span, ...] = ()
    focus: int | None = None
    known: Tracks | None = None
    request: RunRequest | None = None
    windows: tuple[bytes, ...] = ()
    n_beyond: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether everything is tracked, not only what an edit made stale."""
        return not self.stale

    def asked(self, found: Tracks) -> npt.NDArray[np.bool_]:
        """Mark the positions (T, N) that the run is to renew."""
        asked = np.zeros(found.source.shape, np.bool_)
        if self.is_whole:
            asked[self.span[0] : self.span[1] + 1] = True
        for span in self.stale:
            asked[span.first : span.last + 1, found.point_id == span.point_id] = True
        return asked

    def stale_by_now(self, document: Document) -> tuple[Span, ...]:
        """Return what does not follow from the anchors that the run was begun with."""
        return invalid_spans(
            self.queries,
            anchors_between(document, *self.span),
            document.tracks.n_frames,
            constraints_before=self.constraints,
            constraints_after=document.constraints,
            options=self.settings.options,
        )

    def steps(self, engine: Engine, model: Any, features: Any) -> Steps:
        """Track; meant for a worker thread."""
        options = self.settings.options
        shared = {"constraints": self.constraints, "features": features}
        video = self.source.video
        if self.is_whole:
            return engine.track_iter(
                video,
                self.queries,
                model=model,
                options=options,
                resume=[engine.read_window(window) for window in self.windows],
                **shared,
            )
        return engine.retrack_iter(
            video,
            self.queries,
            self.known,
            self.stale,
            model=model,
            options=options,
            focus_frame=self.focus,
            **shared,
        )


def options_of(request: Request, source: ImageInput) -> TrackingOptions:
    """Return the options of a request for a recording.

    Raises
    ------
    InputError
        The frames or the direction make no sense.
    """
    first, last = span_of(request, source)
    if first > last:
        raise InputError(
            f"The first frame ({first}) comes after the last ({last}); swap them."
        )
    return TrackingOptions(
        direction=request.direction,  # type: ignore[arg-type]
        first_frame=first if first > 0 else None,
        last_frame=last if last < source.n_frames - 1 else None,
        contrast_limits=source.contrast_limits,
    )


def span_of(request: Request, source: ImageInput) -> tuple[int, int]:
    """Return the first and the last frame to track, both inclusive."""
    last = request.last_frame
    return request.first_frame or 0, source.n_frames - 1 if last is None else last
