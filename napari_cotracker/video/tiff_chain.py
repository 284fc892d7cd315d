"""The chain of pages in a TIFF file, checked before tifffile follows it.

Each page (IFD) ends with the offset of the next. In a damaged file the chain may run
in a circle, which tifffile would follow for ever.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from napari_cotracker.errors import VideoError

if TYPE_CHECKING:
    from pathlib import Path

_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
# Version: offset of the first page, and the formats of an offset and of a tag count.
_KINDS = {42: (4, "I", "H", 12), 43: (8, "Q", "Q", 20)}


def refuse_circles(path: Path) -> None:
    """Follow the pages of a file once.

    Raises
    ------
    VideoError
        A page comes twice.
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(4).ljust(4, b"\0")
        order = _BYTE_ORDERS.get(head[:2])
        kind = _KINDS.get(struct.unpack(f"{order}H", head[2:])[0]) if order else None
        if order is None or kind is None:
            return  # tifffile says what it is
        first, offset, count, tag_size = kind
        seen: set[int] = set()
        at = _number(file, first, order + offset)
        while at:
            if at in seen:
                raise VideoError(
                    f"'{path.name}' is damaged: the page after {len(seen)} others is "
                    "one of them again; copy or export it again."
                )
            seen.add(at)
            tags = _number(file, at, order + count)
            after = at + struct.calcsize(count) + tags * tag_size
            at = _number(file, after, order + offset)


def _number(file: BinaryIO, at: int, layout: str) -> int:
    """Read one number; 0, the end of the chain, where the file ends before."""
    try:
        file.seek(at)
        found = file.read(struct.calcsize(layout))
    except (OSError, OverflowError, ValueError):  # beyond what a file can be
        return 0
    whole = len(found) == struct.calcsize(layout)
    return int(struct.unpack(layout, found)[0]) if whole else 0
