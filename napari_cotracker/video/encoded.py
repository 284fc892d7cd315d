"""Encoded videos (MP4, AVI, MOV, ...) through PyAV, frame-accurate."""

from __future__ import annotations

import threading
import warnings
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video.conversion import Conversion, PixelFormat
from napari_cotracker.video.decoding import Decoder
from napari_cotracker.video.options import ReadingOptions
from napari_cotracker.video.packets import scan
from napari_cotracker.video.pictures import Pictures
from napari_cotracker.video.source import Frames, FrameSource, VideoWarning
from napari_cotracker.video.streams import opened

if TYPE_CHECKING:
    from fractions import Fraction

SUFFIXES = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .ts .wmv .flv .ogv .gif".split()
)

CACHE_BYTES = 256 * 1024**2
# Header and packets of an AVI disagree by less where a few frames were dropped.
_RATE_TOLERANCE = 0.1


class EncodedVideo(FrameSource):
    """A video file; every frame equals that of decoding it from the start.

    Parameters
    ----------
    path : path to the file
    options : ReadingOptions
        Contrast and channels; a video has no axes to name.
    cache_bytes : int
        How much memory decoded frames may take.

    Raises
    ------
    VideoError
        The file cannot be opened or holds no decodable frame.
    InputError
        The options do not fit.
    """

    def __init__(
        self,
        path: str | Path,
        options: ReadingOptions | None = None,
        *,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        options = options or ReadingOptions()
        self._path = Path(path)
        if options.axes is not None or options.plane is not None:
            raise InputError(
                f"axes= and plane= do not apply to the video '{self._path.name}'; "
                "leave them out."
            )
        self._cache_bytes = cache_bytes
        self._index = scan(self._path)
        self._start()
        with opened(self._path) as (_, stream):
            codec = stream.codec_context.name
            stated = stream.average_rate
        self._pictures = Pictures(self._decoder.frame(0))
        self._picture_shape: tuple[int, ...] | None = None
        first = self._raw_frame(0)
        self._picture_shape = first.shape
        self._conversion = Conversion.choose(
            PixelFormat(first.dtype, first.shape[2] if first.ndim == 3 else 0),
            options,
            self._read_raw,
            self._index.n_frames,
        )
        super().__init__(
            f"'{self._path.name}'",
            self._index.n_frames,
            (first.shape[0], first.shape[1]),
            fps=self._rate(stated, options.fps),
            times=options.times(self._index.n_frames, self._index.times),
            contrast_limits=self._conversion.contrast_limits,
            notes=(codec, *self._conversion.notes),
        )

    @staticmethod
    def supports(video: object) -> bool:
        """Whether this is a file with a suffix of encoded videos."""
        return isinstance(video, Path) and video.suffix.lower() in SUFFIXES

    @property
    def cached_bytes(self) -> int:
        """Memory that decoded frames take now."""
        return self._decoder.cached_bytes

    def close(self) -> None:
        """Close the file and forget decoded frames; a later read opens it again."""
        with self._lock:
            self._decoder.close()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what cannot move to another process."""
        return {
            k: v for k, v in self.__dict__.items() if k not in ("_lock", "_decoder")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore; the file is opened at the next read."""
        self.__dict__.update(state)
        # A copy is read in another thread, and FFmpeg's converter serves only one.
        self._pictures = copy(self._pictures)
        self._start()

    def _start(self) -> None:
        self._lock = threading.RLock()
        self._decoder = Decoder(self._path, self._index, self._cache_bytes)

    def _read(self, start: int, stop: int) -> Frames:
        return np.ascontiguousarray(self._conversion.apply(self._read_raw(start, stop)))

    def _read_raw(self, start: int, stop: int) -> npt.NDArray[Any]:
        with self._lock:
            first = self._raw_frame(start)
            if stop == start + 1:
                return first[None]
            frames = np.empty((stop - start, *first.shape), first.dtype)
            frames[0] = first
            for frame in range(start + 1, stop):
                frames[frame - start] = self._raw_frame(frame)
        return frames

    def _raw_frame(self, frame: int) -> npt.NDArray[Any]:
        with self._lock:
            pixels = self._pictures.array(self._decoder.frame(frame))
        if self._picture_shape not in (None, pixels.shape):
            raise VideoError(
                f"'{self._path.name}' changes its frame size from "
                f"{self._picture_shape[:2]} to {pixels.shape[:2]} at frame {frame}; "
                "convert it to one size."
            )
        return pixels

    def _rate(self, stated: Fraction | None, known: float | None) -> float | None:
        """Return the rate: as the caller, else the packets, else the header say."""
        times = self._index.times
        if known is not None or times is None or times[-1] <= 0:
            return known or (float(stated) if stated else None)
        fps = float((self._index.n_frames - 1) / times[-1])
        if not self._index.stores_times and stated:
            self._compare_rates(fps, float(stated))
        return fps

    def _compare_rates(self, fps: float, stated: float) -> None:
        if abs(stated / fps - 1) > _RATE_TOLERANCE:
            warnings.warn(
                f"'{self._path.name}' states {stated:.4g} frames per second in its "
                f"header, but its {self._index.n_frames} frames are stored as "
                f"{fps:.4g} per second, which is used; if that is wrong, state the "
                "rate with fps=.",
                VideoWarning,
                stacklevel=2,
            )
