"""Edits of tracked points: objects with an inverse, and a history of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

    Scalar = TypeVar("Scalar", bound=np.generic)
    Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labels:
    """Tracks and which of their positions a person edited in the result layer.

    Parameters
    ----------
    tracks : Tracks
    edited : (T, N) bool
        True where the person moved or added a tracked point; the other positions of
        source MANUAL come from the person's own points.
    """

    tracks: Tracks
    edited: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cells:
    """Values of M positions (one frame of one track each).

    Parameters
    ----------
    xy : (M, 2) float32
        NaN where nothing is known.
    visibility, confidence : (M,) float32
    visible, edited : (M,) bool
    source : (M,) uint8
    """

    xy: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]
    source: npt.NDArray[np.uint8]
    edited: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, labels: Labels, frame: Integers, column: Integers) -> Cells:
        """Copy the values at M frames and columns."""
        tracks, at = labels.tracks, (frame, column)
        return cls(
            tracks.xy[at],
            tracks.visibility[at],
            tracks.confidence[at],
            tracks.visible[at],
            tracks.source[at],
            labels.edited[at],
        )

    @classmethod
    def placed(cls, xy: npt.NDArray[np.float32]) -> Cells:
        """Values of positions where a person put a point: certain and visible."""
        n = len(xy)
        sure = np.ones(n, np.float32)
        yes = np.ones(n, np.bool_)
        source = np.full(n, Source.MANUAL, np.uint8)
        return cls(np.asarray(xy, np.float32), sure, sure, yes, source, yes)

    @classmethod
    def unknown(cls, n: int) -> Cells:
        """Values of positions about which nothing is known."""
        zero = np.zeros(n, np.float32)
        no = np.zeros(n, np.bool_)
        source = np.full(n, Source.EMPTY, np.uint8)
        return cls(np.full((n, 2), np.nan, np.float32), zero, zero, no, source, no)


@dataclass(frozen=True, eq=False)
class CellEdit:
    """Change of M positions, addressed by frame and track identity.

    Parameters
    ----------
    frame, point_id : (M,) int64
    before, after : Cells
    """

    frame: Integers
    point_id: Integers
    before: Cells
    after: Cells

    def inverse(self) -> CellEdit:
        """Return the edit that takes this one back."""
        return replace(self, before=self.after, after=self.before)

    def apply(self, labels: Labels) -> Labels:
        """Return changed labels; tracks that are gone by now are left out."""
        column = columns_of(labels.tracks, self.point_id)
        here = (column >= 0) & (self.frame < labels.tracks.n_frames)
        at = (self.frame[here], column[here])
        tracks, after = labels.tracks, self.after
        changed: dict[str, Any] = {
            key: _put(getattr(tracks, key), at, getattr(after, key)[here])
            for key in ("xy", "visibility", "confidence", "visible", "source")
        }
        edited = _put(labels.edited, at, after.edited[here])
        return Labels(replace(tracks, **changed), edited)


class History:
    """Edits that can be taken back and done again."""

    def __init__(self) -> None:
        self._done: list[CellEdit] = []
        self._undone: list[CellEdit] = []

    def add(self, edit: CellEdit) -> None:
        """Remember an edit that has just been applied."""
        self._done.append(edit)
        self._undone.clear()

    def undo(self) -> CellEdit | None:
        """Return the edit to apply to take the last one back, or None."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1].inverse()

    def redo(self) -> CellEdit | None:
        """Return the edit to apply again, or None."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]

    def clear(self) -> None:
        """Forget everything: a new run has replaced what the edits speak about."""
        self._done.clear()
        self._undone.clear()

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to do again."""
        return bool(self._undone)


def columns_of(tracks: Tracks, point_id: npt.ArrayLike) -> Integers:
    """Return the column of each identity, -1 where there is none."""
    ids = np.asarray(point_id, np.int64)
    if tracks.n_tracks == 0:
        return np.full(len(ids), -1, np.int64)
    order = np.argsort(tracks.point_id)
    place = np.searchsorted(tracks.point_id, ids, sorter=order)
    column = order[np.minimum(place, tracks.n_tracks - 1)]
    return np.where(tracks.point_id[column] == ids, column, -1)


def _put(
    values: npt.NDArray[Scalar],
    at: tuple[Integers, Integers],
    new: npt.NDArray[Scalar],
) -> npt.NDArray[Scalar]:
    copy = values.copy()
    copy[at] = new
    return copy
