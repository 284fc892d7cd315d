"""The bundled clip as napari sample data: the recording and points to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.widgets.layers.coordinates import PixelAxes, from_txy
from napari_cotracker.widgets.layers.layer_looks import METADATA_KEY, point_size

if TYPE_CHECKING:
    from napari.types import LayerDataTuple

CLIP_NAME = "sample clip"


def sample_clip() -> list[LayerDataTuple]:
    """Return an image layer (T, H, W, 3) and a Points layer (t, y, x) over it."""
    from napari_cotracker.sample import sample_clip as bundled
    from napari_cotracker.video import open_video

    path, queries, _ = bundled()
    video = open_video(path)
    frames = np.asarray(video.read(0, len(video)))
    points = from_txy(queries.txy, PixelAxes(3))
    image_look: dict[str, Any] = {
        "name": CLIP_NAME,
        "rgb": True,
        "axis_labels": ("t", "y", "x"),
        # So that unsaved work on it and projects can open it again by themselves.
        "metadata": {METADATA_KEY: {"path": str(path), "fps": video.fps}},
    }
    points_look: dict[str, Any] = {
        "name": f"{CLIP_NAME} points",
        "features": {"name": list(queries.name)},
        # napari's own default is the last name: a click would join that track.
        "feature_defaults": {"name": ""},
        "size": point_size(frames.shape[1:3]),
        "face_color": "yellow",
        "border_color": "black",
        "axis_labels": ("t", "y", "x"),
    }
    return [(frames, image_look, "image"), (points, points_look, "points")]
