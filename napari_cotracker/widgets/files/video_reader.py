"""Videos in napari as layers that read only the frames that are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cotracker.widgets.layers.layer_looks import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.types import LayerDataTuple


def get_video_reader(
    path: str | list[str],
) -> Callable[[str], list[LayerDataTuple]] | None:
    """Return the reader of one video file, None for several paths."""
    return None if isinstance(path, list) else read_video


def read_video(path: str) -> list[LayerDataTuple]:
    """Return one lazy image layer (T, H, W, 3); the file stays open behind it.

    ``metadata["napari_cotracker"]`` holds the ``path``, the ``fps`` and, as
    ``shown``, how stored values became 8 bit.

    Raises
    ------
    VideoError
        The file holds no frame that can be decoded.
    """
    from napari_cotracker.video import open_video

    source = open_video(path)
    about = {
        "path": str(Path(path).resolve()),
        "fps": source.fps,
        "shown": source.describe(),
    }
    look: dict[str, Any] = {
        "name": Path(path).stem,
        "rgb": True,
        # Else napari measures them, reading frames all over the file.
        "contrast_limits": (0, 255),
        "axis_labels": ("t", "y", "x"),
        "metadata": {METADATA_KEY: about},
    }
    return [(source, look, "image")]
