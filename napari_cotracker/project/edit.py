"""An edit: a person's one step, with an inverse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.project.changes import CellChange, ConstraintChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_cotracker.project.changes import Change
    from napari_cotracker.project.document import Document
    from napari_cotracker.tracks import Constraints


@dataclass(frozen=True, eq=False)
class Edit:
    """One step of a person; made by the functions of this package's ``*_edits``.

    Parameters
    ----------
    kind : str
        What was done, such as ``"move"``.
    sentence : str
        For a person: what was done, to which track, where.
    changes : tuple of changes
        In the order in which they are applied.
    """

    kind: str
    sentence: str
    changes: tuple[Change, ...]

    def inverse(self) -> Edit:
        """Return the edit that takes this one back."""
        return replace(self, changes=tuple(c.inverse() for c in reversed(self.changes)))

    def apply(self, document: Document) -> Document:
        """Return the edited document."""
        for change in self.changes:
            document = change.apply(document)
        return document

    def __bool__(self) -> bool:
        """Return whether anything changes."""
        return bool(self.changes)

    @property
    def tracks(self) -> list[int]:
        """Identities of all tracks that the edit touches, sorted."""
        found: set[int] = set()
        for change in self.changes:
            if isinstance(change, CellChange):
                found |= set(np.unique(change.point_id).tolist())
            elif isinstance(change, ConstraintChange):
                found |= set(change.point_ids)
            else:
                found |= {entry.point_id for entry in (*change.removed, *change.added)}
                found |= {renaming.point_id for renaming in change.renamed}
        return sorted(found)


def together(kind: str, sentence: str, edits: Sequence[Edit]) -> Edit:
    """Make one step of several edits, each made for the document the last one left."""
    return Edit(kind, sentence, tuple(c for edit in edits for c in edit.changes))


def constraints_changed(
    before: Constraints, after: Constraints, point_ids: Sequence[int]
) -> tuple[Change, ...]:
    """Return the change of what is decided about some tracks, if there is one."""
    old, new = before.of(point_ids), after.of(point_ids)
    if old == new:
        return ()
    return (ConstraintChange(tuple(sorted(point_ids)), old, new),)
