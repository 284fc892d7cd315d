"""A step back or forth in the history; what a person placed meanwhile stays.

An edit says what was there before it and what is there after it. Between the edit and
the step a person may have put a point of their own there, which is no edit: it is
newer than both, and nothing would ever bring it back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.project.changes import CellChange, with_tracks
from napari_cotracker.project.document import Document, columns_of
from napari_cotracker.project.draft import points_as_spans
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.project.edit import Edit

    Integers = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


def travelled(document: Document, edit: Edit) -> Document:
    """Apply an edit that was taken back, or the inverse of one.

    Parameters
    ----------
    document : Document
        With own points that may have come, or moved, since the edit was made.
    edit : Edit

    Returns
    -------
    Document
        Own points are as they were, unless the edit itself was about them.
    """
    after = edit.apply(document)
    own = (document.tracks.source == Source.MANUAL) & ~document.edited
    if not own.any():
        return after
    touched, foreseen = _spoken_of(document, edit)
    left = (columns_of(after.tracks, document.tracks.point_id) < 0)[None]
    # One that is hidden is not seen, so one that is seen was never meant.
    decided = _decided(after, document) & document.tracks.visible
    lost = own & np.where(touched, ~foreseen, left | decided)
    if not lost.any():
        return after
    frame, column = np.nonzero(lost)
    ids = document.tracks.point_id[column].tolist()
    where = zip(frame.tolist(), ids, strict=True)
    now = [_followed(document, after, edit, t, i) for t, i in where]
    return _put_back(document, after, (frame, column), np.array(now, np.int64))


def own_at(document: Document, frame: int, xy: npt.NDArray[np.float32]) -> Integers:
    """Return the tracks that have an own point at a position (2,) on a frame."""
    tracks = document.tracks
    own = (tracks.source[frame] == Source.MANUAL) & ~document.edited[frame]
    return tracks.point_id[own & (tracks.xy[frame] == xy).all(axis=1)]


def _spoken_of(document: Document, edit: Edit) -> tuple[Mask, Mask]:
    """Mark the positions that an edit changes, and those that are as it expects."""
    shape = document.tracks.source.shape
    touched, foreseen = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    for change in edit.changes:
        if not isinstance(change, CellChange):
            continue
        column = columns_of(document.tracks, change.point_id)
        here = np.flatnonzero((column >= 0) & (change.frame < shape[0]))
        here = here[~touched[change.frame[here], column[here]]]
        at = (change.frame[here], column[here])
        expected, now = change.before.at(here), document.cells.at(at)
        touched[at] = True
        foreseen[at] = (
            (expected.source == now.source)
            & (expected.edited == now.edited)
            & (expected.xy == now.xy).all(axis=1)
        )
    return touched, foreseen


def _decided(document: Document, about: Document) -> Mask:
    """Mark where tracks of another document are hidden or ended in this one."""
    ids, n_frames = about.tracks.point_id, about.tracks.n_frames
    decided = document.constraints
    return decided.hidden_mask(ids, n_frames) | decided.ended_mask(ids, n_frames)


def _followed(
    document: Document, after: Document, edit: Edit, frame: int, point_id: int
) -> int:
    """Return the track that an own point belongs to after a step.

    An edit that moved the point to another track, such as a split, does so too where
    the point has another position by now.
    """
    for change in edit.changes:
        if not isinstance(change, CellChange):
            continue
        at = np.flatnonzero((change.frame == frame) & (change.point_id == point_id))
        if len(at) == 0:
            continue
        known = change.before.at(at[:1])
        if known.source[0] != Source.MANUAL or known.edited[0]:
            break
        was = own_at(document, frame, known.xy[0])
        now = own_at(after, frame, known.xy[0])
        return int(next((i for i in now if i not in was), point_id))
    return point_id


def _put_back(
    before: Document, after: Document, at: tuple[Integers, ...], ids: Integers
) -> Document:
    """Return a document with some positions as they were, in tracks of these ids."""
    frame, column = at
    missing = np.unique(column[columns_of(after.tracks, ids) < 0])
    tracks = after.tracks
    after = with_tracks(
        after,
        [*tracks.point_id.tolist(), *before.tracks.point_id[missing].tolist()],
        (*tracks.name, *(before.tracks.name[k] for k in missing)),
    )
    there = (frame, columns_of(after.tracks, ids))
    after = after.with_cells(after.cells.with_values(there, before.cells.at(at)))
    n_frames = before.tracks.n_frames
    hidden = before.constraints.hidden_mask(before.tracks.point_id, n_frames)[at]
    spans = points_as_spans(ids, frame)
    decided = after.constraints.without_hidden(*spans).without_ends(*spans)
    stays = [span for span, is_hidden in zip(spans, hidden, strict=True) if is_hidden]
    return replace(after, constraints=decided.with_hidden(*stays))
