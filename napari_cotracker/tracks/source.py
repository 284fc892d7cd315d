"""Where a value of a track comes from."""

from enum import IntEnum


class Source(IntEnum):
    """Origin of one track position; stored as uint8 in :class:`Tracks`."""

    EMPTY = 0
    MODEL = 1
    MANUAL = 2
