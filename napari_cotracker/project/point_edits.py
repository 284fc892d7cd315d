"""Edits of single positions; each function takes any number of them as one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.project.cells import Cells
from napari_cotracker.project.document import columns_of
from napari_cotracker.project.draft import (
    Draft,
    framed,
    named,
    points_as_spans,
)
from napari_cotracker.project.edit import Edit
from napari_cotracker.tracks import Queries, Source
from napari_cotracker.tracks.wording import counted

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.project.document import Document

    Integers = npt.NDArray[np.int64]


def place_points(
    document: Document,
    frame: npt.ArrayLike,
    point_id: npt.ArrayLike,
    xy: npt.ArrayLike,
) -> Edit:
    """Move points, or add them where a track has none; they become anchors.

    A point that is placed is seen: its frame is neither hidden nor beyond the end of
    its track any more.

    Parameters
    ----------
    document : Document
    frame, point_id : (M,) int
        Of several values for one frame of one track the last one counts.
    xy : (M, 2) float
        Pixels.

    Raises
    ------
    InputError
        No such track or frame, or positions that are not finite.
    """
    frame, point_id = _addresses(document, frame, point_id)
    placed_xy = np.asarray(xy, np.float32).reshape(len(frame), 2)
    if not np.isfinite(placed_xy).all():
        raise InputError("A point was placed at NaN or infinity; give finite pixels.")
    draft = Draft(document, point_id)
    known = draft.cells.known[frame, draft.place_of(point_id)]
    _place(draft, frame, point_id, placed_xy)
    kind = "move" if known.all() else "add"
    verb = "moved" if kind == "move" else "placed"
    return draft.edit(kind, f"{_points(document, frame, point_id)} {verb}.")


def add_track(
    document: Document, name: str, frame: npt.ArrayLike, xy: npt.ArrayLike
) -> Edit:
    """Add a track with its first anchors, (M,) frames and (M, 2) positions."""
    frame = np.atleast_1d(np.asarray(frame, np.int64))
    point_id = np.full(len(frame), fresh_id(document), np.int64)
    queries = Queries(frame, np.reshape(xy, (-1, 2)), point_id, (name,) * len(frame))
    edit = import_labels(document, queries, match_names=False)
    return Edit("add track", f"Track '{name}' added.", edit.changes)


def delete_points(
    document: Document, frame: npt.ArrayLike, point_id: npt.ArrayLike
) -> Edit:
    """Delete positions, (M,) frames and identities; a run may find them again."""
    frame, point_id = _addresses(document, frame, point_id)
    draft = Draft(document, point_id)
    draft.cells.put((frame, draft.place_of(point_id)), Cells.unknown(len(frame)))
    return draft.edit("delete", f"{_points(document, frame, point_id)} deleted.")


def accept(document: Document, frame: npt.ArrayLike, point_id: npt.ArrayLike) -> Edit:
    """Accept predictions as truth: (M,) positions become anchors as they are.

    One that is predicted as not visible becomes an anchor in a hidden frame.

    Raises
    ------
    InputError
        Nothing is known at one of them.
    """
    frame, point_id = _addresses(document, frame, point_id)
    draft = Draft(document, point_id)
    place = draft.place_of(point_id)
    unknown = ~draft.cells.known[frame, place]
    if unknown.any():
        i = int(np.argmax(unknown))
        raise InputError(
            f"Track {point_id[i]} has no position on frame {frame[i]} that could be "
            "accepted; place a point there."
        )
    fresh = draft.cells.source[frame, place] != Source.MANUAL
    draft.accept((frame[fresh], np.asarray(place)[fresh]))
    return draft.edit("accept", f"{_points(document, frame, point_id)} accepted.")


def import_labels(
    document: Document, labels: Queries, *, match_names: bool = True
) -> Edit:
    """Place labels of a file or another layer.

    Parameters
    ----------
    document : Document
    labels : Queries
    match_names : bool
        Labels of a track go to the track of that name; without one of that name (or
        with False) to a new track.

    Raises
    ------
    InputError
        Labels lie outside the recording.
    """
    tracks = document.tracks
    if tracks.size != (0, 0):
        labels.check_inside(tracks.n_frames, tracks.size)
    ids, added = _matched(document, labels, match_names=match_names)
    known = [i for i in ids.tolist() if i not in {point_id for point_id, _ in added}]
    draft = Draft(document, known, tuple(added))
    _refuse_frames(labels.frame, tracks.n_frames)
    _place(draft, labels.frame, ids, labels.xy)
    return draft.edit(
        "import labels",
        f"{counted(len(labels), 'label')} of {counted(len(labels.tracks), 'track')} "
        "imported.",
    )


def fresh_id(document: Document) -> int:
    """Return an identity that no track has or had: history speaks of those too."""
    return document.next_id


def _matched(
    document: Document, labels: Queries, *, match_names: bool
) -> tuple[Integers, list[tuple[int, str]]]:
    """Return the track of every label, and the tracks to add for them."""
    tracks = document.tracks
    by_name = dict(zip(tracks.name, tracks.point_id.tolist(), strict=True))
    target: dict[int, int] = {}
    added: list[tuple[int, str]] = []
    for point_id in labels.tracks.tolist():
        name = labels.name_of(point_id)
        if match_names and name in by_name:
            target[point_id] = by_name[name]
            continue
        target[point_id] = fresh_id(document) + len(added)
        added.append((target[point_id], name))
    return np.array([target[i] for i in labels.point_id.tolist()], np.int64), added


def _place(
    draft: Draft,
    frame: Integers,
    point_id: Integers,
    xy: npt.NDArray[np.float32],
) -> None:
    draft.cells.put((frame, draft.place_of(point_id)), Cells.placed(xy))
    spans = points_as_spans(point_id, frame)
    draft.constraints = draft.constraints.without_hidden(*spans).without_ends(*spans)


def _addresses(
    document: Document, frame: npt.ArrayLike, point_id: npt.ArrayLike
) -> tuple[Integers, Integers]:
    frames = np.atleast_1d(np.asarray(frame, np.int64))
    ids = np.broadcast_to(np.asarray(point_id, np.int64), frames.shape)
    missing = columns_of(document.tracks, ids) < 0
    if missing.any():
        document.column_of(int(ids[np.argmax(missing)]))
    _refuse_frames(frames, document.tracks.n_frames)
    return frames, ids


def _refuse_frames(frame: Integers, n_frames: int) -> None:
    outside = (frame < 0) | (frame >= n_frames)
    if outside.any():
        raise InputError(
            f"There is no frame {frame[outside][0]}; the recording has frames 0 to "
            f"{n_frames - 1}."
        )


def _points(document: Document, frame: Integers, point_id: Integers) -> str:
    where = f"of {named(document, point_id)} on {framed(frame)}" if len(frame) else ""
    return f"{counted(len(frame), 'point')} {where}".strip()
