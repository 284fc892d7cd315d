"""A temporary file for features that memory has no room for."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from io import FileIO

    from torch import Tensor

# Leave room on the disk for everybody else.
DISK_SHARE = 0.5


class SpillFile:
    """Equal-sized tensors in a temporary file that has no name to be left behind.

    Written and read with plain file calls: a memory map would count as memory of
    this process and kill it when the disk is full, instead of raising an error.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._file: FileIO | None = None
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        self._n_slots = 0
        self._shape: tuple[int, ...] = ()
        self._dtype = torch.float32

    def __contains__(self, frame: int) -> bool:
        """Whether the frame can be read."""
        return frame in self._slots

    def write(self, frame: int, features: Tensor) -> None:
        """Keep the features, or do nothing if there is no room."""
        size = features.nbytes
        slot = self._free.pop() if self._free else self._new_slot(size)
        if slot is None or self._file is None:
            return
        raw = features.contiguous().view(-1).view(torch.uint8).numpy()
        try:
            self._file.seek(slot * size)
            complete = self._file.write(raw.data) == size
        except OSError:
            complete = False
        if not complete:
            # Disk full: what is in the file stays readable, no more is added.
            self._budget = 0
            return
        self._slots[frame] = slot
        self._shape, self._dtype = tuple(features.shape), features.dtype

    def read(self, frame: int) -> Tensor | None:
        """Return the features, or None if they are not here."""
        slot = self._slots.get(frame)
        if slot is None or self._file is None:
            return None
        features = torch.empty(self._shape, dtype=self._dtype)
        raw = features.view(-1).view(torch.uint8).numpy()
        self._file.seek(slot * features.nbytes)
        return features if self._file.readinto(raw.data) == raw.nbytes else None

    def forget(self, frame: int) -> None:
        """Give the place of a frame to the next one."""
        slot = self._slots.pop(frame, None)
        if slot is not None:
            self._free.append(slot)

    def close(self) -> None:
        """Delete the file."""
        self._slots.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _new_slot(self, size: int) -> int | None:
        if self._file is None and self._budget >= size:
            free = shutil.disk_usage(tempfile.gettempdir()).free
            self._budget = min(self._budget, int(free * DISK_SHARE))
            self._file = tempfile.TemporaryFile(buffering=0)
        if (self._n_slots + 1) * size > self._budget:
            return None
        self._n_slots += 1
        return self._n_slots - 1
