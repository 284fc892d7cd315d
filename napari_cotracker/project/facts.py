"""Single values of a project, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_cotracker.project.failures import damaged

if TYPE_CHECKING:
    from napari_cotracker.project.sqlite_file import SqliteFile


RECORDING = "recording"
# Begins the keys of what others than this package's own tables remember.
REMEMBERED = "user:"


def fact(file: SqliteFile, key: str, default: Any = None) -> Any:
    """Return a value, or a default where there is none.

    Raises
    ------
    ProjectError
        It cannot be read.
    """
    found = file.rows("SELECT value FROM facts WHERE key = ?", key)
    try:
        return json.loads(found[0][0]) if found else default
    except ValueError as error:
        raise damaged(file.path, f"its {key}") from error


def set_fact(file: SqliteFile, key: str, value: Any) -> None:
    """Store a value that JSON can hold."""
    file.write(
        "INSERT INTO facts VALUES (?, ?) "
        "ON CONFLICT DO UPDATE SET value = excluded.value",
        [(key, json.dumps(value))],
    )
