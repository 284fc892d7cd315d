"""Edits in the order in which they were made, and how many of them are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_cotracker.project.edit import Edit


class Journal(Protocol):
    """A history, wherever it is kept."""

    @property
    def done(self) -> int:
        """Number of edits that are done."""

    @property
    def undone(self) -> int:
        """Number of edits that were taken back and can be done again."""

    def add(self, edit: Edit) -> None:
        """Remember an edit; those that were taken back are forgotten."""

    def at(self, place: int) -> Edit:
        """Return an edit, 0 = the first."""

    def move(self, done: int) -> None:
        """Say how many edits are done now."""


class History:
    """A journal in memory.

    Parameters
    ----------
    edits : iterable of Edit
    done : int or None
        How many of them are done; None = all.
    """

    def __init__(self, edits: Iterable[Edit] = (), done: int | None = None) -> None:
        self._edits = list(edits)
        self._done = len(self._edits) if done is None else done

    @property
    def done(self) -> int:
        """Number of edits that are done."""
        return self._done

    @property
    def undone(self) -> int:
        """Number of edits that were taken back and can be done again."""
        return len(self._edits) - self._done

    def add(self, edit: Edit) -> None:
        """Remember an edit; those that were taken back are forgotten."""
        self._edits[self._done :] = [edit]
        self._done += 1

    def at(self, place: int) -> Edit:
        """Return an edit, 0 = the first."""
        return self._edits[place]

    def move(self, done: int) -> None:
        """Say how many edits are done now."""
        self._done = done
