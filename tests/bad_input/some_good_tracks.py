"""Two short tracks, and files of them in every format."""

from pathlib import Path

import numpy as np
import pytest

from napari_cotracker import save_tracks
from napari_cotracker.errors import FormatError
from napari_cotracker.tracks import Source, Tracks

N, SIZE = 6, (48, 64)


def some_tracks():
    t = np.arange(N, dtype=np.float32)
    xy = np.stack([np.stack([5 + t, 7 + 2 * t], -1), np.stack([40 - t, 9 + t], -1)], 1)
    shape = xy.shape[:2]
    return Tracks(
        xy=xy,
        visibility=np.full(shape, 0.75),
        confidence=np.full(shape, 0.5),
        visible=np.ones(shape, bool),
        source=np.full(shape, Source.MODEL),
        point_id=[0, 1],
        name=("nose", "tail"),
        fps=25.0,
        size=SIZE,
    )


def good_tracks(tmp_path, kind):
    """Bytes of a good file; skips where none can be made."""
    if kind.write is None:
        pytest.skip("can only be read, so no file can be made here")
    path = Path(tmp_path) / f"good{kind.suffixes[0]}"
    try:
        save_tracks(some_tracks(), path, kind.name)
    except FormatError as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise
    if path.is_dir():
        pytest.skip("a folder, not a file")
    return path.read_bytes()
