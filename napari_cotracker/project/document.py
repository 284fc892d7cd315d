"""Everything a person sees and edits: tracks, what was edited, what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.project.cells import FIELDS, Cells
from napari_cotracker.tracks import Constraints, Queries, Source
from napari_cotracker.tracks.queries import within
from napari_cotracker.tracks.wording import listed

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks


@dataclass(frozen=True, eq=False)
class Document:
    """Tracks and a person's decisions about them; never changed in place.

    Parameters
    ----------
    tracks : Tracks
        Every position of source MANUAL is an anchor.
    edited : (T, N) bool
        True where an edit made the anchor; the other positions of source MANUAL come
        from the person's own points.
    constraints : Constraints
    next_id : int
        No track has, or ever had, this identity or a higher one.

    Raises
    ------
    InputError
        Shapes do not agree, or two tracks have one identity.
    """

    tracks: Tracks
    edited: npt.NDArray[np.bool_] = None  # type: ignore[assignment]
    constraints: Constraints = field(default_factory=Constraints.none)
    next_id: int = 0

    def __post_init__(self) -> None:
        """Check once."""
        shape = self.tracks.source.shape
        edited = np.zeros(shape, np.bool_) if self.edited is None else self.edited
        object.__setattr__(self, "edited", np.asarray(edited, np.bool_))
        if self.edited.shape != shape:
            raise InputError(
                f"Document.edited has shape {self.edited.shape}; expected {shape}."
            )
        if len(np.unique(self.tracks.point_id)) != self.tracks.n_tracks:
            raise InputError("Two tracks have the same point_id; give each its own.")
        beyond = int(self.tracks.point_id.max(initial=-1)) + 1
        object.__setattr__(self, "next_id", max(self.next_id, beyond))

    @property
    def cells(self) -> Cells:
        """The values of all positions, (T, N); not a copy."""
        tracks = {key: getattr(self.tracks, key) for key in FIELDS if key != "edited"}
        return Cells(**tracks, edited=self.edited)

    def with_cells(self, cells: Cells) -> Document:
        """Return this document with other values, (T, N)."""
        values = {key: getattr(cells, key) for key in FIELDS}
        edited = values.pop("edited")
        return replace(self, tracks=replace(self.tracks, **values), edited=edited)

    def anchors(self) -> Queries | None:
        """Return every position a person fixed, by frame within each track.

        Those outside the image are left out: a prediction that was accepted may lie
        there, but nothing can be followed from it. None where there is none:
        :class:`Queries` are never empty.
        """
        tracks = self.tracks
        column, frame = np.nonzero(tracks.source.T == Source.MANUAL)
        if tracks.size != (0, 0):
            inside = within(tracks.xy[frame, column], tracks.size)
            column, frame = column[inside], frame[inside]
        if len(frame) == 0:
            return None
        names = tuple(tracks.name[n] for n in column)
        return Queries(frame, tracks.xy[frame, column], tracks.point_id[column], names)

    def column_of(self, point_id: int) -> int:
        """Return the column of a track.

        Raises
        ------
        InputError
            There is no such track.
        """
        column = int(columns_of(self.tracks, [point_id])[0])
        if column < 0:
            raise InputError(
                f"There is no track {point_id}; the tracks are "
                f"{listed(self.tracks.point_id.tolist())}."
            )
        return column

    def name_of(self, point_id: int) -> str:
        """Return the name of a track (:class:`InputError` if there is none)."""
        return self.tracks.name[self.column_of(point_id)]

    def same_as(self, other: Document) -> bool:
        """Return whether both say the same in every value."""
        return (
            self.tracks.name == other.tracks.name
            and self.tracks.source.shape == other.tracks.source.shape
            and np.array_equal(self.tracks.point_id, other.tracks.point_id)
            and (self.tracks.fps, self.tracks.size)
            == (other.tracks.fps, other.tracks.size)
            and same_times(self, other)
            and self.constraints == other.constraints
            and not self.cells.differs(other.cells).any()
        )


def columns_of(tracks: Tracks, point_id: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the column of each identity, -1 where there is none."""
    ids = np.asarray(point_id, np.int64)
    if tracks.n_tracks == 0:
        return np.full(len(ids), -1, np.int64)
    order = np.argsort(tracks.point_id)
    place = np.searchsorted(tracks.point_id, ids, sorter=order)
    column = order[np.minimum(place, tracks.n_tracks - 1)]
    return np.where(tracks.point_id[column] == ids, column, -1)


def same_times(one: Document, two: Document) -> bool:
    """Return whether the times of the frames are the same in both."""
    a, b = one.tracks.times, two.tracks.times
    return a is b or (a is not None and b is not None and np.array_equal(a, b))
