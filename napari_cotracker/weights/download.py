"""Download a published checkpoint: resumed, whole or not at all, its digest pinned."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_cotracker.errors import ModelError
from napari_cotracker.weights.downloaded import (
    HOME_VARIABLE,
    Pin,
    digest_of_file,
    downloaded_file,
    pin_file,
    read_pin,
    write_pin,
)
from napari_cotracker.weights.registry import find_model, is_published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_cotracker.weights.record import ModelRecord

LICENCE_TEXT = "https://creativecommons.org/licenses/by-nc/4.0/"


def download_weights(
    name: str,
    *,
    accept_licence: bool,
    on_progress: Callable[[int, int], None] | None = None,
    base_url: str | None = None,
) -> Path:
    """Download a published checkpoint, or return the one that is here already.

    Parameters
    ----------
    name : str
        Name from :func:`napari_cotracker.list_models`.
    accept_licence : bool
        Whether the user has accepted the licence of the weights, CC-BY-NC 4.0.
    on_progress : callable or None
        Called with (bytes here, bytes in all). What it raises stops the download,
        which the next call continues.
    base_url : str or None
        A mirror: folder that has the file under its published name.

    Returns
    -------
    Path
        The file; from now on the model can be asked for by name.

    Raises
    ------
    ModelError
        Unknown or bundled model, licence not accepted, no network, a refusal, a broken
        transfer, a file that is not the one pinned before, no space. Nothing that was
        here before is changed by any of them.
    """
    record = find_model(name)
    _check_terms(record, accept_licence)
    file = downloaded_file(name)
    pin = read_pin(file)
    if pin is not None and file.is_file() and digest_of_file(file) == pin.sha256:
        return file
    url = record.origin
    if base_url is not None:
        url = f"{base_url.rstrip('/')}/{url.rpartition('/')[2]}"
    # requests takes half a second to import; only downloads need it.
    from napari_cotracker.weights.transfer import fetch

    part = file.with_name(f"{file.name}.part")
    with _disk_errors(file), _held_alone(file):
        fetch(url, part, on_progress)
        _put_in_place(part, file, pin, url)
    return file


def _check_terms(record: ModelRecord, accept_licence: bool) -> None:
    if not is_published(record.name):
        raise ModelError(
            f"Model {record.name!r} comes with napari-cotracker; there is nothing to "
            "download."
        )
    if not accept_licence:
        raise ModelError(
            f"The weights of {record.name!r} are under {record.licence}, for "
            f"non-commercial use with credit to their authors ({LICENCE_TEXT}): accept "
            "that with --accept-licence (in Python accept_licence=True) to download "
            "them."
        )


def _put_in_place(part: Path, file: Path, pin: Pin | None, url: str) -> None:
    from napari_cotracker.weights.transfer import discard

    digest = digest_of_file(part)
    if pin is None:
        # Before the file, so that a file never stands without its pin.
        write_pin(file, Pin(digest, part.stat().st_size, url))
    elif digest != pin.sha256:
        discard(part)
        raise ModelError(
            f"{url} is no longer the file that was downloaded first: its sha256 is "
            f"{digest[:12]}..., pinned is {pin.sha256[:12]}...; nothing was replaced. "
            f"Delete {pin_file(file)} only if you trust the new file."
        )
    part.replace(file)
    discard(part)


@contextmanager
def _disk_errors(file: Path) -> Iterator[None]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "make room" if full else "check the folder and its permissions"
        raise ModelError(
            f"{file} cannot be written ({error.strerror or error}); {advice}, or name "
            f"another folder in the environment variable {HOME_VARIABLE}."
        ) from error


@contextmanager
def _held_alone(file: Path) -> Iterator[None]:
    """Keep other processes and threads from filling the same file.

    The system frees the lock when a process dies, so that none is ever left behind.
    """
    with file.with_name(f".{file.name}.lock").open("ab") as handle:
        try:
            _lock(handle.fileno())
        except OSError as error:
            raise ModelError(
                f"{file.name} is being downloaded already, here or by another process; "
                "wait until that has ended."
            ) from error
        yield


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
