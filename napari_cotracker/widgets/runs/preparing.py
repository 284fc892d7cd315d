"""From what a person chose, or edited, to a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError
from napari_cotracker.project.runs import RunRequest
from napari_cotracker.widgets.layers.image_input import read_image
from napari_cotracker.widgets.layers.layer_looks import POINTS_SUFFIX
from napari_cotracker.widgets.session.anchors import identify, read_points
from napari_cotracker.widgets.session.clicked import read_clicked
from napari_cotracker.widgets.session.entering import anchors_between
from napari_cotracker.widgets.session.memory import Settings
from napari_cotracker.widgets.session.run import (
    Run,
    options_of,
    refuse_outside,
    span_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.project.runs import StoredRun
    from napari_cotracker.tracks import Queries, Span
    from napari_cotracker.widgets.layers.image_input import ImageInput
    from napari_cotracker.widgets.session.run import Request
    from napari_cotracker.widgets.session.session import Session


def prepare_run(
    number: int,
    session: Session,
    source: ImageInput,
    request: Request,
    weights_of: Callable[[str], str],
) -> Run:
    """Return a run over everything; one that was interrupted goes on.

    Raises
    ------
    CoTrackerError
        Something that was chosen cannot be tracked; nothing was changed.
    """
    options, span = options_of(request, source), span_of(request, source)
    settings = Settings(request.model, request.device, options)
    session.read_layer()
    user = _user_points(session, source, request, span)
    changed = False
    if request.points is not None and user is not None:
        clicked = read_clicked(request.points, session.image)
        changed = session.enter(request.points.name, user, clicked)
    queries = anchors_between(session.document, *span)
    if queries is None:
        raise InputError(
            f"There is no point on the frames {span[0]} to {span[1]}; add one, or "
            "widen the range."
        )
    asked = RunRequest(
        queries,
        request.model,
        weights_of(request.model),
        asdict(options),
        session.document.constraints,
        more={"device": request.device},
    )
    stored = None if changed else _interrupted(session, asked)
    if stored is not None:
        asked = stored.request
    session.begin(asked, go_on=stored is not None)
    return Run(
        number,
        session,
        source,
        asked.queries,
        asked.constraints,
        settings,
        span,
        request=asked,
        windows=() if stored is None else stored.windows,
    )


def prepare_retracking(number: int, session: Session) -> Run | None:
    """Return a run over what edits made stale; None if nothing can be done about it.

    Raises
    ------
    CoTrackerError
        The image or the project file cannot be used.
    """
    settings = session.memory.settings
    if settings is None or not session.memory.stale:
        return None
    source = read_image(session.image, session.position())
    refuse_other_recording(session, source)
    options = settings.options
    span = options.span_in(source.n_frames)
    queries = anchors_between(session.document, *span)
    # Without any anchor a track would be emptied: what is there is of more use.
    followed = set() if queries is None else set(queries.tracks.tolist())
    stale = tuple(s for s in session.memory.stale if s.point_id in followed)
    if queries is None or not stale:
        session.set_stale(())
        return None
    session.begin(None, go_on=False)
    return Run(
        number,
        session,
        source,
        queries,
        session.document.constraints,
        settings,
        span,
        stale=stale,
        focus=_focus(session.layers.frame_in_view(), stale),
        known=session.document.tracks,
    )


def refuse_other_recording(session: Session, source: ImageInput) -> None:
    """Refuse to go on with results in an image whose data was replaced.

    Raises
    ------
    InputError
        It has not the frames, or not the size, that the results are about.
    """
    if session.fits(source):
        return
    tracks, name = session.document.tracks, session.image.name
    raise InputError(
        f"The tracks of '{name}' are about {tracks.n_frames} frames of size "
        f"{tracks.size}, but it now has {source.n_frames} of size {source.size}; show "
        f"the former recording, or delete '{name} {POINTS_SUFFIX}' to start afresh."
    )


def _user_points(
    session: Session, source: ImageInput, request: Request, span: tuple[int, int]
) -> Queries | None:
    """Read the person's layer; None if the session can do without."""
    points, memory = request.points, session.memory
    anchored = session.document.anchors() is not None
    if points is None:
        if anchored:
            return None
        raise InputError(
            "No points layer is chosen; press 'New points' and click on what you "
            "want to follow."
        )
    same_layer = memory.points_layer == points.name
    if len(points.data) == 0 and anchored and not same_layer:
        return None
    user = read_points(points, session.image, source)
    refuse_outside(user, span)
    return identify(
        user, memory.user_points, session.document.tracks, same_layer=same_layer
    )


def _interrupted(session: Session, asked: RunRequest) -> StoredRun | None:
    """Return the run that was interrupted if this one would be the same.

    Edits made since do not matter: they are kept, and what they made stale is tracked
    again afterwards.
    """
    stored = None if session.project is None else session.project.unfinished_run()
    if stored is None or stored.request.spans or not stored.windows:
        return None
    other = set(asked.differences(stored.request)) - {"queries", "constraints"}
    return None if other else stored


def _focus(frame: int, stale: tuple[Span, ...]) -> int | None:
    """Return the frame in view if it is stale, else the nearest one that is."""
    inside = [min(max(frame, span.first), span.last) for span in stale]
    return int(min(inside, key=lambda candidate: abs(candidate - frame), default=0))
