"""What can be told of a project file without SQLite, which might change it."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from napari_cotracker.errors import ProjectError
from napari_cotracker.project.failures import ReadOnlyError, damaged, foreign

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_ID = 0x43544B31  # "CTK1"
VERSION = 1
SIDECARS = ("-wal", "-shm", "-journal")
_MAGIC = b"SQLite format 3\0"
# Page size, number of pages, user_version, application_id (sqlite.org/fileformat).
_HEADER = struct.Struct(">16xH10xI28xI4xI28x")


def is_project(path: Path) -> bool:
    """Tell by its first bytes whether a file is a project; never raises."""
    try:
        header = _header(path)
    except ProjectError:
        return False
    whole = len(header) == _HEADER.size and header.startswith(_MAGIC)
    return whole and _HEADER.unpack(header)[3] == APPLICATION_ID


def check_header(path: Path) -> None:
    """Refuse what is no whole project of this version (:class:`ProjectError`)."""
    header = _header(path)
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        cut_off = header and _MAGIC.startswith(header[: len(_MAGIC)])
        raise damaged(path, "it ends too early") if cut_off else foreign(path)
    page_size, n_pages, version, application = _HEADER.unpack(header)
    if application != APPLICATION_ID:
        raise foreign(path)
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


def check_writable(path: Path) -> None:
    """Refuse a project that may not be written (:class:`ReadOnlyError`)."""
    for what, place in (("file", path), ("folder", path.resolve().parent)):
        effective = os.access in os.supports_effective_ids
        if not os.access(place, os.W_OK, effective_ids=effective):
            raise ReadOnlyError(
                f"The project '{path}' cannot be changed: its {what} may not be "
                "written. Copy it to a folder of your own and open the copy."
            )


def remove_sidecars(path: Path) -> None:
    """Remove what SQLite left beside a file that is about to be replaced."""
    for suffix in SIDECARS:
        beside(path, suffix).unlink(missing_ok=True)


def beside(path: Path, suffix: str) -> Path:
    """Return a file of SQLite's beside a project, which may be a symbolic link."""
    real = path.resolve()
    return real.with_name(real.name + suffix)


def _header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEADER.size)
    except OSError as error:
        raise ProjectError(
            f"The project '{path}' cannot be read ({error.strerror or error}); check "
            "the path."
        ) from error
