"""Shrink or enlarge pictures so that every pixel lands where the mapping says."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    import numpy.typing as npt


class Resampling(NamedTuple):
    """How some consecutive output pixels follow from some input pixels.

    ``matrix`` (n_out, n_in) sparse; its first column is input pixel ``start``.
    """

    matrix: torch.Tensor
    start: int


@lru_cache(maxsize=32)
def resampling(n_in: int, n_out: int, first: int, stop: int) -> Resampling:
    """Resample ``n_in`` pixels to ``n_out``, of which ``first`` to ``stop`` are wanted.

    Bilinear with aligned corner centres, antialiased when shrinking.

    torch's own antialiasing ignores ``align_corners`` in the filter centres, which
    would shift the picture by half an output pixel against the coordinates.
    """
    scale = (n_in - 1) / (n_out - 1)
    centre = np.arange(first, stop) * scale
    # Narrower towards the border, so that the filter stays symmetric there.
    radius = np.maximum(1.0, np.minimum(scale, np.minimum(centre, n_in - 1 - centre)))
    reach = math.ceil(max(scale, 1.0))
    taps = np.floor(centre)[:, None] + np.arange(-reach, reach + 2)
    offset = taps - centre[:, None]
    weight = np.clip(1 - np.abs(offset) / radius[:, None], 0, None)
    weight[(taps < 0) | (taps > n_in - 1)] = 0
    weight /= weight.sum(1, keepdims=True)
    weight = _centred(weight, offset)
    row, column = np.nonzero(weight)
    tap = taps[row, column].astype(np.int64)
    start, width = int(tap.min()), int(np.ptp(tap)) + 1
    matrix = torch.sparse_coo_tensor(
        torch.from_numpy(np.stack([row, tap - start])),
        torch.from_numpy(weight[row, column].astype(np.float32)),
        (stop - first, width),
        check_invariants=False,
    )
    return Resampling(matrix.coalesce(), start)


def _centred(
    weight: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    # A sampled triangle misses its own centre by a few hundredths of a pixel; the
    # linear term puts every output pixel exactly where the mapping says it is.
    first = (weight * offset).sum(1, keepdims=True)
    spread = (weight * offset**2).sum(1, keepdims=True) - first**2
    tilt = np.divide(first, spread, out=np.zeros_like(first), where=spread > 1e-9)
    centred: npt.NDArray[np.float64] = weight * (1 - tilt * (offset - first))
    return centred
