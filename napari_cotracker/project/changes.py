"""What an edit is made of: changes of one sort each, all with an inverse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_cotracker.project.cells import FIELDS, Cells
from napari_cotracker.project.document import Document, columns_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracks import Constraints, Tracks

    Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CellChange:
    """Change of M positions, addressed by frame and track identity.

    Parameters
    ----------
    frame, point_id : (M,) int64
    before, after : Cells
        (M,) each.
    """

    frame: Integers
    point_id: Integers
    before: Cells
    after: Cells

    def inverse(self) -> CellChange:
        """Return the change that takes this one back."""
        return replace(self, before=self.after, after=self.before)

    def apply(self, document: Document) -> Document:
        """Return the changed document; tracks that are gone by now are left out."""
        column = columns_of(document.tracks, self.point_id)
        here = (column >= 0) & (self.frame < document.tracks.n_frames)
        at = (self.frame[here], column[here])
        return document.with_cells(document.cells.with_values(at, self.after.at(here)))


class Entry(NamedTuple):
    """A track in the list of tracks."""

    place: int
    point_id: int
    name: str


class Renaming(NamedTuple):
    """Another name for a track."""

    point_id: int
    before: str
    after: str


@dataclass(frozen=True)
class TableChange:
    """Tracks removed, then tracks added, then tracks renamed.

    A track that is added knows nothing; whoever removes one makes a
    :class:`CellChange` of what it knew first.

    Parameters
    ----------
    removed, added : tuple of Entry
        By place; places are those before removing and after adding.
    renamed : tuple of Renaming
    """

    removed: tuple[Entry, ...] = ()
    added: tuple[Entry, ...] = ()
    renamed: tuple[Renaming, ...] = ()

    def inverse(self) -> TableChange:
        """Return the change that takes this one back."""
        renamed = tuple(Renaming(i, after, old) for i, old, after in self.renamed)
        return TableChange(self.added, self.removed, renamed)

    def apply(self, document: Document) -> Document:
        """Return the changed document."""
        tracks = document.tracks
        table: dict[int, str] = dict(
            zip(tracks.point_id.tolist(), tracks.name, strict=True)
        )
        for entry in self.removed:
            table.pop(entry.point_id, None)
        rows = list(table.items())
        for entry in self.added:
            if entry.point_id not in table:
                rows.insert(entry.place, (entry.point_id, entry.name))
        renamed = {x.point_id: x.after for x in self.renamed}
        names = tuple(renamed.get(point_id, name) for point_id, name in rows)
        return with_tracks(document, [point_id for point_id, _ in rows], names)


@dataclass(frozen=True)
class ConstraintChange:
    """What is decided about some tracks.

    Parameters
    ----------
    point_ids : tuple of int
        The tracks that before and after speak about.
    before, after : Constraints
    """

    point_ids: tuple[int, ...]
    before: Constraints
    after: Constraints

    def inverse(self) -> ConstraintChange:
        """Return the change that takes this one back."""
        return replace(self, before=self.after, after=self.before)

    def apply(self, document: Document) -> Document:
        """Return the changed document."""
        others = document.constraints.without(self.point_ids)
        return replace(document, constraints=others.joined(self.after))


Change = CellChange | TableChange | ConstraintChange


def with_tracks(
    document: Document, point_ids: list[int], names: tuple[str, ...]
) -> Document:
    """Return a document with these tracks in this order; new ones know nothing."""
    old = document.tracks
    ids = np.array(point_ids, np.int64)
    column = columns_of(old, ids)
    here = column >= 0
    cells = Cells.unknown((old.n_frames, len(ids)))
    cells.put((slice(None), here), document.cells.at((slice(None), column[here])))
    values: dict[str, Any] = {key: getattr(cells, key) for key in FIELDS}
    edited = values.pop("edited")
    tracks: Tracks = replace(old, point_id=ids, name=names, **values)
    return replace(document, tracks=tracks, edited=edited)
