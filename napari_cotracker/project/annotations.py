"""A document on the desk: edits are made, taken back and done again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_cotracker.project.history import History
from napari_cotracker.project.travelling import travelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_cotracker.project.document import Document
    from napari_cotracker.project.edit import Edit
    from napari_cotracker.project.history import Journal


class Annotations:
    """A document and the history of its edits.

    Parameters
    ----------
    document : Document
    journal : Journal or None
        None = an empty one in memory.
    """

    def __init__(self, document: Document, journal: Journal | None = None) -> None:
        self._document = document
        self.journal: Journal = History() if journal is None else journal

    @property
    def document(self) -> Document:
        """The document as it is now."""
        return self._document

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self.journal.done > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to do again."""
        return self.journal.undone > 0

    def edit(self, edit: Edit) -> None:
        """Make an edit; one that changes nothing is not remembered."""
        if edit:
            with self._step(edit.apply(self._document)):
                self.journal.add(edit)

    def undo(self) -> Edit | None:
        """Take the last edit back; return what was applied, None if there is none."""
        if not self.can_undo:
            return None
        place = self.journal.done - 1
        edit = self.journal.at(place).inverse()
        with self._step(travelled(self._document, edit)):
            self.journal.move(place)
        return edit

    def redo(self) -> Edit | None:
        """Do the edit last taken back again; return it, None if there is none."""
        if not self.can_redo:
            return None
        place = self.journal.done
        edit = self.journal.at(place)
        with self._step(travelled(self._document, edit)):
            self.journal.move(place + 1)
        return edit

    def take(self, document: Document) -> None:
        """Put what a run found in place of the document; this is no edit."""
        with self._step(document):
            pass

    @contextmanager
    def _step(self, after: Document) -> Iterator[None]:
        """Go on to another document unless the block fails."""
        yield
        self._document = after
