"""Edits of whole tracks and of which track is which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.project.cells import Cells
from napari_cotracker.project.changes import Entry, Renaming, TableChange
from napari_cotracker.project.draft import Draft, framed, spans_where
from napari_cotracker.project.edit import Edit
from napari_cotracker.project.point_edits import fresh_id
from napari_cotracker.tracks import Source, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_cotracker.project.document import Document


def rename_track(document: Document, point_id: int, name: str) -> Edit:
    """Give a track another name (:class:`InputError` if it is empty)."""
    before, after = document.name_of(point_id), name.strip()
    if not after:
        raise InputError(f"Track '{before}' cannot be renamed to nothing; give a name.")
    renaming = Renaming(int(point_id), before, after)
    changes = () if before == after else (TableChange(renamed=(renaming,)),)
    return Edit("rename", f"Track '{before}' is now called '{after}'.", changes)


def remove_tracks(document: Document, point_ids: Sequence[int]) -> Edit:
    """Delete tracks with everything known and decided about them."""
    draft = Draft(document, point_ids)
    names = ", ".join(f"'{document.name_of(i)}'" for i in draft.point_id.tolist())
    _empty(draft, draft.point_id.tolist())
    return Edit(
        "remove tracks",
        f"Removed {names}.",
        (*draft.changes(), _removal(document, draft.point_id.tolist())),
    )


def merge_tracks(document: Document, point_id: int, other_id: int) -> Edit:
    """Make one track of two that turned out to be the same point.

    Where both know something the anchor counts, and ``point_id`` where neither or both
    are anchors. What comes from the other track is pinned by an anchor at both ends of
    each stretch, so that later runs keep it.

    Raises
    ------
    InputError
        Both are the same track.
    """
    if point_id == other_id:
        raise InputError(f"Track {point_id} cannot be merged with itself; choose two.")
    draft = Draft(document, [point_id, other_id])
    into, away = (int(draft.place_of(i)) for i in (point_id, other_id))
    one, two = (draft.cells.at((slice(None), k)) for k in (into, away))
    one_manual, two_manual = (c.source == Source.MANUAL for c in (one, two))
    taken = two.known & ~one_manual & (two_manual | ~one.known)
    frames = np.flatnonzero(taken)
    draft.cells.put((frames, into), two.at(frames))
    _merge_constraints(draft, point_id, other_id, one.known, two.known)
    for span in spans_where(point_id, taken):
        _pin(draft, span)
    _empty(draft, [other_id])
    one_name, two_name = document.name_of(point_id), document.name_of(other_id)
    return Edit(
        "merge",
        f"Tracks '{one_name}' and '{two_name}' are one, called '{one_name}'.",
        (*draft.changes(), _removal(document, [other_id])),
    )


def split_track(document: Document, point_id: int, frame: int, name: str = "") -> Edit:
    """Make two tracks of one: from a frame on it is another, new point.

    Each ends where the other begins, and later runs respect that.

    Raises
    ------
    InputError
        One of the two would have no frames.
    """
    n_frames = document.tracks.n_frames
    if not 0 < frame < n_frames:
        raise InputError(
            f"A track cannot be split at frame {frame}; choose one of 1 to "
            f"{n_frames - 1}."
        )
    old_name, new_id = document.name_of(point_id), fresh_id(document)
    new_name = name.strip() or f"{old_name} (2)"
    draft = Draft(document, [point_id], ((new_id, new_name),))
    late, early = Span(point_id, frame, n_frames - 1), Span(new_id, 0, frame - 1)
    _exchange(draft, point_id, new_id, late)
    draft.constraints = draft.constraints.with_ends(late, early)
    for span in (late._replace(point_id=new_id), early._replace(point_id=point_id)):
        _pin(draft, span)
    sentence = f"Track '{old_name}' is '{new_name}' from frame {frame} on."
    return draft.edit("split", sentence)


def swap_tracks(
    document: Document, point_id: int, other_id: int, first: int, last: int
) -> Edit:
    """Exchange two tracks over a span; anchors at its ends keep later runs to it.

    Where nothing is known between the anchors of a track outside of the span and what
    it was given, it ends: a run would bring back what was taken from it.

    Raises
    ------
    InputError
        Both are the same track, or the span is not within the recording.
    """
    if point_id == other_id:
        raise InputError(f"Track {point_id} cannot be swapped with itself; choose two.")
    draft = Draft(document, [point_id, other_id])
    draft.span(point_id, first, last)
    _exchange(draft, point_id, other_id, Span(point_id, first, last))
    one, two = document.name_of(point_id), document.name_of(other_id)
    said = [f"Tracks '{one}' and '{two}' are exchanged on frames {first} to {last}."]
    for i, name in ((point_id, one), (other_id, two)):
        span = Span(i, first, last)
        _pin(draft, span)
        ends = _open_to_outside(draft, span)
        draft.constraints = draft.constraints.with_ends(*ends)
        said += [f"On {framed(end[1:])} there is nothing for '{name}'." for end in ends]
    return draft.edit("swap", " ".join(said))


def _exchange(draft: Draft, point_id: int, other_id: int, span: Span) -> None:
    """Exchange the values and decisions of two tracks over a span."""
    frames = slice(span.first, span.last + 1)
    places = [int(draft.place_of(i)) for i in (point_id, other_id)]
    values = [draft.cells.at((frames, k)) for k in places]
    draft.cells.put((frames, places[0]), values[1])
    draft.cells.put((frames, places[1]), values[0])
    for key in ("hidden", "ends"):
        masks = [_mask(draft, key, i) for i in (point_id, other_id)]
        swapped = [mask.copy() for mask in masks]
        swapped[0][frames], swapped[1][frames] = masks[1][frames], masks[0][frames]
        for i, mask in zip((point_id, other_id), swapped, strict=True):
            _decide(draft, key, i, mask)


def _merge_constraints(
    draft: Draft,
    point_id: int,
    other_id: int,
    one_known: npt.NDArray[np.bool_],
    two_known: npt.NDArray[np.bool_],
) -> None:
    """Hidden where the track that knows nothing better is; ended where both are."""
    hidden = [_mask(draft, "hidden", i) for i in (point_id, other_id)]
    both_ended = _mask(draft, "ends", point_id) & _mask(draft, "ends", other_id)
    taken = draft.cells.visible[:, int(draft.place_of(point_id))]
    either = (
        (hidden[0] & ~two_known) | (hidden[1] & ~one_known) | (hidden[0] & hidden[1])
    )
    _decide(draft, "hidden", point_id, either & ~taken)
    _decide(draft, "ends", point_id, both_ended)


def _mask(draft: Draft, key: str, point_id: int) -> npt.NDArray[np.bool_]:
    ask = {
        "hidden": draft.constraints.hidden_mask,
        "ends": draft.constraints.ended_mask,
    }[key]
    return ask([point_id], draft.n_frames)[:, 0]


def _decide(draft: Draft, key: str, point_id: int, mask: npt.NDArray[np.bool_]) -> None:
    others = tuple(
        span for span in getattr(draft.constraints, key) if span.point_id != point_id
    )
    spans = (*others, *spans_where(point_id, mask))
    draft.constraints = replace(draft.constraints, **{key: spans})


def _pin(draft: Draft, span: Span) -> None:
    """Make anchors of the first and the last visible position of a span."""
    frames, place = draft.span(*span)
    seen = span.first + np.flatnonzero(draft.cells.visible[frames, place])
    for frame in seen[[0, -1]].tolist() if len(seen) else ():
        if draft.cells.source[frame, place] != Source.MANUAL:
            draft.accept((np.array([frame]), np.array([place])))


def _open_to_outside(draft: Draft, span: Span) -> list[Span]:
    """Return the empty parts of a span that anchors outside of it would fill."""
    frames, place = draft.span(*span)
    decided = {key: _mask(draft, key, span.point_id) for key in ("hidden", "ends")}
    there = (draft.cells.known[:, place] | decided["hidden"])[frames]
    anchors = draft.cells.source[:, place] == Source.MANUAL
    before = ~np.maximum.accumulate(there) & anchors[: span.first].any()
    behind = ~np.maximum.accumulate(there[::-1])[::-1] & anchors[span.last + 1 :].any()
    empty = np.zeros(draft.n_frames, np.bool_)
    empty[frames] = before | behind
    return spans_where(span.point_id, empty & ~decided["ends"])


def _empty(draft: Draft, point_ids: list[int]) -> None:
    for point_id in point_ids:
        at = (slice(None), int(draft.place_of(point_id)))
        draft.cells.put(at, Cells.unknown(draft.n_frames))
    draft.constraints = draft.constraints.without(point_ids)


def _removal(document: Document, point_ids: list[int]) -> TableChange:
    places = sorted(document.column_of(i) for i in point_ids)
    tracks = document.tracks
    return TableChange(
        removed=tuple(Entry(k, int(tracks.point_id[k]), tracks.name[k]) for k in places)
    )
