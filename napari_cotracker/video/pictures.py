"""From decoded frames of FFmpeg to upright pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from napari_cotracker.video.orientation import Orientation

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class Pictures:
    """Turns frames of one video into arrays, always the same way.

    Parameters
    ----------
    first : VideoFrame
        Says pixel format and orientation.
    """

    def __init__(self, first: VideoFrame) -> None:
        self._format = _pixel_format(first.format.name)
        self._orientation = Orientation.of_frame(first)
        self._reformatter: VideoReformatter | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what cannot move to another process."""
        return {**self.__dict__, "_reformatter": None}

    def array(self, frame: VideoFrame) -> npt.NDArray[Any]:
        """Return (H, W, 3) uint8, or (H, W) uint8 or uint16 for grey; upright."""
        if self._reformatter is None:
            # One for all frames: setting it up costs more than a conversion.
            self._reformatter = VideoReformatter()
        plain = self._reformatter.reformat(frame, format=self._format)
        return np.ascontiguousarray(self._orientation.apply(plain.to_ndarray()))


def _pixel_format(stored: str) -> str:
    """Keep the depth of grey recordings; all else is read as 8-bit RGB."""
    kind = av.VideoFormat(stored)
    grey = len(kind.components) == 1 and stored.startswith("gray")
    if not grey or kind.components[0].bits <= 8:
        return "rgb24"
    return stored if kind.components[0].bits <= 16 else "gray16le"


def memory_of(frame: VideoFrame) -> int:
    """Return the bytes that a decoded frame occupies."""
    return sum(plane.buffer_size for plane in frame.planes)
