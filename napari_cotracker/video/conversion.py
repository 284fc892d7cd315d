"""From stored pixels, of any type and number of channels, to uint8 RGB."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError
from napari_cotracker.video.contrast import SAMPLED_FRAMES, ContrastWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.video.options import ReadingOptions


@dataclass(frozen=True)
class PixelFormat:
    """What is stored.

    Parameters
    ----------
    dtype : numpy dtype
        Real numbers or bool.
    n_channels : int
        Length of the channel axis; 0 = frames are (H, W) and grey.
    samples : bool
        The channels are red, green, blue (and alpha), not unrelated dyes.

    Raises
    ------
    InputError
        The dtype is not one of pixels.
    """

    dtype: np.dtype[Any]
    n_channels: int = 0
    samples: bool = True

    def __post_init__(self) -> None:
        """Refuse types that have no brightness."""
        if self.dtype.kind not in "biuf":
            raise InputError(
                f"The recording has pixels of type {self.dtype}; expected whole "
                "numbers, floating-point numbers or bool (for complex numbers, pass "
                "their absolute value)."
            )


@dataclass(frozen=True)
class Conversion:
    """The choice of channels and contrast made once for a recording.

    Parameters
    ----------
    channels : tuple of 0 to 3 int
        Channels shown as red, green, blue; one = grey; none = no channel axis.
    window : ContrastWindow or None
        None = 8-bit values as they are.
    notes : tuple of str
        The choice in words.
    """

    channels: tuple[int, ...]
    window: ContrastWindow | None
    notes: tuple[str, ...]

    @classmethod
    def choose(
        cls,
        pixels: PixelFormat,
        options: ReadingOptions,
        read_raw: Callable[[int, int], npt.NDArray[Any]],
        n_frames: int,
    ) -> Conversion:
        """Choose channels and contrast, measuring a sample of frames if need be.

        Parameters
        ----------
        pixels : PixelFormat
            What ``read_raw`` returns.
        options : ReadingOptions
            What the caller asked for.
        read_raw : callable
            ``read_raw(start, stop)`` gives (n, H, W) or (n, H, W, C).
        n_frames : int
            T.

        Raises
        ------
        InputError
            The channels or limits asked for do not exist.
        """
        channels, note = _choose_channels(pixels, options.channels)
        plain = cls(channels, None, (note,))
        if options.contrast_limits is not None:
            return replace(plain, window=ContrastWindow.given(options.contrast_limits))
        if pixels.dtype == np.uint8 or n_frames < 1:
            return plain
        if pixels.dtype == np.bool_:
            return replace(plain, window=ContrastWindow(0.0, 1.0))
        last = n_frames - 1
        sample = sorted({round(i) for i in np.linspace(0, last, SAMPLED_FRAMES)})
        frames = (plain._pick(read_raw(i, i + 1)) for i in sample)
        return replace(plain, window=ContrastWindow.measured(frames))

    @property
    def contrast_limits(self) -> tuple[float, float] | None:
        """The window as a pair, None for 8-bit values as they are."""
        return None if self.window is None else (self.window.low, self.window.high)

    def apply(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Convert (n, H, W) or (n, H, W, C) to (n, H, W, 3) uint8.

        May be ``raw`` itself where nothing is to be done.
        """
        picked = self._pick(raw)
        shown: npt.NDArray[np.uint8] = (
            picked if self.window is None else self.window.apply(picked)
        )
        if shown.ndim == 4 and shown.shape[3] == 3:
            return shown
        result = np.zeros((*shown.shape[:3], 3), np.uint8)
        if shown.ndim == 3:
            result[:] = shown[..., None]
        else:
            result[..., : shown.shape[3]] = shown
        return result

    def _pick(self, raw: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if not self.channels:
            return raw
        first = self.channels[0]
        if len(self.channels) == 1:
            return raw[..., first]
        if self.channels == tuple(range(first, first + len(self.channels))):
            # A view: copying by an index list is slow.
            return raw[..., first : first + len(self.channels)]
        return raw[..., list(self.channels)]


def _choose_channels(
    pixels: PixelFormat, wanted: tuple[int, ...] | None
) -> tuple[tuple[int, ...], str]:
    count = pixels.n_channels
    if wanted is not None:
        if not 1 <= len(wanted) <= 3 or not all(0 <= c < max(count, 1) for c in wanted):
            known = f"{count} channels" if count > 1 else "one channel"
            raise InputError(
                f"channels={wanted} was asked for, but the recording has {known}; give "
                f"1 to 3 numbers from 0 to {max(count, 1) - 1}."
            )
        return (wanted, f"channels {_listed(wanted)}") if count else ((), "grey")
    if count == 0:
        return (), "grey"
    if count == 1:
        return (0,), "grey"
    if count == 3:
        return (0, 1, 2), "RGB" if pixels.samples else "channels 0, 1, 2 as RGB"
    if count == 4 and pixels.samples:
        return (0, 1, 2), "RGB (alpha ignored)"
    if pixels.samples:
        kind = " (grey and alpha?)" if count == 2 else ""
        raise InputError(
            f"The last axis holds {count} samples of each pixel{kind}; expected 3 "
            "(RGB) or 4 (RGBA). Choose those to show, as in channels=0 for grey "
            "(--channels 0); or, if the last axis is something else, name the axes, as "
            "in axes='TZYX' or axes='TCYX' (--axes TZYX)."
        )
    raise InputError(
        f"The recording has {count} channels; choose those to show, as in channels=0 "
        "for grey (--channels 0) or channels=(0, 1, 2) for red, green and blue "
        "(--channels 0 1 2)."
    )


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(n) for n in numbers)
