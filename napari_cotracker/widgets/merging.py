"""New results over old ones: nothing a person did, and nothing finished, is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from napari_cotracker.tracks import Source, Tracks
from napari_cotracker.widgets.edits import CellEdit, Cells, Labels, columns_of

KEYS = ("xy", "visibility", "confidence", "visible", "source", "disagreement")


def merge(
    new: Tracks,
    start: Labels | None,
    now: Labels | None,
    span: tuple[int, int] | None,
) -> Labels:
    """Lay the tracks of a run over what was known before.

    Parameters
    ----------
    new : Tracks
        What the run knows; its tracks are those of the result.
    start : Labels or None
        What was known when the run started: fills what the run does not know.
    now : Labels or None
        What is known at present: its edits stay.
    span : (first, last) or None
        Frames, both inclusive, in which nothing of ``start`` stays; None = fill
        wherever the run knows nothing.

    Returns
    -------
    Labels
    """
    if now is not None:
        new = _with_edited_tracks(new, now)
    labels = Labels(new, np.zeros(new.source.shape, np.bool_))
    if start is not None:
        labels = _filled(labels, start, span)
    if now is not None:
        labels = _edits_of(now).apply(labels)
    return labels


def _with_edited_tracks(new: Tracks, now: Labels) -> Tracks:
    """Append tracks a person edited that the run did not follow (out of its range)."""
    column = np.flatnonzero(
        now.edited.any(axis=0) & ~np.isin(now.tracks.point_id, new.point_id)
    )
    if len(column) == 0:
        return new
    more = Tracks.empty(
        new.n_frames,
        now.tracks.point_id[column],
        tuple(now.tracks.name[c] for c in column),
        size=new.size,
    )
    wider: dict[str, Any] = {
        key: np.concatenate([getattr(new, key), getattr(more, key)], axis=1)
        for key in KEYS
    }
    point_id = np.concatenate([new.point_id, more.point_id])
    return replace(new, point_id=point_id, name=new.name + more.name, **wider)


def _filled(labels: Labels, start: Labels, span: tuple[int, int] | None) -> Labels:
    new, old = labels.tracks, start.tracks
    column = columns_of(old, new.point_id)
    here = np.flatnonzero(column >= 0)
    n_frames = min(new.n_frames, old.n_frames)
    fill = new.source[:n_frames][:, here] == Source.EMPTY
    if span is not None:
        fill[span[0] : span[1] + 1] = False
    frame, place = np.nonzero(fill)
    values = Cells.of(start, frame, column[here[place]])
    # What was placed by hand, but is no anchor of this run, is a result like others.
    stale = (values.source == Source.MANUAL) & ~values.edited
    values = replace(
        values, source=np.where(stale, np.uint8(Source.MODEL), values.source)
    )
    return CellEdit(frame, new.point_id[here[place]], values, values).apply(labels)


def _edits_of(now: Labels) -> CellEdit:
    frame, column = np.nonzero(now.edited)
    values = Cells.of(now, frame, column)
    return CellEdit(frame, now.tracks.point_id[column], values, values)
