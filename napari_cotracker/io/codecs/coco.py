"""COCO keypoints: one image per frame, one annotation per individual and frame.

Tracks called "individual/part" are the keypoints of that individual, all others those
of one individual. Keypoints are x, y, v with v = 2 visible, 1 occluded (position kept),
0 unknown. x and y are pixels, (0, 0) = centre of the top-left pixel (COCO leaves this
open). Frames count from 0 in ``frame_id`` and in the numbers of the file names
(``frame_000012.png``); ids of images and annotations count from 1. ``attributes`` of an
annotation hold what COCO has no place for: visibility, confidence, source, individual;
frame rate, length, size and times are in ``videos`` and ``images``. Not held: the
numbers of tracks, and what COCO-only readers drop (everything but x, y, v).
Foreign files: frames come from ``frame_id``, else from the last number in the names of
the images, else from their order; individuals from ``track_id``, else from the order of
the annotations where every image has one at most.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.io.codecs.coco_reading import read
from napari_cotracker.io.compare import ASPECTS
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.json_text import text
from napari_cotracker.io.naming import Layout, distinct_names

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

HOLDS = ASPECTS - {"tracks", "point_id", "name", "disagreement", "blank"}
_SCORES = ("visibility", "confidence", "source")
_HEAD = 1_000_000


def matches(path: Path) -> bool:
    """Tell whether the file has what COCO's have."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return head.lstrip().startswith(b"{") and (
        b'"annotations"' in head or (b'"images"' in head and b'"categories"' in head)
    )


def write(tracks: Tracks, path: Path) -> None:
    """Write every known position, and nothing as seen that is not."""
    layout = Layout.of(distinct_names(tracks))
    height, width = tracks.size
    video = {"id": 1, "name": "", "width": width, "height": height}
    video |= {"length": tracks.n_frames, "fps": tracks.fps}
    document = {
        "info": {"description": "Tracks of napari-cotracker", "version": "1.0"},
        "licenses": [],
        "videos": [video],
        "images": [_image(tracks, frame) for frame in range(tracks.n_frames)],
        "annotations": _annotations(tracks, layout),
        "categories": [
            {
                "id": 1,
                "name": "points",
                "supercategory": "points",
                "keypoints": [text(part) for part in layout.parts],
                "skeleton": [],
            }
        ],
    }
    path.write_text(json.dumps(document, allow_nan=False), encoding="utf-8")


def _image(tracks: Tracks, frame: int) -> dict[str, Any]:
    image = {
        "id": frame + 1,
        "video_id": 1,
        "frame_id": frame,
        "file_name": f"frame_{frame:06d}.png",
        "width": tracks.size[1],
        "height": tracks.size[0],
    }
    if tracks.times is not None:
        image["time"] = float(tracks.times[frame])
    return image


def _annotations(tracks: Tracks, layout: Layout) -> list[dict[str, Any]]:
    columns = np.full((len(layout.individuals), len(layout.parts)), -1)
    for n, place in enumerate(layout.place):
        columns[place] = n
    known = np.isfinite(tracks.xy).all(axis=-1) & (tracks.source != 0)
    found: list[dict[str, Any]] = []
    for frame in range(tracks.n_frames):
        for i, individual in enumerate(layout.individuals):
            there = columns[i] >= 0
            mine = np.where(there, columns[i], 0)
            if (known[frame, mine] & there).any():
                one = _annotation(tracks, frame, mine, known[frame, mine] & there)
                one |= {"id": len(found) + 1, "image_id": frame + 1, "track_id": i + 1}
                one["attributes"]["individual"] = text(individual)
                found.append(one)
    return found


def _annotation(tracks: Tracks, frame: int, mine: Any, known: Any) -> dict[str, Any]:
    xy = np.where(known[:, None], tracks.xy[frame, mine].astype(np.float64), 0)
    flag = np.where(known, np.where(tracks.visible[frame, mine], 2, 1), 0)
    low, high = xy[known].min(axis=0), xy[known].max(axis=0)
    width, height = (high - low).tolist()
    scores = {
        key: [
            (None if np.isnan(value) else float(str(value))) if k else None
            for value, k in zip(getattr(tracks, key)[frame, mine], known, strict=True)
        ]
        for key in _SCORES
    }
    return {
        "category_id": 1,
        "keypoints": np.column_stack([xy, flag]).ravel().tolist(),
        "num_keypoints": int((flag > 0).sum()),
        "bbox": [*low.tolist(), width, height],
        "area": width * height,
        "iscrowd": 0,
        "attributes": scores,
    }


FORMAT = TracksFormat(
    "coco", "COCO keypoints", (".coco.json", ".json"), matches, read, write, HOLDS
)
