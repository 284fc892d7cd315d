"""An image layer as the tracker sees it: frames over time, one slice of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.video import FrameSource
from napari_cotracker.widgets.layers.coordinates import PixelAxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

TIME_LABELS = frozenset({"t", "time", "frame", "frames"})


@dataclass(frozen=True, eq=False)
class ImageInput:
    """The recording of an image layer.

    Parameters
    ----------
    video : array (T, H, W) or (T, H, W, 3 or 4)
        Frames; lazy if the layer's data is.
    axes : PixelAxes
        Where time, y and x lie in the layer, and which slice was chosen.
    contrast_limits : (low, high) or None
        Of the layer, if its values are not plain 8-bit; None otherwise.
    remark : str
        What was chosen on the person's behalf, empty if nothing.
    """

    video: Any
    axes: PixelAxes
    contrast_limits: tuple[float, float] | None
    remark: str

    @property
    def n_frames(self) -> int:
        """T."""
        return int(self.video.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return int(self.video.shape[1]), int(self.video.shape[2])


class SlicedFrames:
    """A (T, H, W[, C]) view of an array with more axes, read only when indexed."""

    def __init__(self, data: Any, axes: PixelAxes, rgb: bool) -> None:
        self._data = data
        self._axes = axes
        shape = tuple(int(n) for n in data.shape)
        self.shape = (shape[axes.time], *shape[axes.ndim - 2 :])
        self.dtype = data.dtype
        self.ndim = len(self.shape)
        self._rest = (slice(None),) * (2 + rgb)

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Read ``frames[t]``, ``frames[start:stop]`` or further axes after those."""
        frames, *rest = key if isinstance(key, tuple) else (key,)
        index = tuple(
            frames if axis == self._axes.time else self._axes.fixed[axis]
            for axis in range(self._axes.ndim - 2)
        )
        read = self._data[(*index, *self._rest)]
        if not rest:
            return read
        keep = () if isinstance(frames, (int, np.integer)) else (slice(None),)
        return read[(*keep, *rest)]


def read_image(image: Image, position: Sequence[float]) -> ImageInput:
    """Decide what the axes of an image layer mean.

    Parameters
    ----------
    image : Image
        Layer with axes (T, Y, X), or more: the time axis is the one labelled so, else
        the first.
    position : sequence of float
        World position of the viewer's sliders; fixes every further axis.

    Raises
    ------
    InputError
        There is no time axis, only one frame, or time is one of the last two axes.
    """
    data = image.data[0] if image.multiscale else image.data
    if image.ndim < 3:
        raise InputError(
            f"'{image.name}' is a single picture of shape {tuple(data.shape)}; choose "
            "an image with a time axis (T, Y, X)."
        )
    axes = PixelAxes(image.ndim, _time_axis(image), {})
    axes = PixelAxes(image.ndim, axes.time, _slider_indices(image, axes, position))
    if data.shape[axes.time] < 2:
        raise InputError(
            f"'{image.name}' has one frame on its time axis (shape "
            f"{tuple(data.shape)}); tracking needs two or more."
        )
    plain = image.ndim == 3
    if isinstance(data, FrameSource):
        # The viewer goes on reading while the tracker does.
        data = data.duplicate()
    return ImageInput(
        video=data if plain else SlicedFrames(data, axes, bool(image.rgb)),
        axes=axes,
        contrast_limits=_contrast(image, np.dtype(data.dtype)),
        remark="" if plain else _remark(image, axes),
    )


def position_in(image: Image, fixed: dict[int, int]) -> tuple[float, ...]:
    """Return a world position at an index on some further axes of an image."""
    place = np.zeros(image.ndim)
    for axis, index in fixed.items():
        place[axis] = index
    return tuple(float(x) for x in image.data_to_world(place))


def _time_axis(image: Image) -> int:
    labels = [str(label).strip().lower() for label in image.axis_labels]
    named = [axis for axis, label in enumerate(labels) if label in TIME_LABELS]
    if len(named) > 1:
        raise InputError(
            f"'{image.name}' has several axes called time ({', '.join(labels)}); "
            "label one axis 't'."
        )
    if named and named[0] >= image.ndim - 2:
        raise InputError(
            f"'{image.name}' has the axes {', '.join(labels)}; the last two must be y "
            "and x: transpose the data."
        )
    return named[0] if named else 0


def _slider_indices(
    image: Image, axes: PixelAxes, position: Sequence[float]
) -> dict[int, int]:
    data_position = np.asarray(image.world_to_data(position))
    return {
        axis: int(np.clip(np.rint(data_position[axis]), 0, _length(image, axis) - 1))
        for axis in range(image.ndim - 2)
        if axis != axes.time
    }


def _length(image: Image, axis: int) -> int:
    return int((image.data[0] if image.multiscale else image.data).shape[axis])


def _contrast(image: Image, dtype: np.dtype[Any]) -> tuple[float, float] | None:
    if image.rgb or dtype in (np.dtype(np.uint8), np.dtype(np.bool_)):
        return None
    low, high = image.contrast_limits
    return (float(low), float(high))


def _remark(image: Image, axes: PixelAxes) -> str:
    chosen = ", ".join(
        f"axis {image.axis_labels[axis]} at {index}"
        for axis, index in axes.fixed.items()
    )
    return f"Tracking where the sliders stand: {chosen}."
