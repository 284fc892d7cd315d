"""Tracks and queries as files.

Map::

    dispatch.py     load_*, save_*: which format reads and writes what
    registry.py     the formats
    own_csv.py      tracks, lossless     queries_csv.py  queries
    table.py        CSV text to columns
"""

from napari_cotracker.io.dispatch import (
    load_queries,
    load_tracks,
    save_queries,
    save_tracks,
)
from napari_cotracker.io.registry import format_of

__all__ = ["format_of", "load_queries", "load_tracks", "save_queries", "save_tracks"]
