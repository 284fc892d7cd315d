"""From what a person chose, or edited, to a run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError
from napari_cotracker.project.runs import RunRequest
from napari_cotracker.widgets.layers.image_input import read_image
from napari_cotracker.widgets.layers.layer_looks import POINTS_SUFFIX
from napari_cotracker.widgets.session.anchors import identify, read_points
from napari_cotracker.widgets.session.clicked import read_clicked
from napari_cotracker.widgets.session.entering import anchors_between, enter_points
from napari_cotracker.widgets.session.memory import Settings
from napari_cotracker.widgets.session.own_points import (
    OwnPoints,
    earlier_reading,
    id_of,
)
from napari_cotracker.widgets.session.run import (
    Run,
    options_of,
    span_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.layers import Points

    from napari_cotracker.project.runs import StoredRun
    from napari_cotracker.tracks import Span
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
    changed = _enter_points(session, source, request, span)
    every = session.document.anchors()
    queries = anchors_between(session.document, *span)
    if every is None or queries is None:
        raise InputError(_nothing_to_follow(request, span))
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
        n_beyond=len(every) - len(queries),
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


def own_layer(session: Session, layers: Iterable[Points]) -> Points | None:
    """Return the person's layer that a session was last about, if it is there."""
    layers, read = list(layers), session.memory.own_points
    clicked = session.memory.clicked
    for points in layers:
        if clicked and clicked.same_as(read_clicked(points, session.image)):
            return points
    try:
        source = read_image(session.image, session.position())
    except InputError:  # its data was replaced
        return None
    found: dict[int, Points] = {}
    for points in layers:
        with suppress(InputError):  # one that cannot be read never was
            user = read_points(points, session.image, source)
            before = earlier_reading(read, points, user)
            if before is not None:
                found[read.index(before)] = points
    return found[max(found)] if found else None


def points_for(
    session: Session | None,
    sessions: Iterable[Session],
    layers: Iterable[Points],
    chosen: Points | None,
) -> Points | None:
    """Return the person's layer to read for another image that was chosen.

    Parameters
    ----------
    session : Session or None
        Of that image; it knows its layer.
    sessions : iterable of Session
        All there are.
    layers : iterable of Points
        The person's own.
    chosen : Points or None
        Read so far; it stays, unless it is about another image, or the image has been
        tracked from a layer that is gone: that another one is next in line means
        nothing then.
    """
    layers = list(layers)
    known = None if session is None else own_layer(session, layers)
    if known is not None or chosen is None or (session and session.memory.own_points):
        return known
    others = (other for other in sessions if other is not session)
    return None if any(own_layer(x, [chosen]) for x in others) else chosen


def _enter_points(
    session: Session, source: ImageInput, request: Request, span: tuple[int, int]
) -> bool:
    """Take up the person's layer, if there is one; tell whether anything changed."""
    points, read = request.points, session.memory.own_points
    anchored = session.document.anchors() is not None
    if points is None:
        if anchored:
            return False
        raise InputError(
            "No points layer is chosen; press 'New points' and click on what you "
            "want to follow."
        )
    if len(points.data) == 0 and anchored:
        before = earlier_reading(read, points, None)
        if before is None:
            return False
        left = enter_points(session.document, before.points, None)
        if anchors_between(left, *span) is not None:
            return session.enter(OwnPoints(points.name, id_of(points), None), before)
    user = read_points(points, session.image, source)
    inside = (user.frame >= span[0]) & (user.frame <= span[1])
    if not inside.any() and anchors_between(session.document, *span) is None:
        raise InputError(_none_on(span))
    before = earlier_reading(read, points, user)
    others = [own.points for own in read if own.points and own is not before]
    known = None if before is None else before.points
    queries = identify(user, known, others, session.document)
    own = OwnPoints(points.name, id_of(points), queries)
    return session.enter(own, before)


def _nothing_to_follow(request: Request, span: tuple[int, int]) -> str:
    if request.points is None or len(request.points.data) == 0:
        return _none_on(span)
    return (
        f"The points of '{request.points.name}' on the frames {span[0]} to {span[1]} "
        "were removed as tracks; undo that, or move them or add others to follow."
    )


def _none_on(span: tuple[int, int]) -> str:
    return (
        f"There is no point on the frames {span[0]} to {span[1]}; add one, or widen "
        "the range."
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
