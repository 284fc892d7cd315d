"""Reading of COCO keypoints; what is in the file is told in ``coco.py``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows
from napari_cotracker.io.json_text import member, numbers, read_json
from napari_cotracker.io.naming import NOBODY, join
from napari_cotracker.tracks import Source, Tracks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCORES = ("visibility", "confidence", "source")
_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")
# frame, individual, part, x, y, visible, then the scores
_Row = tuple[int, str, str, float, float, bool, float, float, float]


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        It is not COCO, or does not tell which points belong together over time.
    """
    document = read_json(path)
    images = member(document, "images", list, "the file")
    frames = _frames(images)
    rows = list(_rows(document, frames))
    if not rows:
        raise FormatError("It holds no keypoints; expected at least one.")
    labels = [join(row[1], row[2]) for row in rows]
    order = {label: n for n, label in enumerate(dict.fromkeys(labels))}
    scores = np.array([row[6:] for row in rows], np.float64)
    visible = np.array([row[5] for row in rows], np.bool_)
    source = np.where(np.isnan(scores[:, 2]), Source.MODEL, scores[:, 2])
    length = _video(document).get("length")
    return Rows(
        np.array([order[label] for label in labels]),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[3:5] for row in rows], np.float64),
        {n: label for label, n in order.items()},
        {
            "visible": visible,
            # of a position without scores only the flag is known
            "visibility": np.where(np.isnan(scores[:, 0]), visible, scores[:, 0]),
            "confidence": np.where(np.isnan(scores[:, 1]), 1, scores[:, 1]),
            "source": source.astype(np.uint8),
        },
    ).to_tracks(length if isinstance(length, int) else None, **_facts(document))


def _rows(document: dict[str, Any], frames: dict[int, int]) -> Iterator[_Row]:
    categories = {
        member(category, "id", int, "a category"): category.get("keypoints")
        for category in member(document, "categories", list, "the file")
    }
    given = member(document, "annotations", list, "the file")
    alone = len({a.get("image_id") for a in given if isinstance(a, dict)}) == len(given)
    for number, annotation in enumerate(given, 1):
        where = f"annotation {number}"
        parts = categories.get(member(annotation, "category_id", int, where))
        if not isinstance(parts, list) or "keypoints" not in annotation:
            continue  # a box or an outline
        frame = frames.get(member(annotation, "image_id", int, where))
        if frame is None:
            raise FormatError(f"The image of {where} is not in 'images'; add it there.")
        individual = _individual(annotation, where, alone=alone)
        yield from _keypoints(annotation, where, frame, individual, parts)


def _keypoints(
    annotation: dict[str, Any],
    where: str,
    frame: int,
    individual: str,
    parts: list[Any],
) -> Iterator[_Row]:
    xyv = numbers(member(annotation, "keypoints", list, where), f"keypoints of {where}")
    if len(xyv) != 3 * len(parts):
        raise FormatError(
            f"{where} has {len(xyv)} numbers for {len(parts)} keypoints; expected "
            "x, y, v for each."
        )
    held = annotation.get("attributes")
    scores = np.full((len(parts), len(_SCORES)), np.nan)
    for column, key in enumerate(_SCORES):
        if isinstance(held, dict) and isinstance(held.get(key), list):
            values = numbers(held[key], f"{key} of {where}")
            scores[: len(values), column] = values[: len(parts)]
    for part, (x, y, flag), score in zip(
        parts, xyv.reshape(-1, 3).tolist(), scores.tolist(), strict=True
    ):
        if flag not in (0, 1, 2):
            raise FormatError(f"{where} has v = {flag:g}; expected 0, 1 or 2.")
        if flag:
            yield (frame, individual, str(part), x, y, flag == 2, *score)


def _individual(annotation: dict[str, Any], where: str, *, alone: bool) -> str:
    held = annotation.get("attributes")
    for holder in (held, annotation):
        if isinstance(holder, dict):
            for key in ("individual", "track_id", "instance_id"):
                if holder.get(key) is not None:
                    return str(holder[key])
    if not alone:
        raise FormatError(
            f"{where} shares its image with others and has no 'track_id', so it is "
            "not known which points belong together over time; add it."
        )
    return NOBODY


def _frames(images: list[Any]) -> dict[int, int]:
    """Return the frame of each image id."""
    ids = [member(image, "id", int, "an image") for image in images]
    stated = [image.get("frame_id") for image in images]
    if ids and all(isinstance(frame, int) for frame in stated):
        return dict(zip(ids, stated, strict=True))
    found = [_LAST_NUMBER.search(str(image.get("file_name", ""))) for image in images]
    numbered = [int(match[1]) for match in found if match is not None]
    if len(numbered) == len(set(numbered)) == len(ids):
        return dict(zip(ids, numbered, strict=True))
    return {image_id: frame for frame, image_id in enumerate(sorted(set(ids)))}


def _video(document: dict[str, Any]) -> dict[str, Any]:
    videos = document.get("videos")
    first = videos[0] if isinstance(videos, list) and len(videos) == 1 else {}
    return first if isinstance(first, dict) else {}


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    images = document["images"]
    fps = _video(document).get("fps")
    sizes = {(i.get("height"), i.get("width")) for i in images if isinstance(i, dict)}
    size = sizes.pop() if len(sizes) == 1 else (0, 0)
    times = [i.get("time") for i in images]
    known = all(isinstance(t, float | int) for t in times) and len(times) > 0
    return {
        "fps": float(fps) if isinstance(fps, int | float) else None,
        "size": size if all(isinstance(s, int) for s in size) else (0, 0),
        "times": np.array(times, np.float64) if known else None,
    }
