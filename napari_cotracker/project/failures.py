"""What can go wrong with a project file, each in one sentence."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_cotracker.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class InUseError(ProjectError):
    """The project is open already."""


class ReadOnlyError(ProjectError):
    """The project, or its folder, may not be written."""


def damaged(path: Path, what: object) -> ProjectError:
    """Return the error for a file whose content makes no sense."""
    return ProjectError(
        f"The project '{path}' is damaged ({what}); it was left as it is. Use a copy "
        "made earlier."
    )


def in_use(path: Path) -> ProjectError:
    """Return the error for a project that is open already."""
    return InUseError(
        f"The project '{path}' is open already, here or in another program; close it "
        "there first."
    )


def gone(path: Path) -> ProjectError:
    """Return the error for a file that was taken away while it was open."""
    return ProjectError(
        f"The project '{path}' was moved, deleted or replaced while it was open; this "
        "step was not taken. Put it back, or save the project again, then repeat the "
        "step."
    )


def foreign(path: Path) -> ProjectError:
    """Return the error for a file that is no project."""
    return ProjectError(
        f"'{path}' is not a project of napari-cotracker; expected a file that "
        "'save project' or 'track --project' has made."
    )


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into :class:`ProjectError`."""
    try:
        yield
    except UnicodeDecodeError as error:  # a message of SQLite, made of garbage
        raise damaged(path, "its tables cannot be read") from error
    except sqlite3.Error as error:
        raise _error_of(path, error) from _cause_of(error)


def _error_of(path: Path, error: sqlite3.Error) -> ProjectError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return in_use(path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, error)
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        reason = "the disk is full" if code == sqlite3.SQLITE_FULL else str(error)
        return ProjectError(
            f"The project '{path}' cannot be written ({reason}); this step was not "
            "taken, all earlier ones are safe. Free some space and repeat it."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return ReadOnlyError(
            f"The project '{path}' cannot be changed ({error}). Copy it to a folder "
            "of your own and open the copy."
        )
    return ProjectError(
        f"The project '{path}' cannot be used ({error}); use a copy made earlier."
    )


def _cause_of(error: sqlite3.Error) -> Exception:
    """Return the error as one of the machine where it is one (see cli.app)."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    numbers = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.EIO}
    if code not in numbers:
        return error
    machine = OSError(numbers[code], str(error))
    machine.__cause__ = error
    return machine
