"""Work that nobody has saved: project files in a folder of their own.

Who keeps a session there has its file open, so that it is locked as any project is; a
file that can be opened belongs to a session that ended, however that happened.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from napari_cotracker.errors import ProjectError
from napari_cotracker.project.facts import RECORDING, REMEMBERED, fact
from napari_cotracker.project.failures import InUseError, damaged
from napari_cotracker.project.header import SIDECARS, beside
from napari_cotracker.project.project_file import SUFFIX
from napari_cotracker.project.recording import Recording
from napari_cotracker.project.sqlite_file import SqliteFile

if TYPE_CHECKING:
    Times = tuple[int, int]

FOLDER_VARIABLE = "NAPARI_COTRACKER_UNSAVED"
KEPT_DAYS = 30
OFFERED = 20
# What a session remembers as the name of its image, and as points not tracked yet.
IMAGE, CLICKED, SET_ASIDE = "image", "clicked", "set_aside"


@dataclass(frozen=True)
class UnsavedWork:
    """What a session has left that ended without being saved.

    Parameters
    ----------
    path : Path
        A project file like any other.
    recording : str
        Name of its file, or of the image if it was none.
    is_file : bool
        Whether the recording can be opened with it.
    changed : datetime
        Time of the last change, in the local zone.
    n_tracks, n_edits : int
    n_points : int
        Clicked, but not tracked yet.
    """

    path: Path
    recording: str
    is_file: bool
    changed: datetime
    n_tracks: int
    n_edits: int
    n_points: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to restore."""
        return not (self.n_tracks or self.n_edits or self.n_points)


def recovery_folder() -> Path:
    """Return the folder of unsaved work; the environment can name another one."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    state = platformdirs.user_state_path("napari-cotracker", appauthor=False)
    return state / "unsaved"


def is_unsaved(path: Path) -> bool:
    """Tell whether a project file is one of those in the folder."""
    return path.resolve().parent == recovery_folder().resolve()


def new_file(name: str) -> Path:
    """Return a path in the folder for the work on an image; there is no file yet.

    Raises
    ------
    ProjectError
        The folder cannot be made.
    """
    folder = recovery_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ProjectError(f"The folder '{folder}' cannot be made.") from error
    plain = re.sub(r"[^\w.-]+", "_", name)[:40].strip("._") or "recording"
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    return folder / f"{plain}_{stamp}_{uuid4().hex[:6]}{SUFFIX}"


def find_unsaved() -> list[UnsavedWork]:
    """Return what ended sessions have left, the latest first, ``OFFERED`` at most.

    What did not change for ``KEPT_DAYS`` days is deleted, and so is a file without any
    tracks, edits and points; one that is open anywhere is left alone.
    """
    found: list[UnsavedWork] = []
    for times, path in sorted(_files(), reverse=True):
        # Each has to be opened, which takes some milliseconds.
        if len(found) < OFFERED or _too_old(times):
            work = _settled(path, times)
            found += [] if work is None else [work]
    return found


def discard(path: Path) -> None:
    """Delete unsaved work for good.

    Raises
    ------
    ProjectError
        It is open, or may not be deleted.
    """
    try:
        SqliteFile(path, wait_s=0).close()
    except InUseError:
        raise
    except ProjectError:
        pass  # whatever it is, it is not wanted
    remove(path)


def remove(path: Path) -> None:
    """Delete a file that is known to be closed, and what SQLite left beside it.

    Raises
    ------
    ProjectError
        It may not be deleted.
    """
    try:
        for each in (path, *(beside(path, suffix) for suffix in SIDECARS)):
            each.unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            f"'{path}' cannot be deleted ({error.strerror or error}); check the folder."
        ) from error


def remove_if_empty(path: Path) -> None:
    """Delete a closed file in which there are no tracks, edits and points."""
    with suppress(OSError):
        _settled(path, _times(path))


def _files() -> list[tuple[Times, Path]]:
    found = []
    with suppress(OSError):  # no such folder
        for path in recovery_folder().glob(f"*{SUFFIX}"):
            with suppress(OSError):  # gone meanwhile
                found.append((_times(path), path))
    return found


def _times(path: Path) -> Times:
    """Return the times of the last change and access, in nanoseconds."""
    log = beside(path, "-wal")
    stats = [path.stat(), *([log.stat()] if log.exists() else [])]
    return max((each.st_mtime_ns, each.st_atime_ns) for each in stats)


def _too_old(times: Times) -> bool:
    return time.time() - times[0] / 1e9 > KEPT_DAYS * 24 * 3600


def _settled(path: Path, times: Times) -> UnsavedWork | None:
    """Return what a file holds; None if it is open, not readable, or was deleted."""
    work = None
    if not path.name.startswith("."):  # else it is, or was, being made
        try:
            work = _summary(path, datetime.fromtimestamp(times[0] / 1e9).astimezone())
        except InUseError:
            return None
        except ProjectError:
            pass  # damaged: a person may know what to do
    if _too_old(times) or (work is not None and work.is_empty):
        with suppress(ProjectError):
            remove(path)
        return None
    if work is not None:
        # Opening changes a file by what was left in its log: that is no later work.
        with suppress(OSError):
            os.utime(path, ns=(times[1], times[0]))
    return work


def _summary(path: Path, changed: datetime) -> UnsavedWork:
    with closing(SqliteFile(path, wait_s=0)) as file:
        try:
            recording = Recording.from_dict(fact(file, RECORDING))
        except (TypeError, KeyError, ValueError) as error:
            raise damaged(path, "which recording it is about") from error
        name = fact(file, REMEMBERED + IMAGE, "")
        clicked = [
            fact(file, REMEMBERED + CLICKED, None) or {},
            *fact(file, REMEMBERED + SET_ASIDE, ()),
        ]
        return UnsavedWork(
            path,
            Path(recording.path).name or str(name),
            bool(recording.path),
            changed,
            int(file.rows("SELECT count(*) FROM tracks")[0][0]),
            int(file.rows("SELECT count(*) FROM edits")[0][0]),
            sum(len(layer.get("points", ())) for layer in clicked),
        )
