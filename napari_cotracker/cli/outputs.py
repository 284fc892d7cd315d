"""Output files: refused before the work starts, never lost when it is done."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import CoTrackerError, InputError
from napari_cotracker.files import is_device
from napari_cotracker.tracks import Source, Tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_cotracker.tracks import Queries


def check_output(path: Path, *, overwrite: bool, folder: bool = False) -> None:
    """Refuse an output that could not be written at the end.

    Parameters
    ----------
    path : Path
    overwrite : bool
    folder : bool
        Whether the format is a folder.

    Raises
    ------
    InputError
        It exists (and may not be overwritten), is a folder or a device, or its folder
        is missing or not writable.
    """
    if path.is_dir() and not folder:
        raise InputError(f"The output {path} is a folder; give the name of a file.")
    if is_device(path):
        raise InputError(
            f"The output {path} is a device or a pipe; give the name of a file."
        )
    if path.exists() and not overwrite:
        raise InputError(
            f"The output {path} exists already; choose another name or add --overwrite."
        )
    parent = path.parent
    if not parent.is_dir():
        raise InputError(
            f"The folder {parent} of the output does not exist; create it."
        )
    target = path if path.exists() else parent
    if not os.access(target, os.W_OK):
        raise InputError(
            f"The output {path} may not be written (permission); choose another place."
        )


def check_video_output(path: Path, *, overwrite: bool) -> None:
    """Refuse a video that could not be written at the end.

    Raises
    ------
    InputError
        As :func:`check_output`, or the suffix is not ``.mp4``.
    """
    check_output(path, overwrite=overwrite)
    if path.suffix.lower() != ".mp4":
        raise InputError(f"The video {path} must end in .mp4.")


def check_apart(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Refuse an output that is an input, whatever the two paths look like.

    Raises
    ------
    InputError
        Names the output.
    """
    read = {path.resolve() for path in inputs}
    for path in outputs:
        if path is not None and path.resolve() in read:
            raise InputError(f"The output {path} would overwrite an input; rename it.")


def try_format(queries: Queries, path: Path, format: str | None) -> None:
    """Save one frame of the tracks to be, so that nothing is refused hours later.

    Raises
    ------
    CoTrackerError
        The format lacks its library, or cannot hold these names.
    """
    from napari_cotracker.io import save_tracks

    ids = queries.tracks
    ones = np.ones((1, len(ids)), np.float32)
    one_frame = Tracks(
        xy=np.zeros((1, len(ids), 2), np.float32),
        visibility=ones,
        confidence=ones,
        visible=ones.astype(np.bool_),
        source=np.full((1, len(ids)), Source.MANUAL),
        point_id=ids,
        name=tuple(queries.name_of(i) for i in ids.tolist()),
        size=(1, 1),
    )
    with tempfile.TemporaryDirectory() as folder:
        save_tracks(one_frame, Path(folder) / path.name, format)


def write_or_rescue(
    write: Callable[[Path], object],
    path: Path,
    otherwise: Callable[[Path], object] | None = None,
) -> None:
    """Write a result; where that fails, put it into another folder and say so.

    Parameters
    ----------
    write : callable
        Writes the result to the path it is given.
    path : Path
        Where the result belongs.
    otherwise : callable or None
        Writes it in the simplest way there is, as JSON, where nothing else helps.

    Raises
    ------
    CoTrackerError
        The result is not at ``path``; the message says where it is instead.
    """
    try:
        write(path)
    except (CoTrackerError, OSError) as error:
        rescued = _rescue(write, path.name)
        if rescued is None and otherwise is not None:
            rescued = _rescue(otherwise, f"{path.stem}.json")
        fate = (
            f"The result is not lost: it was saved as {rescued}."
            if rescued
            else "The result could not be saved anywhere else either."
        )
        raise CoTrackerError(f"{error} {fate}") from error


def _rescue(write: Callable[[Path], object], name: str) -> Path | None:
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        candidate = folder / f"rescued-{os.getpid()}-{name}"
        try:
            write(candidate)
        except (CoTrackerError, OSError):
            candidate.unlink(missing_ok=True)
        else:
            return candidate
    return None
