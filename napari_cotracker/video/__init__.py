"""Recordings as frames: files, folders and arrays behind one interface.

Map::

    opening.py     open_video: which backend opens what
    source.py      FrameSource, the contract: (T, H, W, 3) uint8
    encoded.py     MP4, AVI, MOV, ...   packets.py   which packet is which frame
    decoding.py    seeking, cache       streams.py   demuxing, labels
    pictures.py    frames to pixels     orientation.py  which way is up
    tiff.py        TIFF stacks          tiff_chain.py   their pages, checked
    folder.py      folders of images
    zarr_store.py  zarr, OME-Zarr
    array.py       arrays               layout.py    which axis is which
    conversion.py  channels             contrast.py  one window per recording
    writer.py      frames to MP4
"""

from napari_cotracker.video.contrast import ContrastWindow
from napari_cotracker.video.opening import open_video
from napari_cotracker.video.source import (
    FrameOutOfRangeError,
    FrameSource,
    VideoWarning,
)
from napari_cotracker.video.writer import VideoWriter, write_video

__all__ = [
    "ContrastWindow",
    "FrameOutOfRangeError",
    "FrameSource",
    "VideoWarning",
    "VideoWriter",
    "open_video",
    "write_video",
]
