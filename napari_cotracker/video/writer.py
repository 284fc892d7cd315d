"""Write frames to an MP4 file."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import CoTrackerError, InputError, VideoError
from napari_cotracker.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

# MPEG-4 part 2 is part of every FFmpeg build, H.264 is not.
_CODECS = ("libx264", "mpeg4")
_DEFAULT_FPS = 25.0


class VideoWriter:
    """Writes uint8 RGB frames one by one; the file appears only when it is whole.

    Use as a context manager: on an error nothing is left behind, and a file that
    was there before stays as it was.

    Parameters
    ----------
    path : path
        Ends in ``.mp4``.
    fps : float or None
        None = 25.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    VideoError
        A file is there already, the folder is missing, the disk is full, or frames
        differ in size.
    InputError
        A frame is not (H, W, 3) uint8.
    """

    def __init__(
        self, path: str | Path, fps: float | None = None, *, overwrite: bool = False
    ) -> None:
        self._path = Path(path)
        rate = Fraction(fps or _DEFAULT_FPS).limit_denominator(60_000)
        self._rate = max(rate, Fraction(1, 1000))
        self._overwrite = overwrite
        self._size: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        """Start the file."""
        with ExitStack() as stack:
            part = stack.enter_context(
                replacing(self._path, overwrite=self._overwrite, failure=VideoError)
            )
            # An open file, so that a failing write is raised and not only logged.
            file = stack.enter_context(part.open("w+b"))
            self._container: Any = av.open(file, "w", format="mp4")
            self._stream: Any = self._container.add_stream(_codec(), rate=self._rate)
            self._open = stack.pop_all()
        return self

    def write(self, frame: npt.NDArray[np.uint8]) -> None:
        """Append one frame, (H, W, 3) uint8; odd sizes are padded by their rim."""
        frame = np.asarray(frame)
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise InputError(
                f"A frame of shape {frame.shape} and type {frame.dtype} cannot be "
                "written; expected (H, W, 3) uint8."
            )
        height, width = frame.shape[:2]
        if self._size is None:
            self._set_size(height, width)
        if self._size != (height, width):
            raise VideoError(
                f"Frames of one video must have one size; got {width} x {height} after "
                f"{self._size}."
            )
        padded = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), "rgb24")
        self._mux(picture)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish the file and put it in its place, or leave nothing after an error."""
        if kind is not None:
            self._throw_away(kind, error, traceback)
            return
        try:
            self._finish()
        except VideoError as failure:
            self._throw_away(type(failure), failure, None)
            raise
        self._open.close()

    def _finish(self) -> None:
        if self._size is None:
            raise VideoError(
                f"'{self._path.name}' was given no frames, so it was not written."
            )
        self._mux(None)
        try:
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def _mux(self, picture: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def _throw_away(
        self,
        kind: type[BaseException],
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()
        with suppress(CoTrackerError, OSError):
            self._open.__exit__(kind, error, traceback)

    def _set_size(self, height: int, width: int) -> None:
        self._size = (height, width)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        if self._stream.codec_context.name == "libx264":
            # Short groups of pictures keep random access fast.
            self._stream.options = {"crf": "18", "g": "12", "preset": "veryfast"}
        else:
            self._stream.bit_rate = max(2_000_000, 4 * height * width)

    def _failure(self, error: Exception) -> VideoError:
        reason = getattr(error, "strerror", None) or error
        return VideoError(
            f"'{self._path}' cannot be written ({reason}); check the folder and the "
            "free space. Nothing was left behind."
        )


def write_video(
    frames: Iterable[npt.NDArray[np.uint8]],
    path: str | Path,
    fps: float | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write (H, W, 3) uint8 frames to an MP4 file, one at a time.

    Raises
    ------
    VideoError
        No frames, frames of several sizes, or the file is there already or cannot be
        written.
    InputError
        A frame is not (H, W, 3) uint8.
    """
    with VideoWriter(path, fps, overwrite=overwrite) as writer:
        for frame in frames:
            writer.write(frame)


def _codec() -> str:
    return next(c for c in _CODECS if c in av.codecs_available)
