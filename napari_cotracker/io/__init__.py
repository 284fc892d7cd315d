"""Tracks and queries as files.

Map::

    dispatch.py     load_*, save_*: written, read back, compared, put in place
    registry.py     which format a path is        format.py    what a format is
    codecs/         one module per format         queries_csv.py  queries
    compare.py      what a file has not kept      anchors.py   tracks <-> queries
    building.py     rows or arrays to Tracks      naming.py    "individual/part"
    table.py        CSV text to columns           libraries.py the ``formats`` extra
"""

from napari_cotracker.io.dispatch import (
    load_queries,
    load_tracks,
    save_queries,
    save_tracks,
)
from napari_cotracker.io.registry import (
    format_inside,
    format_of,
    formats,
    recognise,
    register,
)

__all__ = [
    "format_inside",
    "format_of",
    "formats",
    "load_queries",
    "load_tracks",
    "recognise",
    "register",
    "save_queries",
    "save_tracks",
]
