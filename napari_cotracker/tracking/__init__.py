"""A whole recording tracked: windows, two directions, progress, cancel.

Options and progress can be imported without torch; the drivers import it lazily.

Map::

    driver.py    track, track_iter      options.py, progress.py  what goes in, comes out
    prepare.py   what was asked for -> passes    plan.py   windows and who is in them
    passes.py    one walk, window by window      fuse.py   both directions -> Tracks
    frames.py    pixel frame <-> model frame     support.py   support points
    features.py  each frame encoded once         spill.py     on disk beyond a budget
    models.py    load_model                      clip_model.py   predict-only networks
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracking.progress import Progress

if TYPE_CHECKING:
    from napari_cotracker.tracking.driver import track, track_iter

# Read by torch's OpenMP when torch is loaded. Left alone, its threads spin while they
# wait for each other; with another program on the cores that costs several times the
# work itself (measured: 22 to 71 s in place of 7 to 14 s for the sample clip).
os.environ.setdefault("GOMP_SPINCOUNT", "0")

__all__ = ["Progress", "TrackingOptions", "track", "track_iter"]


def __getattr__(name: str) -> Any:
    if name in ("track", "track_iter"):
        from napari_cotracker.tracking import driver

        return getattr(driver, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
