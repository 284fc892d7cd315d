"""What a person did with the mouse as an edit, and what an edit touches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.project import columns_of, together
from napari_cotracker.project.changes import CellChange
from napari_cotracker.project.point_edits import delete_points, place_points
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from napari_cotracker.project import Document, Edit
    from napari_cotracker.tracks import Tracks
    from napari_cotracker.widgets.layers.row_reading import Reading


def edit_by_hand(document: Document, reading: Reading) -> Edit | None:
    """Return what a person did by hand as one edit; None if it was nothing."""
    edits = []
    if len(reading.gone_frame):
        edits.append(delete_points(document, reading.gone_frame, reading.gone_id))
    if len(reading.frame):
        edits.append(
            place_points(document, reading.frame, reading.point_id, reading.xy)
        )
    if len(edits) < 2:
        return edits[0] if edits else None
    return together("points", " ".join(edit.sentence for edit in edits), edits)


def cell_changes(edit: Edit) -> list[CellChange]:
    """Return the changes of positions in an edit."""
    return [change for change in edit.changes if isinstance(change, CellChange)]


def decided_cells(
    tracks: Tracks, steps: Iterable[tuple[Edit, bool]]
) -> npt.NDArray[np.bool_]:
    """Mark the positions (T, N) of tracks that a run has to leave as they are.

    Parameters
    ----------
    tracks : Tracks
    steps : iterable of (Edit, bool)
        In order. False for a step back or forth: predictions that it brought back are
        older than those of the run.
    """
    decided = np.zeros(tracks.source.shape, np.bool_)
    for step, is_edit in steps:
        for change in cell_changes(step):
            column = columns_of(tracks, change.point_id)
            here = column >= 0
            stays = is_edit | (change.after.source != Source.MODEL)
            decided[change.frame[here], column[here]] = stays[here]
    return decided


def frames_of(edit: Edit) -> npt.NDArray[np.int64]:
    """Return the frames on which an edit changes positions, sorted."""
    frames = [change.frame for change in cell_changes(edit)]
    return np.unique(np.concatenate(frames)) if frames else np.zeros(0, np.int64)
