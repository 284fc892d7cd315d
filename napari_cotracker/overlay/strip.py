"""A picture of some frames of a recording with the tracks drawn over them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.files import replacing
from napari_cotracker.overlay.marks import Marks, check_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_cotracker.tracks import Tracks
    from napari_cotracker.video import FrameSource

_PER_ROW = 4
_TILE_WIDTH = 480
_GAP = 4
_CAPTION_SIZE = 14


def write_strip(
    source: FrameSource,
    tracks: Tracks,
    path: str | Path,
    frames: int | Sequence[int] = 8,
    *,
    marks: Marks | None = None,
    overwrite: bool = False,
) -> None:
    """Write a PNG of several frames, four in a row, each with its number.

    Parameters
    ----------
    source : FrameSource
        The recording that was tracked.
    tracks : Tracks
        As many frames as the recording.
    path : path
        Of the PNG file.
    frames : int or sequence of int
        How many frames, spread evenly, or which ones.
    marks : Marks or None
        The look of points and trails.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        The tracks belong to another recording, or it has no such frames.
    VideoError
        A frame cannot be read, or the file is there already or cannot be written.
    """
    check_fit(source, tracks)
    path = Path(path)
    numbers = _numbers(frames, len(source))
    tiles = [_tile(source, tracks, n, marks or Marks()) for n in numbers]
    picture = Image.fromarray(_arranged(tiles))
    with (
        replacing(path, overwrite=overwrite, failure=VideoError) as part,
        part.open("wb") as file,
    ):
        picture.save(file, format="PNG")


def _numbers(frames: int | Sequence[int], length: int) -> list[int]:
    if isinstance(frames, (int, np.integer)):
        if frames < 1:
            raise InputError(f"frames={frames} was given; expected 1 or more.")
        chosen = np.linspace(0, length - 1, min(int(frames), length)).round()
        return [int(n) for n in chosen]
    numbers = [int(n) for n in frames]
    if not numbers or min(numbers) < 0 or max(numbers) >= length:
        raise InputError(
            f"frames={numbers} were given; expected numbers from 0 to {length - 1}."
        )
    return numbers


def _tile(
    source: FrameSource, tracks: Tracks, number: int, marks: Marks
) -> npt.NDArray[np.uint8]:
    height, width = source.size
    scale = _TILE_WIDTH / width
    size = (_TILE_WIDTH, max(1, round(height * scale)))
    way = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BOX
    frame = np.asarray(Image.fromarray(source[number]).resize(size, way))
    tile = Image.fromarray(marks.draw(frame, tracks, number, scale))
    ImageDraw.Draw(tile).text(
        (6, 4),
        f"frame {number}",
        font=ImageFont.load_default(size=_CAPTION_SIZE),
        fill=(255, 255, 255),
        stroke_width=2,
        stroke_fill=(0, 0, 0),
    )
    return np.asarray(tile)


def _arranged(tiles: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    height, width = tiles[0].shape[:2]
    columns = min(len(tiles), _PER_ROW)
    rows = -(-len(tiles) // columns)
    shape = (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3)
    sheet = np.full(shape, 255, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (height + _GAP), (i % columns) * (width + _GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet
