"""One way to open every kind of recording."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.files import is_device
from napari_cotracker.video.array import ArraySource
from napari_cotracker.video.encoded import SUFFIXES as VIDEO_SUFFIXES
from napari_cotracker.video.encoded import EncodedVideo
from napari_cotracker.video.folder import FolderSource
from napari_cotracker.video.options import ReadingOptions
from napari_cotracker.video.source import FrameSource
from napari_cotracker.video.tiff import SUFFIXES as TIFF_SUFFIXES
from napari_cotracker.video.tiff import TiffSource
from napari_cotracker.video.zarr_store import ZarrSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The first that supports what was given opens it.
BACKENDS = (ZarrSource, FolderSource, TiffSource, EncodedVideo, ArraySource)


def open_video(
    video: Any,
    *,
    contrast_limits: tuple[float, float] | None = None,
    channels: int | Sequence[int] | None = None,
    axes: str | None = None,
    plane: int | None = None,
    fps: float | None = None,
) -> FrameSource:
    """Open a recording; frames are read when they are asked for.

    Parameters
    ----------
    video : path, array or FrameSource
        A video file, a TIFF stack, a folder of images, a zarr store, or an array
        (T, H, W) or (T, H, W, 3|4) of whole numbers, floats or bool (numpy, dask,
        zarr, ...).
    contrast_limits : (low, high) or None
        Stored values shown as 0 and 255. None: 8-bit values stay as they are; for
        others one window for the whole recording holds the 0.01 to 99.99
        percentiles of each of 16 frames spread over it. ``describe()`` states it.
    channels : int, sequence of int, or None
        Channels shown as red, green and blue; one = grey.
    axes : str or None
        One letter per axis of an array or TIFF (T, Z, C, Y, X, S = RGB samples),
        where they are not the usual ones or the file's metadata are wrong.
    plane : int or None
        Which Z plane to take, where there are several beside time.
    fps : float or None
        Frames per second, where the file does not hold them or is wrong.

    Returns
    -------
    source : FrameSource
        (T, H, W, 3) uint8.

    Raises
    ------
    VideoError
        The file is missing, damaged, empty or of an unknown kind.
    InputError
        The array or the choices cannot be read as a recording.
    """
    options = ReadingOptions.given(contrast_limits, channels, axes, plane, fps)
    if isinstance(video, FrameSource):
        return _unchanged(video, options)
    given = _existing_path(video) if isinstance(video, (str, os.PathLike)) else video
    for backend in BACKENDS:
        if backend.supports(given):
            with _named(given):
                return backend(given, options)
    if isinstance(given, Path):
        known = " ".join(sorted(VIDEO_SUFFIXES | TIFF_SUFFIXES))
        raise VideoError(
            f"'{given.name}' is no kind of recording that can be opened; expected one "
            f"of {known}, a folder of images, or a zarr store."
        )
    raise InputError(
        f"A recording cannot be made of a {type(video).__name__}; give a path, or an "
        "array (T, H, W) or (T, H, W, 3 or 4)."
    )


def _unchanged(source: FrameSource, options: ReadingOptions) -> FrameSource:
    same = options.contrast_limits in (None, source.contrast_limits)
    if not same or replace(options, contrast_limits=None) != ReadingOptions():
        raise InputError(
            f"{source.name} is open already; give contrast_limits, channels, axes, "
            "plane and fps when opening it."
        )
    return source


@contextmanager
def _named(given: Any) -> Iterator[None]:
    """Put the file into every error, also of the system's."""
    if not isinstance(given, Path):
        yield
        return
    try:
        yield
    except InputError as error:
        if given.name in str(error):
            raise
        raise InputError(f"'{given.name}': {error}") from error
    except OSError as error:
        raise VideoError(
            f"'{given.name}' cannot be read ({error.strerror or error}); check the "
            "file and its permissions."
        ) from error


def _existing_path(video: str | os.PathLike[str]) -> Path:
    path = Path(video)
    if not os.fspath(video):
        raise VideoError("The path of the recording is empty; give that of a file.")
    if "://" in os.fspath(video):
        raise VideoError(
            f"'{video}' is an address, and only files are opened; download it first."
        )
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise VideoError(f"'{path}' does not exist; check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(
            f"'{_printable(path)}' cannot be opened ({reason}); check the path."
        ) from error
    if is_device(path):
        raise VideoError(
            f"'{path}' is a pipe or a device; save what comes out of it as a file and "
            "give that."
        )
    if path.is_file() and status.st_size == 0:
        raise VideoError(f"'{path.name}' is empty (0 bytes); copy or export it again.")
    return path


def _printable(path: Path) -> str:
    text = str(path).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) < 200 else f"{text[:200]}..."
