"""What a running job reports after each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    """

    done: int
    total: int
    tracks_so_far: Tracks
    span: tuple[int, int]
