"""A whole recording tracked: windows, two directions, progress, cancel.

Options, progress and spans can be imported without torch; the rest comes lazily.

Map::

    driver.py    track, track_iter, retrack_iter
    options.py, progress.py, finished.py   what goes in, comes out, is kept on the way
    spans.py     what an edit makes invalid      retrack.py  plan to renew that
    prepare.py   what was asked for -> job       plan.py     windows and who is in them
    run.py       windows in order, resumable     passes.py   one walk, window by window
    fuse.py      both directions -> Tracks       support.py  support points
    look.py      the network asked once          detail.py   how much it is shown
    regions.py, views.py   boxes that follow the points of large pictures
    frames.py    pixel frame <-> model frame     resample.py the pictures of it
    sharpen.py   optical flow suggests, refines  flow.py, tiles.py, likeness.py  how
    features.py  each frame encoded once         store.py, spill.py  kept between runs
    region_features.py  the same for boxes
    identity.py  which network, which recording
    models.py    load_model                      clip_model.py  predict-only networks
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_cotracker.tracking.finished import FinishedWindow
from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracking.progress import Progress
from napari_cotracker.tracking.spans import invalid_spans

if TYPE_CHECKING:
    from napari_cotracker.tracking.driver import retrack_iter, track, track_iter
    from napari_cotracker.tracking.store import FeatureStore

# Read by torch's OpenMP when torch is loaded. Left alone, its threads spin while they
# wait for each other; with another program on the cores that costs several times the
# work itself (measured: 22 to 71 s in place of 7 to 14 s for the sample clip).
os.environ.setdefault("GOMP_SPINCOUNT", "0")

__all__ = [
    "FeatureStore",
    "FinishedWindow",
    "Progress",
    "TrackingOptions",
    "invalid_spans",
    "retrack_iter",
    "track",
    "track_iter",
]

_HOME = {
    "FeatureStore": "store",
    "retrack_iter": "driver",
    "track": "driver",
    "track_iter": "driver",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
