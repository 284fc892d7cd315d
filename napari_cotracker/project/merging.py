"""What a run found laid over a document: nothing a person did is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.project.cells import FIELDS, Cells
from napari_cotracker.project.document import Document, columns_of
from napari_cotracker.tracks import Constraints, Source, Tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracks import Queries

    Mask = npt.NDArray[np.bool_]


def overlay(
    document: Document,
    found: Tracks,
    asked: Mask,
    kept: Mask | None = None,
    *,
    complete: bool,
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
    kept : (T, M) bool or None
        Positions of the document that were edited since the run began.
    complete : bool
        Whether positions about which the run knows nothing become unknown.

    Returns
    -------
    Document
        Anchors, ``kept`` positions and what a person decided to be hidden or ended
        are as they were.

    Raises
    ------
    InputError
        The run is about a recording of another length.
    """
    now = document.tracks
    if found.n_frames != now.n_frames:
        raise InputError(
            f"The run found tracks of {found.n_frames} frames, but the document has "
            f"{now.n_frames}; they are about different recordings."
        )
    column = columns_of(now, found.point_id)
    here = np.flatnonzero(column >= 0)
    column = column[here]
    taken = asked[:, here].copy()
    if not complete:
        taken &= found.source[:, here] != Source.EMPTY
    taken &= now.source[:, column] != Source.MANUAL
    if kept is not None:
        taken &= ~kept[:, column]
    taken &= ~_decided(document)[:, column]
    frame, place = np.nonzero(taken)
    values = {key: getattr(found, key) for key in FIELDS if key != "edited"}
    unedited = np.zeros(found.source.shape, np.bool_)
    renewed = Cells(**values, edited=unedited).at((frame, here[place]))
    # An anchor of the run that is none any more is a prediction like others.
    renewed.source[renewed.source == Source.MANUAL] = Source.MODEL
    after = document.with_cells(
        document.cells.with_values((frame, column[place]), renewed)
    )
    times = now.times if found.times is None else found.times
    about = replace(after.tracks, fps=found.fps or now.fps, times=times)
    return replace(after, tracks=about)


def document_of(
    queries: Queries,
    n_frames: int,
    size: tuple[int, int],
    fps: float | None = None,
    times: npt.NDArray[np.float64] | None = None,
) -> Document:
    """Make a document that knows a person's own points and nothing else.

    Parameters
    ----------
    queries : Queries
    n_frames, size, fps, times
        Of the recording, as :class:`Tracks` holds them.

    Raises
    ------
    InputError
        A point lies outside the recording.
    """
    queries.check_inside(n_frames, size)
    ids = queries.tracks
    names = tuple(queries.name_of(i) for i in ids.tolist())
    document = Document(
        Tracks.empty(n_frames, ids, names, size=size, fps=fps, times=times),
        constraints=Constraints.none(),
    )
    placed = Cells.placed(queries.xy)
    placed.edited[:] = False
    at = (queries.frame, columns_of(document.tracks, queries.point_id))
    return document.with_cells(document.cells.with_values(at, placed))


def _decided(document: Document) -> Mask:
    ids, n_frames = document.tracks.point_id, document.tracks.n_frames
    decided = document.constraints
    return decided.hidden_mask(ids, n_frames) | decided.ended_mask(ids, n_frames)
