"""Which predictions do not follow from the anchors any more after an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.project import columns_of
from napari_cotracker.project.draft import spans_where
from napari_cotracker.tracking import invalid_spans
from napari_cotracker.tracks import Source
from napari_cotracker.widgets.session.entering import anchors_of
from napari_cotracker.widgets.session.hand_edits import cell_changes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_cotracker.project import Document, Edit
    from napari_cotracker.tracks import Span, Tracks
    from napari_cotracker.widgets.session.memory import Memory


def made_stale(
    memory: Memory, before: Document, now: Document, step: Edit, *, travelled: bool
) -> list[Span]:
    """Return the spans that a step made stale, beside those that are.

    Parameters
    ----------
    memory : Memory
    before, now : Document
    step : Edit
        What led from one to the other.
    travelled : bool
        Whether it was a step back or forth: predictions that it brought back are
        those of an older run.
    """
    if memory.settings is None:
        return []  # nothing was predicted yet
    point_ids = step.tracks
    spans = list(
        invalid_spans(
            anchors_of(before, point_ids),
            anchors_of(now, point_ids),
            now.tracks.n_frames,
            constraints_before=before.constraints.of(point_ids),
            constraints_after=now.constraints.of(point_ids),
            options=memory.settings.options,
        )
    )
    if travelled:
        spans += _predicted(now.tracks, step, (*memory.stale, *spans))
    return spans


def _predicted(tracks: Tracks, step: Edit, known: Iterable[Span]) -> list[Span]:
    """Return the spans of predictions that a step changed, except known ones."""
    found = np.zeros(tracks.source.shape, np.bool_)
    for change in cell_changes(step):
        column = columns_of(tracks, change.point_id)
        here = column >= 0
        found[change.frame[here], column[here]] = True
    found &= tracks.source == Source.MODEL
    for span in known:
        found[span.first : span.last + 1, tracks.point_id == span.point_id] = False
    return [
        span
        for column in np.flatnonzero(found.any(axis=0))
        for span in spans_where(int(tracks.point_id[column]), found[:, column])
    ]
