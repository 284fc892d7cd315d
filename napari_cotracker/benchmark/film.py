"""A recording of any length that takes no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class Film:
    """A texture that drifts a pixel per frame, made when it is looked at.

    Parameters
    ----------
    frames : int
        T.
    size : (H, W)
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, frames: int, size: tuple[int, int]) -> None:
        self.shape = (frames, *size, 3)
        coarse = np.random.default_rng(0).integers(0, 256, (size[0] // 8 + 1, 97, 3))
        fine = np.kron(coarse, np.ones((8, 8, 1)))[: size[0]]
        repeats = -(-size[1] // fine.shape[1]) + 1
        self._texture = np.tile(fine, (1, repeats, 1)).astype(np.uint8)
        self._period = fine.shape[1]

    def __len__(self) -> int:
        """Return T."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> npt.NDArray[np.uint8]:
        """Return what numpy would return for this key."""
        time, *rest = key if isinstance(key, tuple) else (key,)
        frames = np.arange(len(self))[time]
        if frames.ndim == 0:
            return self._frame(int(frames))[tuple(rest)]
        shown = np.stack([self._frame(t) for t in frames.tolist()])
        return shown[(slice(None), *rest)]

    def _frame(self, t: int) -> npt.NDArray[np.uint8]:
        begin = t % self._period
        return self._texture[:, begin : begin + self.shape[2]]
