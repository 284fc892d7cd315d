"""The SQLite file under a project: opened by one, written in whole steps or not at all.

The lock is SQLite's own exclusive one on the file: it goes with the process that
holds it, however that ends. Nothing here opens a file that this process has open
already, because on POSIX closing such a second handle would drop the lock.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_cotracker.project import header
from napari_cotracker.project.failures import damaged, gone, in_use, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
_WAIT_S = 0.2
# Holds five blocks of cells with little waste; of 4096 bytes a third would be wasted.
_PAGE_BYTES = 8192

_open_here: set[Path] = set()
_registry = threading.Lock()


class SqliteFile:
    """One open project file; use it from any thread.

    Parameters
    ----------
    path : Path
    shown : Path or None
        What to call it in messages, if not by its path.
    wait_s : float
        How long to wait for whoever has it open.

    Raises
    ------
    ProjectError
        There is no such file, it is no project, damaged, of a newer version, open
        elsewhere, or cannot be written. It was not changed then.
    """

    def __init__(
        self, path: Path, shown: Path | None = None, *, wait_s: float = _WAIT_S
    ) -> None:
        self.path = shown or path
        self._key = path.resolve()
        self._lock = threading.RLock()
        with _registry:
            if self._key in _open_here:
                raise in_use(path)
            header.check_header(path)
            header.check_writable(path)
            self._connection = self._connect(path, wait_s)
            self._identity = _identity(self._key)
            self._is_open = True
            _open_here.add(self._key)

    def _connect(self, path: Path, wait_s: float) -> sqlite3.Connection:
        with told(self.path):
            connection = sqlite3.connect(
                path, timeout=wait_s, isolation_level=None, check_same_thread=False
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

    @property
    def is_in_place(self) -> bool:
        """Whether the file is where it was opened; one that is not would be lost."""
        return self._identity == _identity(self._key)

    def lies_at(self, path: Path) -> bool:
        """Tell whether a path leads to where this file was opened."""
        return path.resolve() == self._key

    @contextmanager
    def step(self) -> Iterator[None]:
        """Write everything that the block executes, durably, or nothing of it.

        Raises
        ------
        ProjectError
            It could not be written; the file is as it was.
        """
        with self._lock, told(self.path):
            if self._connection.in_transaction:  # a step within a step
                yield
                return
            if not self.is_in_place:  # SQLite would write on, where nobody finds it
                raise gone(self.path)
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
        with self._lock, told(self.path):
            return self._connection.execute(statement, values).fetchall()

    def write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Execute a statement for each row, within a :meth:`step`."""
        with self.step():
            self._connection.executemany(statement, rows)

    def copy_into(self, part: Path, shown: Path) -> None:
        """Write everything into an empty file; ``shown`` is its later name.

        Raises
        ------
        ProjectError
            It cannot be written.
        """
        with self._lock, told(shown):
            self._connection.execute("VACUUM INTO ?", (str(part),))

    def close(self) -> None:
        """Close the file; everything is in it then, and nothing beside it."""
        with self._lock, _registry:
            if not self._is_open:
                return
            self._is_open = False
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
    with told(shown):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute(f"PRAGMA application_id={header.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={header.VERSION}")
            connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        finally:
            connection.close()


def is_project(path: Path) -> bool:
    """Tell whether a file is a project, open or not; never raises."""
    return path.resolve() in _open_here or header.is_project(path)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells one file from another of the same name; None without one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
