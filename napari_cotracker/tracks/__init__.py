"""Tracks and queries as plain arrays (numpy only)."""

from napari_cotracker.tracks.constraints import Constraints, Limit, Span
from napari_cotracker.tracks.queries import Queries
from napari_cotracker.tracks.source import Source
from napari_cotracker.tracks.tracks import VISIBILITY_THRESHOLD, Tracks

__all__ = [
    "VISIBILITY_THRESHOLD",
    "Constraints",
    "Limit",
    "Queries",
    "Source",
    "Span",
    "Tracks",
]
