"""Tracks drawn over frames: a video to watch and a strip to glance at.

Map::

    video.py      write_overlay, overlay_frames
    strip.py      write_strip
    marks.py      points, trails and names on one frame
    lettering.py  fonts that have the letters of a name
"""

from napari_cotracker.overlay.marks import Marks, check_fit
from napari_cotracker.overlay.strip import write_strip
from napari_cotracker.overlay.video import overlay_frames, write_overlay

__all__ = ["Marks", "check_fit", "overlay_frames", "write_overlay", "write_strip"]
