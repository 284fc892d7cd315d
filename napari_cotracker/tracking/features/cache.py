"""Features of frames, each encoded once, within fixed memory.

Frames of the latest window stay on the device; older ones go to a store: the run's
own, which keeps what is still needed, or one that outlives the run and keeps all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_cotracker.tracking.features.buffers import Buffers
from napari_cotracker.tracking.features.store import DISK_BUDGET, FeatureStore, Shelf

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracking.frames.model_frame import Box, ModelFrame
    from napari_cotracker.video import FrameSource

# Small on purpose: behind the file stands the system's own cache, which other programs
# can have back.
RAM_BUDGET = 64 * 2**20
# Raw frames held at once while encoding; one frame may exceed it.
READ_BUDGET = 64 * 2**20


class FrameEncoder:
    """Read, crop, resize and encode single frames, or a box of each.

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

    def __call__(
        self, frames: Sequence[int], box: Box | None = None
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield ``(frame, features (h, w, C))`` of the box for each given frame."""
        _, height, width = self._source.shape[:3]
        chunk = max(1, READ_BUDGET // (height * width * 3))
        for start, stop in _runs(frames, chunk):
            pictures = self._source.read(start, stop)
            for index, picture in zip(range(start, stop), pictures, strict=True):
                yield index, self._encode(picture[None], box)

    def _encode(self, picture: npt.NDArray[np.uint8], box: Box | None) -> Tensor:
        # One frame per call: kernels may round differently for other batch sizes,
        # and a frame encoded again must give the same numbers.
        shown = self._frame.resize(picture, box)[None].to(self._device)
        return self._tracker.encode(shown)[0, 0]


class FeatureCache:
    """Hands out features of windows.

    Parameters
    ----------
    encode : callable
        Maps frames to ``(frame, features)`` pairs, see :class:`FrameEncoder`.
    uses : Counter
        In how many requests each frame will occur.
    shelf : Shelf or None
        Where every frame is kept; None = in a store that ends with this cache and
        forgets a frame after its last announced use.
    device : torch.device or None
        Where features are handed out; None = the CPU.
    ram_budget, disk_budget : int or None
        Of the cache's own store, in bytes.
    """

    def __init__(
        self,
        encode: Callable[[Sequence[int]], Iterator[tuple[int, Tensor]]],
        uses: Counter[int],
        shelf: Shelf | None = None,
        *,
        device: torch.device | None = None,
        ram_budget: int | None = None,
        disk_budget: int | None = None,
    ) -> None:
        self._encode = encode
        self._uses = uses.copy()
        self._device = device or torch.device("cpu")
        self._buffers = Buffers()
        self._latest: dict[int, Tensor] = {}
        self._own: FeatureStore | None = None
        if shelf is None:
            self._own = FeatureStore(
                RAM_BUDGET if ram_budget is None else ram_budget,
                DISK_BUDGET if disk_budget is None else disk_budget,
            )
            shelf = self._own.shelf("this run")
        self._shelf = shelf

    def window(self, frames: Sequence[int], box: Box | None = None) -> Tensor:
        """Return (1, S, ...) features; a frame may be asked for repeatedly.

        ``box`` is always the whole model frame here, see ``BoxFeatures``.
        """
        places: dict[int, list[int]] = {}
        for place, frame in enumerate(frames):
            places.setdefault(frame, []).append(place)
        window: Tensor | None = None
        # Every frame goes to its place at once: what a long window needs is held once.
        for frame, features in self._gather(places):
            if window is None:
                shape = (len(frames), *features.shape)
                window = self._empty(shape, features.dtype)
            for place in places[frame]:
                window[place] = features
        assert window is not None  # a window has frames
        self._uses.subtract(places.keys())
        self._renew({frame: window[first] for frame, (first, *_) in places.items()})
        return window[None]

    def frame(self, frame: int, box: Box | None = None) -> Tensor:
        """Return (1, 1, ...) features of one frame; the window stays at hand."""
        ((_, features),) = self._gather([frame])
        self._uses.subtract([frame])
        if self._own is not None and frame not in self._latest:
            if self._uses[frame] > 0:
                self._shelf.put(frame, features)
            else:
                self._shelf.forget(frame)
        return features[None, None].to(self._device)

    def close(self) -> None:
        """Free what nobody else can use."""
        self._latest.clear()
        self._buffers = Buffers()
        if self._own is not None:
            self._own.clear()

    def _empty(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        if self._device.type == "cpu":
            return self._buffers.empty(shape, dtype)
        return torch.empty(shape, dtype=dtype, device=self._device)

    def _gather(self, frames: Iterable[int]) -> Iterator[tuple[int, Tensor]]:
        missing = []
        for frame in frames:
            if frame in self._latest:
                yield frame, self._latest[frame]
            elif (stored := self._shelf.get(frame)) is not None:
                yield frame, stored
            else:
                missing.append(frame)
        for frame, features in self._encode(sorted(missing)):
            if self._own is None:
                self._shelf.put(frame, features)
            yield frame, features

    def _renew(self, have: dict[int, Tensor]) -> None:
        if self._own is not None:
            for frame, features in self._latest.items():
                if frame not in have and self._uses[frame] > 0:
                    self._shelf.put(frame, features)
            for frame in have:
                if self._uses[frame] <= 0:
                    self._shelf.forget(frame)
        self._latest = have


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
