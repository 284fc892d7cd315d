"""Write all of a file or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.errors import CoTrackerError, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_device(path: Path) -> bool:
    """Whether there is something that is neither file nor folder (a pipe, /dev/...)."""
    # Those of Path raise if the name is too long.
    known = os.path.isfile(path) or os.path.isdir(path)
    return os.path.exists(path) and not known


@contextmanager
def replacing(
    path: Path,
    *,
    overwrite: bool,
    folder: bool = False,
    failure: type[CoTrackerError] = FormatError,
) -> Iterator[Path]:
    """Give a new file beside ``path`` that takes its place if the block succeeds.

    The block may read the file back and raise to have it thrown away.

    Parameters
    ----------
    path : Path
        Where the file is to be.
    overwrite : bool
        Whether a file may be there already.
    folder : bool
        Whether it is a folder; the block is given an empty one.
    failure : type of error
        What is raised.

    Raises
    ------
    failure
        A file is there already, or no file but a device, or the disk is full or not
        writable; what was there is then as it was and nothing else is left.
    """
    target = path.resolve()
    exists = os.path.exists(target)
    if is_device(target):
        # Renaming over /dev/null would replace the device, for everybody.
        raise failure(
            f"'{path}' is a device or a pipe, which cannot be replaced by a file; give "
            "the name of a file to write."
        )
    if exists and target.is_dir() is not folder:
        kind = "folder" if folder else "file"
        raise failure(f"'{path}' is not a {kind}; give the name of a {kind} to write.")
    part: Path | None = None
    try:
        if exists and not overwrite:
            raise FileExistsError
        part = _new(target, folder=folder)
        yield part
        _to_disk(part)
        part.chmod(_usual_mode(target, folder=folder))
        _take_place(part, target, overwrite=overwrite)
        part = None
    except FileExistsError as error:
        raise failure(
            f"'{path}' exists already; choose another name, or have it replaced "
            "(overwrite=True, on the command line --overwrite)."
        ) from error
    except OSError as error:
        raise failure(
            f"'{path}' cannot be written ({_reason(error)}); check the folder "
            "and the free space. Nothing was changed."
        ) from error
    finally:
        if part is not None:
            _remove(part)


def _new(target: Path, *, folder: bool) -> Path:
    if folder:
        return Path(tempfile.mkdtemp(dir=target.parent, prefix=".", suffix=target.name))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=target.name)
    os.close(handle)
    return Path(name)


def _reason(error: OSError) -> str:
    # HDF5 fills strerror with lines of its own.
    return os.strerror(error.errno) if error.errno else " ".join(str(error).split())


def _to_disk(path: Path) -> None:
    for each in path.rglob("*") if path.is_dir() else [path]:
        if each.is_file():
            with each.open("rb+") as file:
                os.fsync(file.fileno())


def _take_place(part: Path, target: Path, *, overwrite: bool) -> None:
    if not overwrite and not part.is_dir() and _linked(part, target):
        part.unlink()
        return
    if not (part.is_dir() and target.exists()):
        part.replace(target)
        return
    # A folder cannot be replaced in one step: the old one is moved aside first, and
    # back if the new one cannot follow.
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=".old")) / target.name
    target.replace(aside)
    try:
        part.replace(target)
    except OSError:
        aside.replace(target)
        raise
    finally:
        _remove(aside.parent)


def _linked(part: Path, target: Path) -> bool:
    """Give a file its name unless that is taken (FileExistsError), in one step.

    Renaming would replace what another program has put there since it was looked for.
    """
    try:
        os.link(part, target)
    except OSError as error:
        if os.path.exists(target):
            raise FileExistsError from error
        return False  # a disk without links, such as exFAT
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _usual_mode(target: Path, *, folder: bool) -> int:
    """Return the mode of the file replaced, or what a new file would get."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return (0o777 if folder else 0o666) & ~mask
