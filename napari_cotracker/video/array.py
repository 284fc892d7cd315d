"""Arrays: numpy, dask, zarr, torch, or anything that is indexed like them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError
from napari_cotracker.video.conversion import Conversion, PixelFormat
from napari_cotracker.video.layout import Layout
from napari_cotracker.video.options import ReadingOptions
from napari_cotracker.video.source import Frames, FrameSource

_ATTRIBUTES = ("shape", "dtype", "__getitem__")


class ArraySource(FrameSource):
    """An array read slice by slice; nothing is copied but the frames asked for.

    Parameters
    ----------
    array : (T, H, W) or (T, H, W, 3|4) array
        Or any order, if ``options.axes`` names it.
    options : ReadingOptions
        Contrast, channels, axes.
    name : str
        For messages.
    fps : float or None
        Frames per second where known.
    note : str
        What :meth:`describe` states beside the layout.

    Raises
    ------
    InputError
        Shape, axes or pixel type cannot be read as a recording.
    """

    def __init__(
        self,
        array: Any,
        options: ReadingOptions | None = None,
        *,
        name: str = "The array",
        fps: float | None = None,
        note: str = "",
    ) -> None:
        options = options or ReadingOptions()
        self._called = name
        shape = _known_shape(array)
        self._array = array
        self._layout = Layout.of(
            options.axes or _usual_axes(shape), shape, options.plane
        )
        layout = self._layout
        pixels = PixelFormat(_dtype_of(array), layout.n_channels, layout.channel != "C")
        self._conversion = Conversion.choose(
            pixels, options, self._read_raw, layout.n_frames if min(shape) else 0
        )
        super().__init__(
            name,
            layout.n_frames,
            layout.size,
            fps=options.fps or fps,
            times=options.times(layout.n_frames, None),
            contrast_limits=self._conversion.contrast_limits,
            notes=tuple(
                n
                for n in (note, layout.note, *self._conversion.notes, str(pixels.dtype))
                if n
            ),
        )

    @staticmethod
    def supports(video: object) -> bool:
        """Whether this can be indexed and has a shape and a dtype."""
        return all(hasattr(video, attribute) for attribute in _ATTRIBUTES)

    def _read_raw(self, start: int, stop: int) -> npt.NDArray[Any]:
        block = self._array[self._layout.key(start, stop)]
        return self._layout.arrange(np.asarray(self._unmasked(block)))

    def _unmasked(self, block: Any) -> Any:
        if not isinstance(block, np.ma.MaskedArray) or not np.ma.is_masked(block):
            return block
        if block.dtype.kind == "f":
            return block.filled(np.nan)
        raise InputError(
            f"{self._called} has masked pixels, which {block.dtype} pixels cannot say; "
            "pass array.filled(value)."
        )

    def _read(self, start: int, stop: int) -> Frames:
        # A copy, so that writing to it cannot change the caller's array.
        return np.array(self._conversion.apply(self._read_raw(start, stop)), order="C")


def _usual_axes(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[2] in (3, 4) and shape[2] < shape[1]:
        raise InputError(
            f"The array has shape {shape}: one colour picture, or one slice of a "
            "colour stack whose colours were taken for columns. Expected (T, H, W) or "
            "(T, H, W, 3 or 4); give the whole colour stack (in napari: show it with "
            "rgb=True). For pictures this narrow: open_video(array, axes='TYX')."
        )
    if len(shape) == 3:
        return "TYX"
    if len(shape) == 4:
        return "TYXS"
    raise InputError(
        f"The array has {len(shape)} axes, shape {shape}; expected (T, H, W) or "
        "(T, H, W, 3 or 4). For another order name the axes, as in axes='TZCYX'."
    )


def _known_shape(array: Any) -> tuple[int, ...]:
    try:
        return tuple(int(n) for n in array.shape)
    except (TypeError, ValueError) as error:
        # dask says NaN where a selection has not been counted yet
        raise InputError(
            f"The array has shape {tuple(array.shape)}, so its length is not known; "
            "compute it first (dask: array.compute_chunk_sizes())."
        ) from error


def _dtype_of(array: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = np.dtype(array.dtype)
    except TypeError:
        # A foreign dtype (torch); numpy knows what one element turns into.
        element = array[(slice(0, 1),) * len(array.shape)]
        try:
            dtype = np.asarray(element).dtype
        except (TypeError, RuntimeError) as error:
            raise InputError(
                f"The array of {array.dtype} cannot be read as numbers of numpy "
                f"({error}); convert it first (torch: tensor.detach().float().cpu())."
            ) from error
    return dtype
