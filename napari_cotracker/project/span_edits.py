"""Edits of a span of one track."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.project.cells import Cells
from napari_cotracker.project.draft import Draft
from napari_cotracker.project.edit import Edit
from napari_cotracker.tracks import Limit, Source, Span

if TYPE_CHECKING:
    from napari_cotracker.project.document import Document


def delete_span(document: Document, point_id: int, first: int, last: int) -> Edit:
    """Delete everything in a span, anchors too; a run may find it again."""
    draft = Draft(document, [point_id])
    index = draft.span(point_id, first, last)
    draft.cells.put(index, Cells.unknown(last - first + 1))
    return draft.edit("delete span", _sentence(document, point_id, first, last, "gone"))


def delete_forward(document: Document, point_id: int, frame: int) -> Edit:
    """Delete a track from a frame on."""
    return delete_span(document, point_id, frame, document.tracks.n_frames - 1)


def delete_backward(document: Document, point_id: int, frame: int) -> Edit:
    """Delete a track up to a frame, which is the last one deleted."""
    return delete_span(document, point_id, 0, frame)


def hide_span(document: Document, point_id: int, first: int, last: int) -> Edit:
    """Say that a point is there but not visible; runs respect it.

    Predictions in the span are dropped; anchors keep their position as not visible.
    """
    draft = Draft(document, [point_id])
    frames, place = draft.span(point_id, first, last)
    manual = draft.cells.source[frames, place] == Source.MANUAL
    inside = np.arange(first, last + 1)
    draft.cells.put((inside[~manual], place), Cells.unknown(int((~manual).sum())))
    draft.cells.visible[frames, place] = False
    draft.cells.visibility[frames, place] = 0
    span = Span(int(point_id), first, last)
    draft.constraints = draft.constraints.with_hidden(span).without_ends(span)
    return draft.edit("hide", _sentence(document, point_id, first, last, "hidden"))


def show_span(document: Document, point_id: int, first: int, last: int) -> Edit:
    """Take back that a point is hidden, or that its track does not exist."""
    draft = Draft(document, [point_id])
    frames, place = draft.span(point_id, first, last)
    span = Span(int(point_id), first, last)
    hidden = draft.constraints.hidden_mask([point_id], draft.n_frames)[frames, 0]
    manual = draft.cells.source[frames, place] == Source.MANUAL
    seen = np.arange(first, last + 1)[hidden & manual]
    draft.cells.visible[seen, place] = True
    draft.cells.visibility[seen, place] = 1
    draft.constraints = draft.constraints.without_hidden(span).without_ends(span)
    return draft.edit("show", _sentence(document, point_id, first, last, "shown again"))


def end_span(document: Document, point_id: int, first: int, last: int) -> Edit:
    """Say that a track does not exist over a span; runs respect it."""
    draft = Draft(document, [point_id])
    index = draft.span(point_id, first, last)
    draft.cells.put(index, Cells.unknown(last - first + 1))
    span = Span(int(point_id), first, last)
    draft.constraints = draft.constraints.without_hidden(span).with_ends(span)
    return draft.edit("end", _sentence(document, point_id, first, last, "ended"))


def end_track(document: Document, point_id: int, frame: int) -> Edit:
    """Say that a track ends before a frame."""
    return end_span(document, point_id, frame, document.tracks.n_frames - 1)


def begin_track(document: Document, point_id: int, frame: int) -> Edit:
    """Say that a track begins on a frame; on the first one that says nothing."""
    if frame == 0:
        name = document.name_of(point_id)
        return Edit("end", f"Before frame 0 there is nothing of '{name}' to end.", ())
    return end_span(document, point_id, 0, frame - 1)


def limit_track(document: Document, limit: Limit) -> Edit:
    """Say which way, and over which frames, later runs follow a track."""
    draft = Draft(document, [limit.point_id])
    draft.constraints = draft.constraints.with_limit(limit)
    name = document.name_of(limit.point_id)
    return draft.edit("limit", f"Track '{name}' is followed in another way from now.")


def interpolate_span(document: Document, point_id: int, first: int, last: int) -> Edit:
    """Draw straight lines through the anchors of a span and accept what they say.

    The lines start and end at what is known on the first and the last frame; every
    frame of the span becomes an anchor that is seen.

    Raises
    ------
    InputError
        Nothing is known on the first or the last frame.
    """
    draft = Draft(document, [point_id])
    frames, place = draft.span(point_id, first, last)
    knots = draft.cells.source[frames, place] == Source.MANUAL
    knots[[0, -1]] = True
    times = np.arange(first, last + 1)
    for frame in (first, last):
        if not draft.cells.known[frame, place]:
            raise InputError(
                f"Nothing is known of '{document.name_of(point_id)}' on frame {frame}, "
                "so no line can be drawn to it; place a point there."
            )
    known_xy = draft.cells.xy[times[knots], place]
    line_xy = np.stack(
        [np.interp(times, times[knots], values) for values in known_xy.T], axis=1
    ).astype(np.float32)
    line_xy[knots] = known_xy
    draft.cells.put((times, place), Cells.placed(line_xy))
    span = Span(int(point_id), first, last)
    draft.constraints = draft.constraints.without_hidden(span).without_ends(span)
    return draft.edit(
        "interpolate", _sentence(document, point_id, first, last, "interpolated")
    )


def _sentence(
    document: Document, point_id: int, first: int, last: int, what: str
) -> str:
    name = document.name_of(point_id)
    where = f"frame {first}" if first == last else f"frames {first} to {last}"
    return f"Track '{name}', {where}: {what}."
