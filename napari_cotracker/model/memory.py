"""Keep memory that torch gives back, instead of asking the system for it again."""

from __future__ import annotations

import ctypes
import os
import sys

# Numbers of glibc's malloc.h. Blocks below the first go to the heap; so much freed
# memory stays at its end.
_MMAP_THRESHOLD, _LARGEST = -3, 32 * 2**20
_TRIM_THRESHOLD, _KEPT = -1, 128 * 2**20
# How many blocks may lie outside of the heap.
_MMAP_MAX = -4
_ALL = 2**31 - 1
_HUGE_PAGES = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")


def keep_freed_memory(*, all_of_it: bool = False) -> None:
    """Let the C library keep freed memory, where that is glibc: 128 MiB, or all.

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
        mallopt(_TRIM_THRESHOLD, _ALL if all_of_it else _KEPT)
        if all_of_it:
            mallopt(_MMAP_MAX, 0)


def ask_for_huge_pages() -> None:
    """Give processes started from here on memory in pages of 2 MiB, where glibc can.

    A step of training touches 2 GiB; in pages of 4 KiB a tenth of it is page faults.
    The C library only asks when a process starts, so this one stays as it is.
    """
    os.environ.setdefault(*_HUGE_PAGES)
