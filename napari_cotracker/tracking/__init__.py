"""A whole recording tracked: windows, two directions, progress, cancel.

Options and progress can be imported without torch; the drivers import it lazily.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracking.progress import Progress

if TYPE_CHECKING:
    from napari_cotracker.tracking.driver import track, track_iter

__all__ = ["Progress", "TrackingOptions", "track", "track_iter"]


def __getattr__(name: str) -> Any:
    if name in ("track", "track_iter"):
        from napari_cotracker.tracking import driver

        return getattr(driver, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
