"""What outlives a run: encoded frames and answers.

Frames are kept in memory, then on disk, and beyond that encoded again.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.tracking.features.spill import SpillFile
from napari_cotracker.tracking.fusion.answers import Answers, Said
from napari_cotracker.tracking.identity import (
    bare_network,
    digest_of_recording,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy.typing as npt
    from torch import Tensor

    from napari_cotracker.tracking.fusion.answers import Place
    from napari_cotracker.tracking.job import Job
    from napari_cotracker.tracking.windows.passes import WindowResult
    from napari_cotracker.tracking.windows.plan import Life, Sign

# Memory is kept small on purpose: behind the file stands the system's own cache,
# which other programs can have back.
MEMORY_BUDGET = 768 * 2**20
DISK_BUDGET = 16 * 2**30
# Recordings, model frames or weights whose features are kept at the same time.
MOST_SHELVES = 4


class FeatureStore:
    """Features of frames for whoever comes next: runs, re-runs, other points.

    Give the same store to every run as ``features=``. What is found is exactly what
    was encoded. Frames are told apart by recording, what part of it the network sees
    at which size, and weights and arithmetic; nothing else is ever handed out. A
    recording is recognised by its description and three of its frames: call
    :meth:`clear` after changing the pixels of an array in place.

    The store also remembers how each anchor was followed, so that a partial re-run
    only asks about anchors that are new, and undoing an edit asks nothing.

    Parameters
    ----------
    budget_bytes : int
        Kept in memory; beyond it the least recently used go to a temporary file.
    disk_bytes : int
        Kept there of each recording; beyond it frames are encoded again when asked for.
    """

    def __init__(
        self, budget_bytes: int = MEMORY_BUDGET, disk_bytes: int = DISK_BUDGET
    ) -> None:
        self._budget, self._disk_bytes = budget_bytes, disk_bytes
        self._held = 0
        self._memory: OrderedDict[tuple[Hashable, int], Tensor] = OrderedDict()
        self._files: OrderedDict[Hashable, SpillFile] = OrderedDict()
        self._lock = RLock()
        self.answers = Answers()

    @property
    def bytes_in_memory(self) -> int:
        """Size of the features held in memory."""
        return self._held

    def shelf_for(self, job: Job) -> Shelf:
        """Return the place for the features of a job."""
        network: Any = bare_network(job.tracker)
        return self.shelf(
            (
                digest_of_recording(job.source),
                job.frame,
                job.network_digest,
                # Without weights, only the very same object is the same network.
                None if hasattr(network, "state_dict") else network,
            )
        )

    def shelf(self, key: Hashable) -> Shelf:
        """Return the place for features under any key; the oldest ones make room."""
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
            else:
                while len(self._files) >= MOST_SHELVES:
                    self._drop(next(iter(self._files)))
                self._files[key] = SpillFile(self._disk_bytes)
        return Shelf(self, key)

    def get(self, key: Hashable, frame: int) -> Tensor | None:
        """Return the features of a frame, or None; on the CPU, not to be changed."""
        with self._lock:
            found = self._memory.get((key, frame))
            if found is not None:
                self._memory.move_to_end((key, frame))
                return found
            file = self._files.get(key)
            found = None if file is None else file.read(frame)
            if found is not None:
                self._remember(key, frame, found)
            return found

    def put(self, key: Hashable, frame: int, features: Tensor) -> None:
        """Keep the features of a frame."""
        with self._lock:
            if key in self._files and (key, frame) not in self._memory:
                self._remember(key, frame, features.to("cpu", copy=True))

    def forget(self, key: Hashable, frame: int) -> None:
        """Let go of a frame."""
        with self._lock:
            gone = self._memory.pop((key, frame), None)
            self._held -= 0 if gone is None else gone.nbytes
            if key in self._files:
                self._files[key].forget(frame)

    def clear(self) -> None:
        """Let go of everything; the temporary files disappear."""
        with self._lock:
            self.answers.clear()
            for key in list(self._files):
                self._drop(key)

    def _remember(self, key: Hashable, frame: int, features: Tensor) -> None:
        self._memory[key, frame] = features
        self._held += features.nbytes
        while self._held > self._budget:
            (old_key, old_frame), old = self._memory.popitem(last=False)
            self._held -= old.nbytes
            file = self._files[old_key]
            if old_frame not in file:
                self._files[old_key].write(old_frame, old)

    def _drop(self, key: Hashable) -> None:
        self._files.pop(key).close()
        for place in [place for place in self._memory if place[0] == key]:
            self._held -= self._memory.pop(place).nbytes


class Shelf:
    """What is kept about one recording, seen one way by one network.

    Parameters
    ----------
    store : FeatureStore
    key : hashable
    """

    def __init__(self, store: FeatureStore, key: Hashable) -> None:
        self._store, self._key = store, key

    def get(self, frame: int) -> Tensor | None:
        """Return the features of a frame, or None."""
        return self._store.get(self._key, frame)

    def put(self, frame: int, features: Tensor) -> None:
        """Keep the features of a frame."""
        self._store.put(self._key, frame, features)

    def forget(self, frame: int) -> None:
        """Let go of a frame."""
        self._store.forget(self._key, frame)

    def remember(self, job: Job, sign: Sign, result: WindowResult) -> None:
        """Keep what a window says about the anchors of a job."""
        for column, row in enumerate(result.anchor.tolist()):
            wanted = result.wanted[:, column]
            if wanted.any():
                said = (result.xy, result.visibility, result.confidence)
                self._store.answers.add(
                    self._asked(job, sign, row),
                    frozenset(_places(job, job.others(row, sign))),
                    (result.frames[wanted] - job.anchors.frame[row]) * sign,
                    Said(*(values[wanted, column] for values in said)),
                )

    def recall(self, job: Job, sign: Sign, life: Life) -> Said | None:
        """Return what is known about a whole life of an anchor, or None."""
        asked, n_frames = self._asked(job, sign, life.row), abs(life.last - life.first)
        mine, shown = job.shown_of(life.row)
        return self._store.answers.find(asked, _places(job, mine[shown]), n_frames)

    def _asked(self, job: Job, sign: Sign, row: int) -> Hashable:
        (place,) = _places(job, np.array([row]))
        return self._key, job.manner, sign, place


def _places(job: Job, rows: npt.NDArray[np.int64]) -> list[Place]:
    """Say where anchors are: (frame, x, y)."""
    frames = job.anchors.frame[rows].tolist()
    x, y = job.anchors.xy[rows].T.tolist()
    return list(zip(frames, x, y, strict=True))
