"""Write all of a file or nothing."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.errors import CoTrackerError, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replacing(
    path: Path, *, overwrite: bool, failure: type[CoTrackerError] = FormatError
) -> Iterator[Path]:
    """Give a new file beside ``path`` that takes its place if the block succeeds.

    The block may read the file back and raise to have it thrown away.

    Parameters
    ----------
    path : Path
        Where the file is to be.
    overwrite : bool
        Whether a file may be there already.
    failure : type of error
        What is raised.

    Raises
    ------
    failure
        A file is there already, or the disk is full or not writable; the old file
        is then as it was and nothing else is left.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise failure(f"'{path}' is not a file; give the name of a file to write.")
    if target.exists() and not overwrite:
        raise failure(
            f"'{path}' exists already; choose another name, or pass overwrite=True "
            "to replace it."
        )
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=".", suffix=target.name
        )
        part = Path(name)
        os.close(handle)
        yield part
        _to_disk(part)
        part.chmod(_usual_mode(target))
        part.replace(target)
        part = None
    except OSError as error:
        raise failure(
            f"'{path}' cannot be written ({error.strerror or error}); check the folder "
            "and the free space. Nothing was changed."
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _usual_mode(target: Path) -> int:
    """Return the mode of the file replaced, or what a new file would get."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
