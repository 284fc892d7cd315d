"""How alike the surroundings of points look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

RADIUS = 7


def likeness(
    one: npt.NDArray[np.uint8],
    one_xy: npt.NDArray[np.float32],
    two: npt.NDArray[np.uint8],
    two_xy: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """Correlate (P, 2) points' surroundings in two pictures; (P,) in -1..1.

    Brightness and contrast do not count; what has no contrast is like nothing.
    """
    a, b = _patches(one, one_xy), _patches(two, two_xy)
    norm = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.divide((a * b).sum(1), norm, out=np.zeros(len(a)), where=norm > 1e-3)


def _patches(
    picture: npt.NDArray[np.uint8], xy: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Sample squares round points, (P, side * side), each with mean 0."""
    reach = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)
    x = xy[:, 0, None, None] + reach[None, None, :] + 0 * reach[None, :, None]
    y = xy[:, 1, None, None] + reach[None, :, None] + 0 * reach[None, None, :]
    flat = (len(xy), len(reach) ** 2)
    if not len(xy):
        return np.zeros(flat)
    sampled = cv2.remap(
        picture,
        x.reshape(flat).astype(np.float32),
        y.reshape(flat).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float64)
    return sampled - sampled.mean(axis=1, keepdims=True)
