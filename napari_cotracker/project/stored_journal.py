"""The journal of edits as rows of the project file."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from napari_cotracker.errors import FormatError, ProjectError
from napari_cotracker.project.encoding import edit_from_bytes, edit_to_bytes
from napari_cotracker.project.facts import fact, set_fact
from napari_cotracker.project.failures import damaged
from napari_cotracker.project.runs import now

if TYPE_CHECKING:
    from napari_cotracker.project.edit import Edit
    from napari_cotracker.project.history import Journal
    from napari_cotracker.project.sqlite_file import SqliteFile

DONE = "edits_done"


class StoredJournal:
    """A :class:`Journal` on disk; edits are read when they are asked for.

    Parameters
    ----------
    file : SqliteFile
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    @property
    def done(self) -> int:
        """Number of edits that are done."""
        return int(fact(self._file, DONE, 0))

    @property
    def undone(self) -> int:
        """Number of edits that were taken back and can be done again."""
        return int(self._file.rows("SELECT count(*) FROM edits")[0][0]) - self.done

    def add(self, edit: Edit) -> None:
        """Remember an edit; those that were taken back are forgotten."""
        with self._file.step():
            done = self.done
            self._file.write("DELETE FROM edits WHERE place >= ?", [(done,)])
            row = (done, now(), edit.kind, edit_to_bytes(edit))
            self._file.write("INSERT INTO edits VALUES (?, ?, ?, ?)", [row])
            self.move(done + 1)

    def fill(self, other: Journal) -> None:
        """Take over the edits of another journal; this one is empty."""
        for place in range(other.done + other.undone):
            self.add(other.at(place))
        self.move(other.done)

    def at(self, place: int) -> Edit:
        """Return an edit, 0 = the first.

        Raises
        ------
        ProjectError
            It is damaged.
        """
        found = self._file.rows("SELECT data FROM edits WHERE place = ?", place)
        try:
            return edit_from_bytes(found[0][0] if found else b"")
        except FormatError as error:
            raise damaged(self._file.path, f"edit {place + 1}") from error

    def next_id(self) -> int:
        """Return an identity beyond those of every track that an edit touches."""
        found = -1
        with suppress(ProjectError):  # a damaged edit is told when it is asked for
            for place in range(self.done + self.undone):
                found = max(found, *self.at(place).tracks)
        return found + 1

    def move(self, done: int) -> None:
        """Say how many edits are done now."""
        set_fact(self._file, DONE, done)
