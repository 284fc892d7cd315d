"""The SQLite file under a project: opened by one, written in whole steps or not at all.

The lock is SQLite's own exclusive one on the file: it goes with the process that
holds it, however that ends. Nothing here opens a file that this process has open
already, because on POSIX closing such a second handle would drop the lock.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPLICATION_ID = 0x43544B31  # "CTK1"
VERSION = 1
SIDECARS = ("-wal", "-shm", "-journal")
SCHEMA = """
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE tracks (
    place INTEGER PRIMARY KEY, point_id INTEGER NOT NULL, name TEXT NOT NULL
);
CREATE TABLE cells (
    id INTEGER PRIMARY KEY,
    point_id INTEGER NOT NULL,
    block INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (point_id, block)
);
CREATE TABLE edits (
    place INTEGER PRIMARY KEY,
    made_at TEXT NOT NULL,
    kind TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    begun_at TEXT NOT NULL,
    ended_at TEXT,
    seconds REAL NOT NULL DEFAULT 0,
    about TEXT NOT NULL
);
CREATE TABLE windows (
    run INTEGER NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run, number)
);
"""
_MAGIC = b"SQLite format 3\0"
# Page size, number of pages, user_version, application_id (sqlite.org/fileformat).
_HEADER = struct.Struct(">16xH10xI28xI4xI28x")
_WAIT_S = 0.2
# Holds five blocks of cells with little waste; of 4096 bytes a third would be wasted.
_PAGE_BYTES = 8192


class InUseError(ProjectError):
    """The project is open already."""


class ReadOnlyError(ProjectError):
    """The project, or its folder, may not be written."""


_open_here: set[Path] = set()
_registry = threading.Lock()


class SqliteFile:
    """One open project file; use it from any thread.

    Parameters
    ----------
    path : Path
    shown : Path or None
        What to call it in messages, if not by its path.

    Raises
    ------
    ProjectError
        There is no such file, it is no project, damaged, of a newer version, open
        elsewhere, or cannot be written. It was not changed then.
    """

    def __init__(self, path: Path, shown: Path | None = None) -> None:
        self.path = shown or path
        self._key = path.resolve()
        self._lock = threading.RLock()
        with _registry:
            if self._key in _open_here:
                raise _in_use(path)
            _check_header(path)
            _check_writable(path)
            self._connection = self._connect(path)
            _open_here.add(self._key)

    def _connect(self, path: Path) -> sqlite3.Connection:
        with _told(self.path):
            connection = sqlite3.connect(
                path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("COMMIT")
                (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if answer != "ok":
                    raise damaged(self.path, " ".join(answer.split()))
            except BaseException:
                connection.close()
                raise
        return connection

    @contextmanager
    def step(self) -> Iterator[None]:
        """Write everything that the block executes, durably, or nothing of it.

        Raises
        ------
        ProjectError
            It could not be written; the file is as it was.
        """
        with self._lock, _told(self.path):
            if self._connection.in_transaction:  # a step within a step
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what a query finds (:class:`ProjectError` if it cannot be read)."""
        with self._lock, _told(self.path):
            return self._connection.execute(statement, values).fetchall()

    def write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Execute a statement for each row, within a :meth:`step`."""
        with self.step():
            self._connection.executemany(statement, rows)

    def close(self) -> None:
        """Close the file; everything is in it then, and nothing beside it."""
        with self._lock, _registry:
            if self._key not in _open_here:
                return
            try:
                # A failure costs nothing: the file keeps its empty pages.
                # As a script: `execute` stops after the first page that is freed.
                self._connection.executescript("PRAGMA incremental_vacuum;")
            except sqlite3.Error:
                pass
            finally:
                self._connection.close()
                _open_here.discard(self._key)


def make_empty(path: Path, shown: Path) -> None:
    """Make an empty project file of an empty file; ``shown`` is its later name."""
    with _told(shown):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={VERSION}")
            connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        finally:
            connection.close()


def is_project(path: Path) -> bool:
    """Tell by its first bytes whether a file is a project; never raises."""
    if path.resolve() in _open_here:
        return True
    try:
        header = _header(path)
    except ProjectError:
        return False
    whole = len(header) == _HEADER.size and header.startswith(_MAGIC)
    return whole and _HEADER.unpack(header)[3] == APPLICATION_ID


def remove_sidecars(path: Path) -> None:
    """Remove what SQLite left beside a file that is about to be replaced."""
    for suffix in SIDECARS:
        beside(path, suffix).unlink(missing_ok=True)


def beside(path: Path, suffix: str) -> Path:
    """Return a file of SQLite's beside a project, which may be a symbolic link."""
    real = path.resolve()
    return real.with_name(real.name + suffix)


def damaged(path: Path, what: object) -> ProjectError:
    """Return the error for a file whose content makes no sense."""
    return ProjectError(
        f"The project '{path}' is damaged ({what}); it was left as it is. Use a copy "
        "made earlier."
    )


def _in_use(path: Path) -> ProjectError:
    return InUseError(
        f"The project '{path}' is open already, here or in another program; close it "
        "there first."
    )


def _header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEADER.size)
    except OSError as error:
        raise ProjectError(
            f"The project '{path}' cannot be read ({error.strerror or error}); check "
            "the path."
        ) from error


def _check_header(path: Path) -> None:
    header = _header(path)
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        cut_off = header and _MAGIC.startswith(header[: len(_MAGIC)])
        raise damaged(path, "it ends too early") if cut_off else _foreign(path)
    page_size, n_pages, version, application = _HEADER.unpack(header)
    if application != APPLICATION_ID:
        raise _foreign(path)
    if version > VERSION:
        raise ProjectError(
            f"The project '{path}' was made by a newer version of napari-cotracker "
            f"(format {version}, this one knows {VERSION}); update napari-cotracker. "
            "The file was not touched."
        )
    # With a log beside it the file need not be whole: SQLite completes it.
    has_log = beside(path, "-wal").exists()
    bytes_there = path.stat().st_size
    if bytes_there < (page_size if page_size > 1 else 65536) * n_pages and not has_log:
        raise damaged(path, "it ends too early")


def _foreign(path: Path) -> ProjectError:
    return ProjectError(
        f"'{path}' is not a project of napari-cotracker; expected a file that "
        "'save project' or 'track --project' has made."
    )


def _check_writable(path: Path) -> None:
    for what, place in (("file", path), ("folder", path.resolve().parent)):
        effective = os.access in os.supports_effective_ids
        if not os.access(place, os.W_OK, effective_ids=effective):
            raise ReadOnlyError(
                f"The project '{path}' cannot be changed: its {what} may not be "
                "written. Copy it to a folder of your own and open the copy."
            )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except UnicodeDecodeError as error:  # a message of SQLite, made of garbage
        raise damaged(path, "its tables cannot be read") from error
    except sqlite3.Error as error:
        raise _error_of(path, error) from _cause_of(error)


def _error_of(path: Path, error: sqlite3.Error) -> ProjectError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _in_use(path)
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
