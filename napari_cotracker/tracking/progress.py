"""What a running job reports after each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_cotracker.tracking.windows.finished import FinishedWindow
    from napari_cotracker.tracks import Tracks


@dataclass(frozen=True, eq=False)
class Progress:
    """State after one finished window.

    Parameters
    ----------
    done, total : int
        Windows finished and windows in all (both directions).
    tracks_so_far : Tracks
        Everything known now; a snapshot that later windows do not change.
    span : (first, last)
        Frames this window renewed, both inclusive.
    window : FinishedWindow or None
        What to keep so that a run that is killed can go on after this window; None
        where no window was run.
    """

    done: int
    total: int
    tracks_so_far: Tracks
    span: tuple[int, int]
    window: FinishedWindow | None = None
