"""A whole recording tracked: windows, two directions, progress, cancel.

Options, progress and spans can be imported without torch; the rest comes lazily.

Map::

    driver.py    track, track_iter, retrack_iter, check_run
    options.py, progress.py   what goes in, comes out
    models.py    load_model                      identity.py  which network, recording
    prepare.py   what was asked for -> job       retrack.py   plan to renew parts
    run.py       windows in order, resumable
    frames/      pixel frame <-> model frame, boxes that follow points, how much detail
    features/    each frame encoded once, kept between runs
    windows/     which windows run, one walk through them, one look of the network
    sharpening/  optical flow suggests and refines
    fusion/      both directions -> Tracks; what an edit makes invalid
    published/   the published predictors, for reference
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_cotracker.tracking.fusion.spans import invalid_spans
from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracking.progress import Progress
from napari_cotracker.tracking.windows.finished import FinishedWindow

if TYPE_CHECKING:
    from napari_cotracker.tracking.driver import (
        check_run,
        retrack_iter,
        track,
        track_iter,
    )
    from napari_cotracker.tracking.features.store import FeatureStore

# Read by torch's OpenMP when torch is loaded. Left alone, its threads spin while they
# wait for each other; with another program on the cores that costs several times the
# work itself (measured: 22 to 71 s in place of 7 to 14 s for the sample clip).
os.environ.setdefault("GOMP_SPINCOUNT", "0")

__all__ = [
    "FeatureStore",
    "FinishedWindow",
    "Progress",
    "TrackingOptions",
    "check_run",
    "invalid_spans",
    "retrack_iter",
    "track",
    "track_iter",
]

_HOME = {
    "FeatureStore": "features.store",
    "check_run": "driver",
    "retrack_iter": "driver",
    "track": "driver",
    "track_iter": "driver",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
