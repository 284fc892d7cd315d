"""Track points through videos and time-lapses with CoTracker, in napari or headless.

Map of the tree (imports go downwards only; ``tests/test_architecture.py``)::

    widgets/   Qt and napari          cli/   headless twin
    project/   document, edits, undo  overlay/ tracks drawn over frames
    tracking/  a whole recording: windows, directions, progress, cancel
    model/     networks (torch)       video/   frame sources
    tracks/    plain arrays           weights/ which checkpoints exist
    io/        tracks <-> files       training/ generator and trainer
    sample/    the bundled clip       errors.py, files.py
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import CoTrackerError

if TYPE_CHECKING:
    from napari_cotracker.io import save_tracks
    from napari_cotracker.project.tracks_format import load_tracks
    from napari_cotracker.tracking import TrackingOptions, track, track_iter
    from napari_cotracker.tracking.models import load_model
    from napari_cotracker.tracks import Queries, Tracks
    from napari_cotracker.video import open_video
    from napari_cotracker.weights import list_models

__version__ = "0.1.0"

# Lazy (PEP 562): importing the package imports neither torch nor napari.
_HOME = {
    "Queries": "tracks",
    "Tracks": "tracks",
    "TrackingOptions": "tracking",
    "list_models": "weights",
    "load_model": "tracking.models",
    "load_tracks": "project.tracks_format",
    "open_video": "video",
    "save_tracks": "io",
    "track": "tracking",
    "track_iter": "tracking",
}

__all__ = [
    "CoTrackerError",
    "Queries",
    "TrackingOptions",
    "Tracks",
    "list_models",
    "load_model",
    "load_tracks",
    "open_video",
    "save_tracks",
    "track",
    "track_iter",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"napari_cotracker.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
