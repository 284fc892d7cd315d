"""Which way up a picture is stored: display matrices of videos, EXIF of images."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Orientation:
    """How a stored picture becomes upright: transposed first, then flipped.

    Parameters
    ----------
    transposed : bool
        Rows become columns.
    flip_y, flip_x : bool
        Whether the rows, the columns, are then reversed.
    """

    transposed: bool = False
    flip_y: bool = False
    flip_x: bool = False

    @classmethod
    def of_frame(cls, frame: VideoFrame) -> Orientation:
        """Read the display matrix that phones write instead of turning pixels."""
        try:
            data = frame.side_data.get("DISPLAYMATRIX")
        except ValueError:  # a kind of side data that PyAV does not know
            data = None
        if data is None:
            return cls()
        # x' = a x + c y, y' = b x + d y; 16.16 fixed point, as in the MP4 standard.
        a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data))  # type: ignore[call-overload]
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, d < 0, a < 0)
        return cls(True, b < 0, c < 0)

    @classmethod
    def of_exif(cls, tag: int) -> Orientation:
        """Read the EXIF orientation 1..8; anything else is taken as upright."""
        return _EXIF.get(tag, cls())

    def apply(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn (H, W) or (H, W, C) upright; a view."""
        upright: np.ndarray[Any, Any] = (
            picture.swapaxes(0, 1) if self.transposed else picture
        )
        return upright[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return (H, W) of the upright picture."""
        return (width, height) if self.transposed else (height, width)


_EXIF = {
    2: Orientation(flip_x=True),
    3: Orientation(flip_y=True, flip_x=True),
    4: Orientation(flip_y=True),
    5: Orientation(transposed=True),
    6: Orientation(transposed=True, flip_x=True),
    7: Orientation(transposed=True, flip_y=True, flip_x=True),
    8: Orientation(transposed=True, flip_y=True),
}
