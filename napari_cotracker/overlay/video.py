"""A video with the tracks drawn over it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.overlay.marks import Marks, check_fit
from napari_cotracker.video import VideoWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks
    from napari_cotracker.video import FrameSource

# Read together; memory does not grow with the recording.
_CHUNK = 8
# Smaller recordings are enlarged, or marks would cover what they mark.
_SMALLEST_SIDE = 240


def write_overlay(
    source: FrameSource,
    tracks: Tracks,
    path: str | Path,
    *,
    trail: int = 12,
    marks: Marks | None = None,
    fps: float | None = None,
    overwrite: bool = False,
) -> None:
    """Write an MP4 of the recording with its tracks.

    Every track has its colour, a fading trail and its name; it is a disc where the
    point is visible and a ring where it is hidden. Small recordings are enlarged
    by a whole number.

    Parameters
    ----------
    source : FrameSource
        The recording that was tracked.
    tracks : Tracks
        As many frames as the recording.
    path : path
        Of the MP4 file.
    trail : int
        Frames that the fading line reaches back.
    marks : Marks or None
        For more control over the look; then ``trail`` is not used.
    fps : float or None
        None = that of the recording, else 25.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        The tracks belong to another recording.
    VideoError
        A frame cannot be read, or the file is there already or cannot be written.
    """
    check_fit(source, tracks)
    frames = overlay_frames(source, tracks, marks or Marks(trail=trail))
    with VideoWriter(Path(path), fps or source.fps, overwrite=overwrite) as writer:
        for frame in frames:
            writer.write(frame)


def overlay_frames(
    source: FrameSource,
    tracks: Tracks,
    marks: Marks,
    span: tuple[int, int] | None = None,
) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield frames with the tracks drawn over them, (H, W, 3) uint8.

    Parameters
    ----------
    source : FrameSource
        Small frames are enlarged by a whole number.
    tracks : Tracks
        May end before the recording; frames after that stay plain.
    marks : Marks
    span : (first, last) or None
        Frames to draw, both inclusive; None = all.
    """
    scale = max(1, -(-_SMALLEST_SIDE // min(source.size)))
    first, last = span or (0, len(source) - 1)
    for start in range(first, last + 1, _CHUNK):
        block = source.read(start, min(start + _CHUNK, last + 1))
        for number, frame in enumerate(block, start):
            large = np.repeat(np.repeat(frame, scale, 0), scale, 1)
            yield marks.draw(large, tracks, number, scale)
