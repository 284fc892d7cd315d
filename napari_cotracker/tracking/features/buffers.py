"""Memory for windows of features, used again when nobody looks at it any more."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor


class Buffers:
    """Hands out tensors in a processor's memory.

    A window is larger than what the C library keeps: each would lie in pages that are
    fresh from the system, and those take ten times as long as what is written to them.
    """

    def __init__(self) -> None:
        self._free: list[npt.NDArray[np.uint8]] = []

    def empty(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return a tensor with any content; its memory comes back when it is gone."""
        size = math.prod(shape) * dtype.itemsize
        fitting = [block for block in self._free if block.nbytes == size]
        block = fitting.pop() if fitting else np.empty(size, np.uint8)
        self._free = fitting  # other sizes belong to other recordings
        # Whatever views the tensor keeps this view of the block, and nobody else does.
        lying = block[:]
        weakref.finalize(lying, self._take_back, block).atexit = False
        return torch.from_numpy(lying).view(dtype).view(*shape)

    def _take_back(self, block: npt.NDArray[np.uint8]) -> None:
        self._free.append(block)
