"""Tracks drawn over frames: a video to watch and a strip to glance at.

Map::

    video.py  write_overlay    strip.py   write_strip
    marks.py  points, trails and names on one frame
"""

from napari_cotracker.overlay.marks import Marks
from napari_cotracker.overlay.strip import write_strip
from napari_cotracker.overlay.video import write_overlay

__all__ = ["Marks", "write_overlay", "write_strip"]
