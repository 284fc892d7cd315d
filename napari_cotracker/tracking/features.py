"""Features of frames, each encoded once per run, within fixed memory.

Frames of the latest window stay on the device; older ones that are still needed go
to memory, then to a temporary file, and beyond that are encoded again when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_cotracker.tracking.spill import SpillFile

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracking.frames import ModelFrame
    from napari_cotracker.video import FrameSource

# Small on purpose: behind the file stands the system's own cache, which other programs
# can have back.
RAM_BUDGET = 64 * 2**20
DISK_BUDGET = 16 * 2**30
# Raw frames held at once while encoding; one frame may exceed it.
READ_BUDGET = 64 * 2**20


class FrameEncoder:
    """Read, crop, resize and encode single frames.

    Parameters
    ----------
    source : FrameSource
    frame : ModelFrame
    tracker : WindowTracker
    device : torch.device
        Where the network lives.
    """

    def __init__(
        self,
        source: FrameSource,
        frame: ModelFrame,
        tracker: WindowTracker,
        device: torch.device,
    ) -> None:
        self._source = source
        self._frame = frame
        self._tracker = tracker
        self._device = device

    def __call__(self, frames: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
        """Yield ``(frame, features (C, h, w))`` for each of the given frames."""
        _, height, width = self._source.shape[:3]
        chunk = max(1, READ_BUDGET // (height * width * 3))
        for start, stop in _runs(frames, chunk):
            pictures = self._source.read(start, stop)
            for index, picture in zip(range(start, stop), pictures, strict=True):
                yield index, self._encode(picture[None])

    def _encode(self, picture: npt.NDArray[np.uint8]) -> Tensor:
        # One frame per call: kernels may round differently for other batch sizes,
        # and a frame encoded again must give the same numbers.
        shown = self._frame.resize(picture)[None].to(self._device)
        return self._tracker.encode(shown)[0, 0]


class FeatureCache:
    """Hands out features of windows; forgets a frame after its last announced use.

    Parameters
    ----------
    encode : callable
        Maps frames to ``(frame, features)`` pairs, see :class:`FrameEncoder`.
    uses : Counter
        In how many requests each frame will occur.
    ram_budget, disk_budget : int
        Bytes kept in memory and in the temporary file.
    """

    def __init__(
        self,
        encode: Callable[[Sequence[int]], Iterator[tuple[int, Tensor]]],
        uses: Counter[int],
        *,
        ram_budget: int | None = None,
        disk_budget: int | None = None,
    ) -> None:
        self._encode = encode
        self._uses = uses.copy()
        self._latest: dict[int, Tensor] = {}
        self._ram: dict[int, Tensor] = {}
        self._ram_left = RAM_BUDGET if ram_budget is None else ram_budget
        self._spill = SpillFile(DISK_BUDGET if disk_budget is None else disk_budget)

    def window(self, frames: Sequence[int]) -> Tensor:
        """Return (1, S, C, h, w) features; a frame may be asked for repeatedly."""
        wanted = dict.fromkeys(frames)
        device = None
        have: dict[int, Tensor] = {}
        for frame in wanted:
            if frame in self._latest:
                have[frame] = self._latest[frame]
            elif (stored := self._fetch(frame)) is not None:
                have[frame] = stored
        missing = sorted(frame for frame in wanted if frame not in have)
        for frame, features in self._encode(missing):
            have[frame] = features
            device = features.device
        device = device or next(iter(self._latest.values()), have[frames[0]]).device
        have = {frame: features.to(device) for frame, features in have.items()}
        self._uses.subtract(have.keys())
        self._renew(have)
        return torch.stack([have[frame] for frame in frames])[None]

    def close(self) -> None:
        """Free everything; the temporary file disappears."""
        self._latest.clear()
        self._ram.clear()
        self._spill.close()

    def _renew(self, have: dict[int, Tensor]) -> None:
        for frame, features in self._latest.items():
            if frame not in have and self._uses[frame] > 0:
                self._store(frame, features)
        for frame in have:
            if self._uses[frame] <= 0:
                self._forget(frame)
        self._latest = have

    def _store(self, frame: int, features: Tensor) -> None:
        if frame in self._ram or frame in self._spill:
            return
        if features.nbytes <= self._ram_left:
            self._ram[frame] = features.to("cpu", copy=True)
            self._ram_left -= features.nbytes
        else:
            self._spill.write(frame, features.cpu())

    def _fetch(self, frame: int) -> Tensor | None:
        if frame in self._ram:
            return self._ram[frame]
        return self._spill.read(frame)

    def _forget(self, frame: int) -> None:
        stored = self._ram.pop(frame, None)
        if stored is not None:
            self._ram_left += stored.nbytes
        self._spill.forget(frame)


def _runs(frames: Sequence[int], longest: int) -> Iterator[tuple[int, int]]:
    """Group ascending frames into (start, stop) runs without gaps."""
    start = stop = None
    for frame in frames:
        if start is None or stop is None:
            start, stop = frame, frame + 1
        elif frame == stop and stop - start < longest:
            stop += 1
        else:
            yield start, stop
            start, stop = frame, frame + 1
    if start is not None and stop is not None:
        yield start, stop
