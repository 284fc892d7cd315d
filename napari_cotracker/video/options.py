"""What a caller may say about how a recording is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


@dataclass(frozen=True)
class ReadingOptions:
    """Choices of :func:`open_video`, documented there, checked once.

    Raises
    ------
    InputError
        A channel or plane is not a whole number, or fps is not above 0.
    """

    contrast_limits: tuple[float, float] | None = None
    channels: tuple[int, ...] | None = None
    axes: str | None = None
    plane: int | None = None
    fps: float | None = None

    @classmethod
    def given(
        cls,
        contrast_limits: tuple[float, float] | None,
        channels: int | Sequence[int] | None,
        axes: str | None,
        plane: int | None,
        fps: float | None = None,
    ) -> ReadingOptions:
        """Accept one channel as a bare number and axes in any case."""
        try:
            if channels is not None:
                channels = (
                    tuple(index(c) for c in channels)
                    if hasattr(channels, "__iter__")
                    else (index(channels),)
                )
            plane = None if plane is None else index(plane)
        except TypeError as error:
            raise InputError(
                f"channels={channels!r}, plane={plane!r}: expected whole numbers."
            ) from error
        letters = None if axes is None else str(axes).upper()
        return cls(contrast_limits, channels, letters, plane, _checked_rate(fps))

    def times(
        self, n_frames: int, found: npt.NDArray[np.float64] | None
    ) -> npt.NDArray[np.float64] | None:
        """Return the times by the rate given, else those found in the file."""
        return found if self.fps is None else np.arange(n_frames) / self.fps


def _checked_rate(fps: float | None) -> float | None:
    if fps is None:
        return None
    try:
        rate = float(fps)
    except (TypeError, ValueError) as error:
        raise InputError(f"fps={fps!r}: expected a number above 0.") from error
    if not 0 < rate < float("inf"):
        raise InputError(f"fps={fps!r}: expected a number above 0.")
    return rate
