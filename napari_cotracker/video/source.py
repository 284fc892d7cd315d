"""What every recording looks like to the rest of the package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError, VideoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

Frames = npt.NDArray[np.uint8]

# np.asarray(source) reads the whole recording; beyond this it is an accident.
_LARGEST_COPY = 4 * 1024**3


class VideoWarning(UserWarning):
    """A recording can be used, but not all of it is as its file promises."""


class FrameOutOfRangeError(InputError, IndexError):
    """A frame number outside the recording (an IndexError ends iteration)."""


class FrameSource(ABC):
    """A recording as uint8 RGB frames, read on demand.

    A backend implements ``_read`` only. Reading is safe from several threads, and
    a source can be pickled: file handles open again when they are next needed.

    Parameters
    ----------
    name : str
        What the recording is called in messages.
    n_frames : int
        T.
    size : (H, W)
        Frame size in pixels.
    fps : float or None
        Frames per second where known.
    times : (T,) float64 or None
        Seconds of every frame since the first, where the file says so.
    contrast_limits : (low, high) or None
        Stored values shown as 0 and 255; None = 8-bit values as they are.
    notes : tuple of str
        What :meth:`describe` states beyond the shape.

    Raises
    ------
    VideoError
        There are no frames, or they have no pixels.
    """

    def __init__(
        self,
        name: str,
        n_frames: int,
        size: tuple[int, int],
        *,
        fps: float | None = None,
        times: npt.NDArray[np.float64] | None = None,
        contrast_limits: tuple[float, float] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        if n_frames < 1:
            raise VideoError(f"{name} has no frames; give a recording with at least 1.")
        if min(size) < 1:
            raise VideoError(
                f"{name} has frames of {size[1]} x {size[0]} pixels; they are empty."
            )
        self.name = name
        self.size = (int(size[0]), int(size[1]))
        self.fps = fps
        self.times = times
        self.contrast_limits = contrast_limits
        self._n_frames = int(n_frames)
        self._notes = notes

    @abstractmethod
    def _read(self, start: int, stop: int) -> Frames:
        """Return frames start..stop-1 as (n, H, W, 3) uint8; the range is checked."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, H, W, 3)."""
        return (self._n_frames, *self.size, 3)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Always uint8."""
        return np.dtype(np.uint8)

    @property
    def ndim(self) -> int:
        """Always 4."""
        return 4

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._n_frames

    def read(self, start: int, stop: int) -> Frames:
        """Read consecutive frames.

        Parameters
        ----------
        start, stop : int
            Half-open range, ``0 <= start <= stop <= len(self)``.

        Returns
        -------
        frames : (stop - start, H, W, 3) uint8
            A writable copy.

        Raises
        ------
        FrameOutOfRangeError
            The range leaves the recording.
        VideoError
            A frame cannot be read.
        """
        if not 0 <= start <= stop <= self._n_frames:
            raise FrameOutOfRangeError(
                f"Frames {start} to {stop} (exclusive) of {self.name} were asked for; "
                f"it has frames 0 to {self._n_frames - 1}."
            )
        if start == stop:
            return np.empty((0, *self.size, 3), np.uint8)
        return self._read(int(start), int(stop))

    def __getitem__(self, key: Any) -> Frames:
        """Index like a numpy array of this shape; only the frames asked for are read.

        The first index may be an integer, a slice, or a 1-D array of integers or
        booleans; the others are applied to the frames that were read.
        """
        first, rest = self._split_key(key)
        if isinstance(first, (int, np.integer)):
            frame = self._frame_number(int(first))
            chosen: Frames = self.read(frame, frame + 1)[0][rest]
            return chosen
        frames = (
            list(range(*first.indices(self._n_frames)))
            if isinstance(first, slice)
            else self._frame_numbers(first)
        )
        return self._gather(frames)[(slice(None), *rest)]

    def __iter__(self) -> Iterator[Frames]:
        """Yield every frame, (H, W, 3) uint8."""
        for frame in range(self._n_frames):
            yield self.read(frame, frame + 1)[0]

    def __array__(
        self, dtype: Any = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        """Read the whole recording, unless that would fill the memory."""
        n_bytes = int(np.prod(self.shape))
        if n_bytes > _LARGEST_COPY:
            raise InputError(
                f"{self.name} would need {n_bytes / 1024**3:.1f} GiB as one array; "
                "read parts of it, as in source[100:200]."
            )
        return self.read(0, self._n_frames).astype(dtype or np.uint8, copy=False)

    def describe(self) -> str:
        """Say in one line what this is and how its values are shown."""
        count = "1 frame" if self._n_frames == 1 else f"{self._n_frames} frames"
        rate = () if self.fps is None else (f"{self.fps:.4g} frames per second",)
        shown = (
            "8-bit values as they are"
            if self.contrast_limits is None
            else "values {:.6g} to {:.6g} shown as 0 to 255".format(
                *self.contrast_limits
            )
        )
        head = f"{self.name}: {count} of {self.size[1]} x {self.size[0]} pixels"
        return ", ".join([head, *rate, *self._notes, shown])

    def duplicate(self) -> Self:
        """Return the same recording with file handles and cache of its own.

        For reading in two places at once, as a viewer and a tracker do: with one
        handle each would undo the other's seeking.
        """
        return copy(self)

    def close(self) -> None:  # noqa: B027 - not every backend holds something open
        """Let go of open files; a later read opens them again."""

    def __enter__(self) -> Self:
        """Return the source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Return the description in angle brackets."""
        return f"<{type(self).__name__} {self.describe()}>"

    def _split_key(self, key: Any) -> tuple[Any, tuple[Any, ...]]:
        keys = key if isinstance(key, tuple) else (key,)
        dots = [i for i, k in enumerate(keys) if k is Ellipsis]
        if any(k is None for k in keys) or len(dots) > 1 or len(keys) - len(dots) > 4:
            raise InputError(
                f"A recording has 4 axes (T, H, W, 3); it cannot be indexed by {key!r}."
            )
        if dots:
            fill = (slice(None),) * (5 - len(keys))
            keys = (*keys[: dots[0]], *fill, *keys[dots[0] + 1 :])
        return (keys[0], tuple(keys[1:])) if keys else (slice(None), ())

    def _frame_number(self, frame: int) -> int:
        if not -self._n_frames <= frame < self._n_frames:
            raise FrameOutOfRangeError(
                f"Frame {frame} of {self.name} was asked for; it has frames 0 to "
                f"{self._n_frames - 1}."
            )
        return frame % self._n_frames

    def _frame_numbers(self, key: Any) -> list[int]:
        numbers = np.asarray(key)
        if numbers.dtype == np.bool_ and numbers.shape == (self._n_frames,):
            return [int(i) for i in np.flatnonzero(numbers)]
        if numbers.ndim != 1 or not (numbers.size == 0 or numbers.dtype.kind in "iu"):
            raise InputError(
                f"Frames are chosen by an integer, a slice, or a 1-D list of integers; "
                f"got {key!r}."
            )
        return [self._frame_number(int(i)) for i in numbers]

    def _gather(self, frames: list[int]) -> Frames:
        """Read in ascending runs, the order in which encoded videos are cheap."""
        if frames and frames == list(range(frames[0], frames[-1] + 1)):
            return self.read(frames[0], frames[-1] + 1)
        result = np.empty((len(frames), *self.size, 3), np.uint8)
        order = np.argsort(np.asarray(frames, np.int64), kind="stable")
        breaks = [
            i
            for i, (a, b) in enumerate(pairwise(order), 1)
            if frames[b] != frames[a] + 1
        ]
        for run in np.split(order, breaks):
            if len(run):
                result[run] = self.read(frames[run[0]], frames[run[-1]] + 1)
        return result
