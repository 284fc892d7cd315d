"""Keep memory that torch gives back, instead of asking the system for it again."""

from __future__ import annotations

import ctypes
import os
import sys

# Numbers of glibc's malloc.h. Blocks below the first go to the heap; so much freed
# memory stays at its end.
_MMAP_THRESHOLD, _LARGEST = -3, 32 * 2**20
_TRIM_THRESHOLD, _KEPT = -1, 128 * 2**20


def keep_freed_memory() -> None:
    """Let the C library keep 128 MiB of freed memory, where that is glibc.

    A processor's work allocates and frees a few MiB for every layer. Given back to the
    system each time, fresh pages cost a quarter of the time of a window in the main
    thread (less in others, whose heaps are trimmed by other rules). Nothing changes for
    those who chose for themselves with ``MALLOC_...`` variables.
    """
    chosen = any(name.startswith("MALLOC_") for name in os.environ)
    if chosen or not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST)
        mallopt(_TRIM_THRESHOLD, _KEPT)
