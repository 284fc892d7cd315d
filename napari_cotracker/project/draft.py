"""Some tracks taken out to be changed; what differs in the end is the edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.project.changes import CellChange, Entry, TableChange
from napari_cotracker.project.document import columns_of
from napari_cotracker.project.edit import Edit, constraints_changed
from napari_cotracker.tracks import Source, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_cotracker.project.cells import Cells
    from napari_cotracker.project.changes import Change
    from napari_cotracker.project.document import Document


class Draft:
    """Columns of K tracks, free to be changed in place.

    Parameters
    ----------
    document : Document
    point_ids : sequence of int
        The tracks to change; each counts once.
    added : tuple of (point_id, name)
        Tracks to add first, behind the others; they are then part of the draft.

    Attributes
    ----------
    cells : Cells
        (T, K).
    constraints : Constraints
        Of all tracks.

    Raises
    ------
    InputError
        There is no such track.
    """

    def __init__(
        self,
        document: Document,
        point_ids: Sequence[int] | npt.NDArray[np.int64],
        added: tuple[tuple[int, str], ...] = (),
    ) -> None:
        n = document.tracks.n_tracks
        entries = tuple(Entry(n + k, *row) for k, row in enumerate(added))
        self._first: tuple[Change, ...] = ()
        self._start = document
        if entries:
            self._first = (TableChange(added=entries),)
            self._start = self._first[0].apply(document)
        self.point_id = np.unique(
            np.concatenate([np.asarray(point_ids, np.int64), [i for i, _ in added]])
        ).astype(np.int64)
        columns = [self._start.column_of(i) for i in self.point_id.tolist()]
        self._before = self._start.cells.at((slice(None), columns))
        self.cells: Cells = self._before.at(...)
        self.constraints = document.constraints

    @property
    def n_frames(self) -> int:
        """T."""
        return len(self.cells)

    def place_of(
        self, point_id: npt.NDArray[np.int64] | int
    ) -> npt.NDArray[np.intp] | np.intp:
        """Return where tracks of this draft stand in its columns."""
        return np.searchsorted(self.point_id, point_id)

    def span(self, point_id: int, first: int, last: int) -> tuple[slice, int]:
        """Return the index of a span of one track.

        Raises
        ------
        InputError
            The span is not within the recording.
        """
        if not 0 <= first <= last < self.n_frames:
            raise InputError(
                f"The span of frames {first} to {last} cannot be used; expected "
                f"first <= last within the recording's frames 0 to {self.n_frames - 1}."
            )
        return slice(first, last + 1), int(self.place_of(point_id))

    def accept(self, index: tuple[npt.NDArray[np.int64] | int, ...]) -> None:
        """Make anchors of what is known at (frame, place); seen stays seen."""
        cells = self.cells
        cells.source[index] = Source.MANUAL
        cells.edited[index] = True
        cells.confidence[index] = 1
        cells.disagreement[index] = 0
        cells.visibility[index] = cells.visible[index]
        frame, place = np.broadcast_arrays(*index)
        unseen = ~cells.visible[frame, place]
        self.constraints = self.constraints.with_hidden(
            *points_as_spans(self.point_id[place[unseen]], frame[unseen])
        )

    def changes(self) -> tuple[Change, ...]:
        """Return what differs from the document."""
        frame, place = np.nonzero(self.cells.differs(self._before))
        changes = self._first
        if len(frame):
            at = (frame, place)
            changes += (
                CellChange(
                    frame, self.point_id[place], self._before.at(at), self.cells.at(at)
                ),
            )
        return changes + constraints_changed(
            self._start.constraints, self.constraints, self.point_id.tolist()
        )

    def edit(self, kind: str, sentence: str) -> Edit:
        """Return the edit that makes this draft of the document."""
        return Edit(kind, sentence, self.changes())


def points_as_spans(
    point_id: npt.NDArray[np.int64], frame: npt.NDArray[np.int64]
) -> list[Span]:
    """Return one span per frame of a track."""
    return [
        Span(i, t, t) for i, t in zip(point_id.tolist(), frame.tolist(), strict=True)
    ]


def spans_where(point_id: int, mask: npt.NDArray[np.bool_]) -> list[Span]:
    """Return the spans of a track in which a mask (T,) is True."""
    padded = np.concatenate([[False], mask, [False]]).astype(np.int8)
    steps = np.diff(padded)
    firsts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [
        Span(point_id, first, stop - 1)
        for first, stop in zip(firsts.tolist(), stops.tolist(), strict=True)
    ]


def named(document: Document, point_id: npt.NDArray[np.int64]) -> str:
    """Return how to call some tracks in a sentence."""
    ids = np.unique(point_id)
    if len(ids) != 1:
        return f"{len(ids)} tracks"
    column = int(columns_of(document.tracks, ids)[0])
    return f"'{document.tracks.name[column]}'" if column >= 0 else "a track"


def framed(frame: npt.NDArray[np.int64] | Sequence[int]) -> str:
    """Return how to call some frames in a sentence."""
    first, last = int(np.min(frame)), int(np.max(frame))
    return f"frame {first}" if first == last else f"frames {first} to {last}"
