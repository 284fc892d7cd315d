"""A recording with sparse labels: a folder with ``source.json`` and ``labels.csv``.

``source.json`` names the ``video`` (a file, or ``frames/...`` for a folder of images)
and its ``width`` and ``height``; ``labels.csv`` has the columns
``track,frame,x,y,visible``, pixels with (0, 0) = centre of the top-left pixel. Frames
without a row are unknown, not occluded.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class LabelledClip:
    """Labels of M points in time, sorted by track and frame.

    Parameters
    ----------
    name : str
    video : Path
        File or folder of images.
    size : (H, W)
    track : (M,) str
    frame : (M,) int64
    xy : (M, 2) float32
    """

    name: str
    video: Path
    size: tuple[int, int]
    track: npt.NDArray[np.str_]
    frame: npt.NDArray[np.int64]
    xy: npt.NDArray[np.float32]


def read_labelled_clip(folder: Path) -> LabelledClip:
    """Read one folder.

    Raises
    ------
    FormatError
        A file is missing or cannot be understood.
    """
    try:
        source = json.loads((folder / "source.json").read_text())
        with (folder / "labels.csv").open(newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if float(row["visible"]) > 0]
        rows.sort(key=lambda row: (row["track"], int(row["frame"])))
        video = str(source["video"])
        size = (int(source["height"]), int(source["width"]))
        xy = [[float(row["x"]), float(row["y"])] for row in rows]
    except (OSError, KeyError, ValueError) as error:
        raise FormatError(
            f"{folder} is not a labelled clip ({error}); expected source.json with "
            "video, width and height, and labels.csv with track,frame,x,y,visible."
        ) from error
    inside = "frames" if video.startswith("frames/") else video
    return LabelledClip(
        name=folder.name,
        video=folder / inside,
        size=size,
        track=np.array([row["track"] for row in rows], np.str_),
        frame=np.array([int(row["frame"]) for row in rows], np.int64),
        xy=np.array(xy, np.float32).reshape(-1, 2),
    )


def find_labelled_clips(folder: Path) -> list[LabelledClip]:
    """Read a labelled clip, or every labelled clip below a folder.

    Raises
    ------
    FormatError
        There is none.
    """
    found = sorted(path.parent for path in folder.rglob("labels.csv"))
    clips = [clip for clip in map(read_labelled_clip, found) if len(clip.frame)]
    if not clips:
        raise FormatError(
            f"No labelled clip lies in {folder}; expected folders with labels.csv "
            "and source.json."
        )
    return clips
