"""What a run was asked for and what it has finished, as rows of the project file."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import CoTrackerError
from napari_cotracker.project.failures import damaged
from napari_cotracker.tracks import Constraints, Queries, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_cotracker.project.sqlite_file import SqliteFile


@dataclass(frozen=True, eq=False)
class RunRequest:
    """Everything that the result of a run depends on, but for the recording.

    Parameters
    ----------
    queries : Queries
        All anchors.
    model : str
        Name or path.
    weights : str
        SHA-256 of the weights; empty for a network that is none of a file.
    options : mapping
        Fields of the tracking options, in plain values.
    constraints : Constraints
    spans : tuple of Span
        What is tracked again; empty = the whole recording.
    more : mapping
        For the reader: device, versions; not compared.
    """

    queries: Queries
    model: str
    weights: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    constraints: Constraints = field(default_factory=Constraints.none)
    spans: tuple[Span, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def differences(self, other: RunRequest) -> list[str]:
        """Return in what another request differs, so that it is another run."""
        one, two = (_comparable(request) for request in (self, other))
        return [key for key in one if one[key] != two[key]]

    def to_json(self) -> str:
        """Return the request as text."""
        return json.dumps({**_parts(self), "more": dict(self.more)})

    @classmethod
    def from_json(cls, text: str) -> RunRequest:
        """Make a request of what :meth:`to_json` returned."""
        plain = json.loads(text)
        return cls(
            Queries(**plain["queries"]),
            plain["model"],
            plain["weights"],
            plain["options"],
            Constraints.from_dict(plain["constraints"]),
            tuple(Span(*row) for row in plain["spans"]),
            plain["more"],
        )


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A run in a project that was not finished.

    Parameters
    ----------
    number : int
    request : RunRequest
    windows : tuple of bytes
        What tracking gave for each finished window, in order.
    seconds : float
        Time spent so far.
    """

    number: int
    request: RunRequest
    windows: tuple[bytes, ...]
    seconds: float


def begin(file: SqliteFile, request: RunRequest) -> int:
    """Enter a run; what an earlier one left unfinished is dropped."""
    with file.step():
        file.write("DELETE FROM windows", [()])
        file.write("UPDATE runs SET ended_at = 'dropped' WHERE ended_at IS NULL", [()])
        row = (now(), request.to_json())
        file.write("INSERT INTO runs (begun_at, about) VALUES (?, ?)", [row])
        return int(file.rows("SELECT max(id) FROM runs")[0][0])


def add_window(file: SqliteFile, run: int, data: bytes, seconds: float) -> None:
    """Store a finished window and the time it took."""
    with file.step():
        ((number,),) = file.rows("SELECT count(*) FROM windows WHERE run = ?", run)
        row = (run, number, zlib.crc32(data), data)
        file.write("INSERT INTO windows VALUES (?, ?, ?, ?)", [row])
        file.write(
            "UPDATE runs SET seconds = seconds + ? WHERE id = ?", [(seconds, run)]
        )


def finish(file: SqliteFile, run: int) -> None:
    """Say that a run is complete; its windows have served."""
    with file.step():
        file.write("UPDATE runs SET ended_at = ? WHERE id = ?", [(now(), run)])
        file.write("DELETE FROM windows WHERE run = ?", [(run,)])


def open_run(file: SqliteFile) -> int | None:
    """Return the number of the run that is not finished, if there is one."""
    ((number,),) = file.rows("SELECT max(id) FROM runs WHERE ended_at IS NULL")
    return None if number is None else int(number)


def unfinished(file: SqliteFile) -> StoredRun | None:
    """Return the run that can go on, if there is one.

    Raises
    ------
    ProjectError
        A window is damaged.
    """
    number = open_run(file)
    if number is None:
        return None
    found = file.rows("SELECT about, seconds FROM runs WHERE id = ?", number)
    ((about, seconds),) = found
    windows = file.rows(
        "SELECT crc, data FROM windows WHERE run = ? ORDER BY number", number
    )
    if any(zlib.crc32(data) != crc for crc, data in windows):
        raise damaged(file.path, "a window of a run")
    return StoredRun(
        number,
        _request(file, about),
        tuple(data for _, data in windows),
        seconds,
    )


def last_request(file: SqliteFile) -> RunRequest | None:
    """Return what the latest run was asked for, finished or not."""
    found = file.rows("SELECT about FROM runs ORDER BY id DESC LIMIT 1")
    return _request(file, found[0][0]) if found else None


def now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _request(file: SqliteFile, text: str) -> RunRequest:
    try:
        return RunRequest.from_json(text)
    except (CoTrackerError, ValueError, KeyError, TypeError) as error:
        raise damaged(file.path, "what a run was asked for") from error


def _parts(request: RunRequest) -> dict[str, Any]:
    queries = request.queries
    return {
        "queries": {
            "frame": queries.frame.tolist(),
            "xy": queries.xy.astype(np.float64).tolist(),
            "point_id": queries.point_id.tolist(),
            "name": queries.name,
        },
        "model": request.model,
        "weights": request.weights,
        "options": dict(request.options),
        "constraints": request.constraints.to_dict(),
        "spans": request.spans,
    }


def _comparable(request: RunRequest) -> dict[str, str]:
    parts = _parts(request)
    # Names do not change what is found, and weights say what a model is.
    del parts["queries"]["name"]
    parts["model"] = parts.pop("weights") or request.model
    return {key: json.dumps(value, sort_keys=True) for key, value in parts.items()}
