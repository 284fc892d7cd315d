"""Encoded videos (MP4, AVI, MOV, MKV, ...) through PyAV, frame-accurate."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video.conversion import Conversion, PixelFormat
from napari_cotracker.video.options import ReadingOptions
from napari_cotracker.video.packets import scan
from napari_cotracker.video.source import Frames, FrameSource, VideoWarning
from napari_cotracker.video.streams import (
    decoded,
    first_label,
    open_stream,
    opened,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.video.frame import VideoFrame

SUFFIXES = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .ts .wmv .flv .ogv .gif".split()
)

_CACHE_BYTES = 256 * 1024**2
# Played forward, only this many frames stay behind: windows overlap.
_FRAMES_BEHIND = 64


class EncodedVideo(FrameSource):
    """A video file; every frame equals that of decoding it from the start.

    Parameters
    ----------
    path : path to the file
    options : ReadingOptions
        Contrast and channels; a video has no axes to name.

    Raises
    ------
    VideoError
        The file cannot be opened or holds no decodable frame.
    InputError
        The options do not fit.
    """

    def __init__(self, path: str | Path, options: ReadingOptions | None = None) -> None:
        options = options or ReadingOptions()
        self._path = Path(path)
        if options.axes is not None or options.plane is not None:
            raise InputError(
                f"axes= and plane= do not apply to the video '{self._path.name}'; "
                "leave them out."
            )
        self._start_empty()
        self._index = scan(self._path)
        with opened(self._path) as (_, stream):
            self._pixel_format = _pixel_format(stream.pix_fmt)
            codec = stream.codec_context.name
            rate = stream.average_rate
        first = self._raw_frame(0)
        self._conversion = Conversion.choose(
            PixelFormat(first.dtype, first.shape[2] if first.ndim == 3 else 0),
            options,
            self._read_raw,
            self._index.n_frames,
        )
        times = self._index.times
        duration = 0.0 if times is None else times[-1]
        fps = (len(self._index.order) - 1) / duration if duration > 0 else rate
        super().__init__(
            f"'{self._path.name}'",
            self._index.n_frames,
            (first.shape[0], first.shape[1]),
            fps=None if not fps else float(fps),
            times=times,
            contrast_limits=self._conversion.contrast_limits,
            notes=(codec, *self._conversion.notes),
        )

    @staticmethod
    def supports(video: object) -> bool:
        """Whether this is a file with a suffix of encoded videos."""
        return isinstance(video, Path) and video.suffix.lower() in SUFFIXES

    def close(self) -> None:
        """Close the file and forget decoded frames; a later read opens it again."""
        with self._lock:
            if self._stream is not None:
                self._stream[0].close()
            self._start_empty()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what cannot move to another process."""
        dropped = ("_lock", "_stream", "_running", "_cache")
        return {k: v for k, v in self.__dict__.items() if k not in dropped}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore; the file is opened at the next read."""
        self.__dict__.update(state)
        self._start_empty()

    def _start_empty(self) -> None:
        if not hasattr(self, "_lock"):
            self._lock = threading.RLock()
        self._stream: tuple[Any, Any] | None = None
        self._running: Iterator[tuple[int, VideoFrame]] | None = None
        self._next = 0  # the lowest frame that decoding on can still give
        self._trusted_from = 0  # frames before it may be damaged after a seek
        self._cache: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()

    def _read(self, start: int, stop: int) -> Frames:
        return np.ascontiguousarray(self._conversion.apply(self._read_raw(start, stop)))

    def _read_raw(self, start: int, stop: int) -> npt.NDArray[Any]:
        with self._lock:
            first = self._raw_frame(start)
            frames = np.empty((stop - start, *first.shape), first.dtype)
            frames[0] = first
            for frame in range(start + 1, stop):
                frames[frame - start] = self._raw_frame(frame)
        return frames

    def _raw_frame(self, frame: int) -> npt.NDArray[Any]:
        with self._lock:
            if frame in self._cache:
                self._cache.move_to_end(frame)
                return self._cache[frame]
            held = None
            for tries, _ in enumerate(self._approaches(frame)):
                got = self._decode_up_to(frame)
                if got == frame:
                    return self._cache[frame]
                if got is not None and tries > 0:
                    held = got
                    break  # passed over: it is not in the file
            return self._hold(frame, held)

    def _approaches(self, frame: int) -> Iterator[None]:
        """Take up positions from which decoding on should give a frame.

        The cheapest first: decoding on, the nearest keyframe, earlier ones (a
        keyframe may not be one in truth), at last the start of the file.
        """
        starts = self._index.keyframes_before(frame)
        nearest = starts[0][0] if starts else 0
        if self._running is not None and nearest <= self._next <= frame:
            self._cache.pop(frame - _FRAMES_BEHIND, None)
            yield
        for keyframe, timestamp in starts[:3]:
            if self._seek(timestamp):
                self._trusted_from = keyframe
                yield
        self._restart()
        yield

    def _seek(self, timestamp: int) -> bool:
        container, stream = self._open()
        label = self._index.label
        try:
            container.seek(timestamp, stream=stream)
            landed = first_label(container, stream, label)
            container.seek(timestamp, stream=stream)
        except av.FFmpegError:
            return False
        self._running = decoded(container, stream, label)
        self._next = self._trusted_from = 0
        return landed in self._index.keyframe_labels

    def _restart(self) -> None:
        if self._stream is not None:
            self._stream[0].close()
            self._stream = None
        container, stream = self._open()
        self._running = decoded(container, stream, self._index.label)
        self._next = self._trusted_from = 0

    def _open(self) -> tuple[Any, Any]:
        if self._stream is None:
            self._stream = open_stream(self._path)
        return self._stream

    def _decode_up_to(self, frame: int) -> int | None:
        """Decode on until this frame is in the cache or was passed over.

        Returns
        -------
        number : int or None
            The frame; if there is none such, the last one before it that came.
        """
        earlier: int | None = None
        for label, picture in self._running or ():
            number = self._index.order.get(label)
            # After a seek, frames before the keyframe lack what they refer to.
            if number is None or number < self._trusted_from:
                continue
            self._next = number + 1
            if number > frame - self._frames_kept():
                self._remember(number, picture)
            if number >= frame:
                return number if number == frame else earlier
            earlier = number
        self._running = None
        return earlier

    def _remember(self, number: int, picture: VideoFrame) -> None:
        pixels = picture.to_ndarray(format=self._pixel_format)
        upright = np.ascontiguousarray(np.rot90(pixels, round(picture.rotation / 90)))
        first = next(iter(self._cache.values()), upright)
        if upright.shape != first.shape:
            raise VideoError(
                f"'{self._path.name}' changes its frame size from {first.shape[:2]} to "
                f"{upright.shape[:2]} at frame {number}; convert it to one size."
            )
        self._cache[number] = upright
        while len(self._cache) > self._frames_kept() + 1:
            self._cache.popitem(last=False)

    def _frames_kept(self) -> int:
        some = next(iter(self._cache.values()), None)
        return 16 if some is None else max(16, _CACHE_BYTES // some.nbytes)

    def _hold(self, frame: int, earlier: int | None) -> npt.NDArray[Any]:
        if earlier is None or earlier not in self._cache:
            raise VideoError(
                f"Frame {frame} of '{self._path.name}' cannot be decoded; the file is "
                "damaged there. Copy or export it again, or leave these frames out."
            )
        warnings.warn(
            f"Frame {frame} of '{self._path.name}' cannot be decoded; frame {earlier} "
            "is shown in its place.",
            VideoWarning,
            stacklevel=2,
        )
        self._cache[frame] = self._cache[earlier]
        return self._cache[frame]


def _pixel_format(stored: str | None) -> str:
    """Keep the depth of grey recordings; all else is read as 8-bit RGB."""
    components = av.VideoFormat(stored).components if stored else ()
    grey = len(components) == 1 and (stored or "").startswith("gray")
    return "gray16le" if grey and components[0].bits > 8 else "rgb24"
