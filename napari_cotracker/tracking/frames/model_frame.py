"""Model frame geometry: crop, resize, and the exact way back.

The model frame is the region of the recording resized so that corner pixel centres
map to corner pixel centres (``align_corners=True``): x' = (x - x0) (W' - 1) / (W - 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_cotracker.errors import InputError
from napari_cotracker.tracking.frames.resample import resampling
from napari_cotracker.tracks.wording import counted

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracks import Queries

# Published and compact networks were trained at 384 x 512; a larger area costs time
# in proportion and takes motions out of the range seen in training.
MODEL_AREA = 384 * 512
# How far small pictures are enlarged for networks that want it: 25 generated clips of
# 64 pixels gave a delta of .660, four times as large .651 (weights of 36,751 clips).
MOST_ENLARGED = 3.0
# The deepest correlation level is stride * 2**3 pixels wide: below that it is empty.
MIN_SIDE_IN_STRIDES = 8


class Box(NamedTuple):
    """A rectangle of the model frame in whole pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Pixels inside."""
        return self.width * self.height


@dataclass(frozen=True)
class ModelFrame:
    """Which part of the recording the network sees, and how large.

    Parameters
    ----------
    x0, y0, width, height : int
        The crop in whole pixels of the recording.
    size : (H, W)
        Of the frames given to the network.
    """

    x0: int
    y0: int
    width: int
    height: int
    size: tuple[int, int]

    @property
    def scale_xy(self) -> npt.NDArray[np.float64]:
        """Model-frame pixels per recording pixel, (2,)."""
        rows, columns = self.size
        return np.array(
            [(columns - 1) / (self.width - 1), (rows - 1) / (self.height - 1)]
        )

    def to_model(self, xy: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Convert (..., 2) recording pixels to model-frame pixels."""
        return (np.asarray(xy, np.float64) - (self.x0, self.y0)) * self.scale_xy

    def to_native(self, xy: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Convert (..., 2) model-frame pixels to recording pixels."""
        return np.asarray(xy, np.float64) / self.scale_xy + (self.x0, self.y0)

    @property
    def whole(self) -> Box:
        """All of the model frame."""
        return Box(0, 0, self.size[1], self.size[0])

    def resize(
        self, frames: npt.NDArray[np.uint8], box: Box | None = None
    ) -> torch.Tensor:
        """Make (n, 3, h, w) float32 pictures, 0..255, from whole (n, H, W, 3) frames.

        ``box``: the part of the model frame that is wanted; None = all of it.
        """
        box = self.whole if box is None else box
        return torch.stack([self._resize_one(frame, box) for frame in frames])

    def _resize_one(self, frame: npt.NDArray[np.uint8], box: Box) -> torch.Tensor:
        rows, columns = self.size
        if (self.height, self.width) == self.size:
            top, left = self.y0 + box.y, self.x0 + box.x
            part = frame[top : top + box.height, left : left + box.width]
            return _as_tensor(part).permute(2, 0, 1).contiguous()
        down = resampling(self.height, rows, box.y, box.y + box.height)
        along = resampling(self.width, columns, box.x, box.x + box.width)
        top, left = self.y0 + down.start, self.x0 + along.start
        height, width = down.matrix.shape[1], along.matrix.shape[1]
        part = frame[top : top + height, left : left + width]
        flat = torch.sparse.mm(down.matrix, _as_tensor(part).reshape(height, -1))
        flat = flat.view(box.height, width, 3).transpose(0, 1)  # (w, h', 3)
        flat = torch.sparse.mm(along.matrix, flat.reshape(width, -1))
        return flat.view(box.width, box.height, 3).permute(2, 1, 0).contiguous()

    def check_inside(self, queries: Queries) -> None:
        """Refuse query points that the network would not see.

        Raises
        ------
        InputError
            Names the first point outside the region.
        """
        low = np.array([self.x0, self.y0]) - 0.5
        high = low + np.array([self.width, self.height])
        out = ((queries.xy < low) | (queries.xy > high)).any(axis=1)
        if out.any():
            i = int(np.flatnonzero(out)[0])
            x, y = queries.xy[i]
            raise InputError(
                f"{counted(int(out.sum()), 'query point')} outside the region: "
                f"'{queries.name[i]}' is at x={x:.1f}, y={y:.1f}, but the region "
                f"spans x {self.x0} to {self.x0 + self.width - 1} and y {self.y0} to "
                f"{self.y0 + self.height - 1}; move the point or enlarge the region."
            )


def choose_model_frame(
    size: tuple[int, int],
    *,
    stride: int,
    region: tuple[float, float, float, float] | None = None,
    resolution: tuple[int, int] | None = None,
    least_area: int = 0,
) -> ModelFrame:
    """Decide what the network is shown of a recording.

    Parameters
    ----------
    size : (H, W)
        Of the recording.
    stride : int
        Spatial reduction of the encoder.
    region : (x, y, width, height) or None
        Part to show; cut at the image border.
    resolution : (H, W) or None
        Model frame size; None keeps the aspect ratio and stays between
        ``least_area`` and ``MODEL_AREA``.
    least_area : int
        Pixels that smaller pictures are enlarged to, but not more than
        ``MOST_ENLARGED`` times along a side.

    Raises
    ------
    InputError
        The region holds fewer than 2 x 2 pixels, or the resolution cannot be used.
    """
    x0, y0, width, height = _crop_of(region, size)
    if resolution is None:
        chosen = _choose_size(height, width, stride, least_area)
    else:
        chosen = _check_size(resolution, stride)
    return ModelFrame(x0, y0, width, height, chosen)


def _crop_of(
    region: tuple[float, float, float, float] | None, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    rows, columns = size
    wanted = (0, 0, columns, rows) if region is None else region
    if len(wanted) != 4 or not all(math.isfinite(value) for value in wanted):
        raise InputError(
            f"region is {region}; expected four finite numbers (x, y, width, height)."
        )
    x, y, width, height = wanted
    left, right = max(0, round(x)), min(columns, round(x + width))
    top, bottom = max(0, round(y)), min(rows, round(y + height))
    if right - left < 2 or bottom - top < 2:
        what = "The image" if region is None else f"region {region}"
        raise InputError(
            f"{what} covers fewer than 2 x 2 pixels of the {columns} wide and {rows} "
            "high recording; at least 2 x 2 are needed to follow anything."
        )
    return left, top, right - left, bottom - top


def _choose_size(
    height: int, width: int, stride: int, least_area: int
) -> tuple[int, int]:
    # The encoder halves four times: sides that are multiples of 8 keep its levels
    # aligned to within one pixel.
    unit = math.lcm(8, stride)
    smallest = max(unit, MIN_SIDE_IN_STRIDES * stride, 32)
    area = height * width
    wanted = min(MOST_ENLARGED, math.sqrt(least_area / area))
    scale = min(max(1.0, wanted), math.sqrt(MODEL_AREA / area))

    def fit(side: int) -> int:
        nearest = round(side * scale / unit) * unit
        if scale <= 1:
            nearest = min(nearest, side // unit * unit)
        return max(nearest, -(-smallest // unit) * unit)

    return fit(height), fit(width)


def _check_size(resolution: tuple[int, int], stride: int) -> tuple[int, int]:
    smallest = MIN_SIDE_IN_STRIDES * stride
    if len(resolution) != 2 or any(
        side < smallest or side % stride for side in resolution
    ):
        raise InputError(
            f"model_resolution is {resolution}; expected (height, width), both whole "
            f"multiples of {stride} and at least {smallest}."
        )
    return int(resolution[0]), int(resolution[1])


def _as_tensor(picture: npt.NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).float()
