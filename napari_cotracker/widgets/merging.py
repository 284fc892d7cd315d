"""What a run knows laid over a document: nothing a person did is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.project import columns_of
from napari_cotracker.project.cells import FIELDS
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.project import Document
    from napari_cotracker.tracks import Tracks

    Mask = npt.NDArray[np.bool_]


def overlay(
    document: Document, found: Tracks, asked: Mask, kept: Mask, *, complete: bool
) -> Document:
    """Put what a run found in place of what a document says.

    Parameters
    ----------
    document : Document
        As it is now, with the edits that were made while the run was on its way.
    found : Tracks
        What the run knows; tracks that the document does not have are left out.
    asked : (T, N) bool
        Positions of ``found`` that the run was to renew.
    kept : (T, M) bool
        Positions of the document that were edited since the run began.
    complete : bool
        Whether positions about which the run knows nothing become unknown.

    Returns
    -------
    Document
        Anchors, ``kept`` positions and what a person decided to be hidden or ended
        are as they were.
    """
    now = document.tracks
    column = columns_of(now, found.point_id)
    here = np.flatnonzero(column >= 0)
    column = column[here]
    taken = asked[:, here] if len(here) < len(asked.T) else asked.copy()
    if not complete:
        taken &= found.source[:, here] != Source.EMPTY
    taken &= (now.source[:, column] != Source.MANUAL) & ~kept[:, column]
    if document.constraints:
        taken &= ~_decided(document)[:, column]
    renewed: dict[str, Any] = {}
    for key in (key for key in FIELDS if key != "edited"):
        values = getattr(now, key).copy()
        at = taken[..., None] if values.ndim == 3 else taken
        values[:, column] = np.where(
            at, getattr(found, key)[:, here], values[:, column]
        )
        renewed[key] = values
    # An anchor of the run that is none any more is a prediction like others.
    stale = taken & (renewed["source"][:, column] == Source.MANUAL)
    if stale.any():
        frame, place = np.nonzero(stale)
        renewed["source"][frame, column[place]] = Source.MODEL
    return replace(document, tracks=replace(now, fps=found.fps or now.fps, **renewed))


def _decided(document: Document) -> Mask:
    ids, n_frames = document.tracks.point_id, document.tracks.n_frames
    constraints = document.constraints
    return constraints.hidden_mask(ids, n_frames) | constraints.ended_mask(
        ids, n_frames
    )
