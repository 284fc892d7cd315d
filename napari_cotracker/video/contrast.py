"""One contrast window for a whole recording."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError
from napari_cotracker.video.source import VideoWarning

if TYPE_CHECKING:
    from collections.abc import Iterable

# Frames looked at to choose a window; spread over the recording.
SAMPLED_FRAMES = 16
# Per frame, so that a few hot pixels do not flatten the picture while small
# bright spots, often well under a thousandth of it, keep their profile.
_PERCENTILES = (0.01, 99.99)


@dataclass(frozen=True)
class ContrastWindow:
    """The linear map of stored values to 0..255.

    Parameters
    ----------
    low, high : float
        Values shown as 0 and 255; what lies outside is clipped.

    Raises
    ------
    InputError
        The limits are not two finite numbers in rising order.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse limits that cannot be divided by."""
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise InputError(
                f"contrast_limits are ({self.low}, {self.high}); give two finite "
                "numbers, the smaller one first."
            )

    @classmethod
    def given(cls, limits: tuple[float, float]) -> ContrastWindow:
        """Take limits from a caller.

        Raises
        ------
        InputError
            They are not two numbers in rising order.
        """
        try:
            low, high = (float(limit) for limit in limits)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"contrast_limits are {limits!r}; give two numbers (low, high)."
            ) from error
        return cls(low, high)

    @classmethod
    def measured(cls, frames: Iterable[npt.NDArray[Any]]) -> ContrastWindow:
        """Choose the window that holds the 0.01 to 99.99 percentiles of every frame.

        Parameters
        ----------
        frames : iterable of arrays
            A sample of the recording. NaN and infinite values are left out;
            frames without any finite value give the window (0, 1).
        """
        lows, highs = [], []
        for frame in frames:
            values = frame[np.isfinite(frame)] if frame.dtype.kind == "f" else frame
            if values.size:
                # float64 holds every pixel type up to 32 bits exactly.
                low, high = np.percentile(values.astype(np.float64), _PERCENTILES)
                lows.append(float(low))
                highs.append(float(high))
        if not lows:
            return cls(0.0, 1.0)
        low, high = min(lows), max(highs)
        if not low < high:
            high = low + max(1.0, abs(low) * 1e-6)
        return cls(low, high)

    def apply(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Map values of any real type to uint8; NaN becomes 0, with a warning."""
        small = values.dtype.itemsize <= 2 or values.dtype == np.float32
        scaled: npt.NDArray[Any] = values.astype(np.float32 if small else np.float64)
        if values.dtype.kind == "f":
            unknown = np.isnan(scaled)
            if unknown.any():
                warnings.warn(
                    "The recording contains NaN pixels; they are shown as black.",
                    VideoWarning,
                    stacklevel=2,
                )
                scaled[unknown] = self.low
        np.subtract(scaled, self.low, out=scaled)
        np.multiply(scaled, 255.0 / (self.high - self.low), out=scaled)
        np.clip(scaled, 0, 255, out=scaled)
        np.rint(scaled, out=scaled)
        return scaled.astype(np.uint8)
