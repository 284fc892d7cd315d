"""Features of boxes of frames: those of the latest windows, within fixed memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_cotracker.tracking.features.cache import FrameEncoder
    from napari_cotracker.tracking.frames.model_frame import Box

BUDGET = 256 * 2**20


class BoxFeatures:
    """Hands out features of boxes; the least recently used are forgotten first.

    Boxes move, so that what lies long ago is seldom asked for again: nothing goes to
    disk.

    Parameters
    ----------
    encode : FrameEncoder
    budget : int
        Bytes kept beyond the window at hand.
    """

    def __init__(self, encode: FrameEncoder, budget: int = BUDGET) -> None:
        self._encode = encode
        self._budget = budget
        self._kept: dict[tuple[int, Box], Tensor] = {}

    def window(self, frames: Sequence[int], box: Box) -> Tensor:
        """Return (1, S, h, w, C) features; a frame may be asked for repeatedly."""
        wanted = dict.fromkeys(frames)
        have = {
            frame: self._kept.pop((frame, box))
            for frame in wanted
            if (frame, box) in self._kept
        }
        missing = sorted(frame for frame in wanted if frame not in have)
        have |= dict(self._encode(missing, box))
        for frame in wanted:  # a dict remembers in which order its keys came
            self._kept[frame, box] = have[frame]
        self._shrink()
        return torch.stack([have[frame] for frame in frames])[None]

    def frame(self, frame: int, box: Box) -> Tensor:
        """Return (1, 1, h, w, C) features of one frame."""
        return self.window([frame], box)

    def close(self) -> None:
        """Free everything."""
        self._kept.clear()

    def _shrink(self) -> None:
        size = sum(features.nbytes for features in self._kept.values())
        for key in list(self._kept):
            if size <= self._budget:
                break
            size -= self._kept.pop(key).nbytes
