"""Small pictures round points, laid out side by side for one call of a matcher."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

# Twice a matching window and what a point may be off by, so that neighbours in the
# mosaic are never looked at.
SIDE = 64


class Tile(NamedTuple):
    """A SIDE x SIDE picture whose top-left pixel lies at ``origin_xy`` of a frame."""

    pixels: npt.NDArray[np.uint8]
    origin_xy: npt.NDArray[np.float32]


def cut_tiles(
    picture: npt.NDArray[np.uint8], xy: npt.NDArray[np.float32]
) -> list[Tile]:
    """Cut tiles round (P, 2) points; beyond the border its last pixels go on."""
    height, width = picture.shape
    middle = np.clip(xy, 0, (width - 1, height - 1))
    origins = np.floor(middle).astype(np.int64) - SIDE // 2
    tiles = []
    for x, y in origins.tolist():
        left, top = max(0, -x), max(0, -y)
        right, low = max(0, x + SIDE - width), max(0, y + SIDE - height)
        inner = picture[y + top : y + SIDE - low, x + left : x + SIDE - right]
        if left or top or right or low:
            inner = np.asarray(
                cv2.copyMakeBorder(inner, top, low, left, right, cv2.BORDER_REPLICATE),
                np.uint8,
            )
        tiles.append(Tile(inner, np.array([x, y], np.float32)))
    return tiles


class Mosaic(NamedTuple):
    """Tiles in one picture; ``shift_xy`` (P, 2) leads from a frame into it."""

    picture: npt.NDArray[np.uint8]
    shift_xy: npt.NDArray[np.float32]


def lay_out(tiles: Sequence[Tile]) -> Mosaic:
    """Put tiles side by side in a square."""
    across = math.ceil(math.sqrt(len(tiles)))
    picture = np.zeros((across * SIDE, across * SIDE), np.uint8)
    shifts = np.zeros((len(tiles), 2), np.float32)
    for i, tile in enumerate(tiles):
        y, x = (SIDE * place for place in divmod(i, across))
        picture[y : y + SIDE, x : x + SIDE] = tile.pixels
        shifts[i] = (x, y) - tile.origin_xy
    return Mosaic(picture, shifts)
