"""What a person changed in their own points since they were last read.

The document holds every anchor. The person's points enter it once; from then on only
what they add, move or delete in their layer does, so that edits of tracked points stay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.project import Cells, Document, columns_of
from napari_cotracker.project.changes import with_tracks
from napari_cotracker.tracks import Queries, Source, Span, Tracks
from napari_cotracker.widgets.session.matching import unnamed

if TYPE_CHECKING:
    import numpy.typing as npt

    Place = tuple[int, int]  # point_id, frame


def empty_document(n_frames: int, size: tuple[int, int]) -> Document:
    """Return a document of a recording about which nothing is known."""
    return Document(Tracks.empty(n_frames, (), (), size=size))


def enter_points(
    document: Document, before: Queries | None, now: Queries | None
) -> Document:
    """Let what changed between two readings of the person's points count as anchors.

    Parameters
    ----------
    document : Document
    before, now : Queries or None
        The person's points with identities, at the last reading and at this one.

    Returns
    -------
    Document
        The same object if nothing changed. A track whose last anchor was taken away
        is gone; a position that is no anchor any more is a prediction. A track whose
        points have got a name by now has it too.
    """
    old, new = _places(before), _places(now)
    placed = {key: xy for key, xy in new.items() if old.get(key) != xy}
    gone = [key for key in old if key not in new]
    if gone:
        document = _without_anchors(document, gone, keep={key[0] for key in placed})
    if placed and now is not None:
        document = _with_anchors(document, placed, now)
    return document if now is None else _named(document, before, now)


def anchors_of(document: Document, point_ids: list[int]) -> Queries | None:
    """Return the anchors of some tracks only."""
    return _only(document, set(point_ids)).anchors()


def anchors_between(document: Document, first: int, last: int) -> Queries | None:
    """Return the anchors on some frames, both inclusive; None if there are none."""
    anchors = document.anchors()
    if anchors is None:
        return None
    inside = np.flatnonzero((anchors.frame >= first) & (anchors.frame <= last))
    if len(inside) == 0:
        return None
    return Queries(
        anchors.frame[inside],
        anchors.xy[inside],
        anchors.point_id[inside],
        tuple(anchors.name[i] for i in inside),
    )


def _places(queries: Queries | None) -> dict[Place, tuple[float, float]]:
    if queries is None:
        return {}
    return {
        (int(i), int(t)): (float(x), float(y))
        for i, t, (x, y) in zip(
            queries.point_id, queries.frame, queries.xy, strict=True
        )
    }


def _without_anchors(document: Document, gone: list[Place], keep: set[int]) -> Document:
    """Make predictions of anchors that no edit made; drop tracks without anchors."""
    frame, column = _cells(document, gone)
    mine = (document.tracks.source[frame, column] == Source.MANUAL) & ~document.edited[
        frame, column
    ]
    at = (frame[mine], column[mine])
    values = document.cells.at(at)
    values.source[:] = Source.MODEL
    document = document.with_cells(document.cells.with_values(at, values))
    anchored = (document.tracks.source == Source.MANUAL).any(axis=0)
    touched = set(document.tracks.point_id[column].tolist())
    over = [
        int(i)
        for i in document.tracks.point_id[~anchored]
        if int(i) in touched and int(i) not in keep
    ]
    return _only(document, set(document.tracks.point_id.tolist()) - set(over))


def _with_anchors(
    document: Document, placed: dict[Place, tuple[float, float]], now: Queries
) -> Document:
    ids = list(dict.fromkeys(point_id for point_id, _ in placed))
    tracks = document.tracks
    new = [i for i in ids if i not in set(tracks.point_id.tolist())]
    names = tuple(now.name_of(i) for i in new)
    document = with_tracks(
        document, [*tracks.point_id.tolist(), *new], tracks.name + names
    )
    at = _cells(document, list(placed))
    values = Cells.placed(np.array(list(placed.values()), np.float32))
    values.edited[:] = False
    spans = [Span(i, t, t) for i, t in placed]
    decided = document.constraints.without_hidden(*spans).without_ends(*spans)
    document = document.with_cells(document.cells.with_values(at, values))
    return replace(document, constraints=decided)


def _named(document: Document, before: Queries | None, now: Queries) -> Document:
    """Give tracks that were left unnamed the names that their points have by now."""
    tracks = document.tracks
    table = dict(zip(tracks.point_id.tolist(), tracks.name, strict=True))
    was_open = {i for i, name in table.items() if name == unnamed(i)}
    if before is not None:
        ids = before.point_id.tolist()
        names = zip(ids, before.name, strict=True)
        was_open |= {i for i, name in names if name == unnamed(i)}
    given = {
        i: name
        for i, name in zip(now.point_id.tolist(), now.name, strict=True)
        if name != unnamed(i) and i in was_open and i in table
    }
    table |= given
    if tuple(table.values()) == tracks.name:
        return document
    return with_tracks(document, list(table), tuple(table.values()))


def _only(document: Document, wanted: set[int]) -> Document:
    """Return a document of some tracks, with all that was decided about them."""
    tracks = document.tracks
    kept = [
        (i, name)
        for i, name in zip(tracks.point_id.tolist(), tracks.name, strict=True)
        if i in wanted
    ]
    if len(kept) == tracks.n_tracks:
        return document
    fewer = with_tracks(document, [i for i, _ in kept], tuple(n for _, n in kept))
    return replace(fewer, constraints=document.constraints.of(wanted))


def _cells(
    document: Document, places: list[Place]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return frame and column of places whose track is still there."""
    ids, frames = np.array(places, np.int64).reshape(-1, 2).T
    column = columns_of(document.tracks, ids)
    here = column >= 0
    return frames[here], column[here]
