"""Which parts of a large model frame a window is shown.

Points that occupy little of a large picture are followed in moving boxes at the
recording's own resolution; points far from each other get boxes of their own. A box
depends on nothing but where its points are expected, so that runs can be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_cotracker.tracking.frames.model_frame import MODEL_AREA, Box

if TYPE_CHECKING:
    import numpy.typing as npt

# What the coarsest correlation of our networks sees beside a point.
MARGIN = 48
# Boxes have sides in steps of GRID and stand on multiples of half of it: a group that
# moves little keeps its box, and with it the features of frames it shares with the
# window before.
GRID = 64
# Our networks are trained on pictures of this size.
SMALLEST_SIDE = 256
LARGEST_AREA = 2 * MODEL_AREA
# What a box costs beside its pixels: support points, virtual tracks, start of kernels.
COST_OF_A_BOX = MODEL_AREA // 4


class Group(NamedTuple):
    """Points (indices) that share a box."""

    box: Box
    points: npt.NDArray[np.int64]


def group_points(
    rects: npt.NDArray[np.float64], size: tuple[int, int], unit: int
) -> list[Group]:
    """Cover rectangles with as few pixels as a greedy search finds.

    Parameters
    ----------
    rects : (N, 4) float64
        Left, top, right and bottom of where each point is expected, with margins.
    size : (H, W)
        Of the model frame.
    unit : int
        Box sides are multiples of it.

    Returns
    -------
    list of Group
        In a fixed order; each point is in one of them.
    """
    hulls = np.zeros((0, 4))
    members: list[list[int]] = []
    for i in np.lexsort((rects[:, 1], rects[:, 0])).tolist():
        joined = _joined(hulls, rects[i])
        extra = _costs(joined, size, unit) - _costs(hulls, size, unit)
        if len(extra) and extra.min() <= _costs(rects[i : i + 1], size, unit)[0]:
            best = int(extra.argmin())
            hulls[best] = joined[best]
            members[best].append(i)
        else:
            hulls = np.concatenate([hulls, rects[i : i + 1]])
            members.append([i])
    hulls, members = _merged(hulls, members, size, unit)
    boxes = round_boxes(hulls, size, unit).tolist()
    return [
        Group(Box(*box), np.sort(np.array(points, np.int64)))
        for box, points in zip(boxes, members, strict=True)
    ]


def round_boxes(
    rects: npt.NDArray[np.float64], size: tuple[int, int], unit: int
) -> npt.NDArray[np.int64]:
    """Put boxes round (N, 4) rectangles, inside the model frame.

    Returns
    -------
    (N, 4) int64: x, y, width, height
    """
    x, width = _sides(rects[:, 0], rects[:, 2], size[1], unit)
    y, height = _sides(rects[:, 1], rects[:, 3], size[0], unit)
    return np.stack([x, y, width, height], axis=1)


def expected_rects(
    xy: npt.NDArray[np.float32],
    seen: npt.NDArray[np.bool_],
    n_known: npt.NDArray[np.int64],
    n_real: int,
) -> npt.NDArray[np.float64]:
    """Say where points may be found in a window.

    Parameters
    ----------
    xy : (S, N, 2) float32
        Positions so far, in model-frame pixels.
    seen : (N,) bool
        Whether each point was visible when last looked at.
    n_known : (N, 2) int64
        First and one after the last frame on which the position is known.
    n_real : int
        Frames to find the points on.

    Returns
    -------
    (N, 4) float64: left, top, right, bottom
    """
    place = np.arange(len(xy))[:, None]
    known = (place >= n_known[:, 0]) & (place < n_known[:, 1])  # (S, N)
    where = np.where(known[..., None], xy.astype(np.float64), np.nan)
    last = where[n_known[:, 1] - 1, np.arange(xy.shape[1])]
    back = np.minimum(_RECENT, n_known[:, 1] - 1 - n_known[:, 0])
    before = where[n_known[:, 1] - 1 - back, np.arange(xy.shape[1])]
    velocity = (last - before) / np.maximum(back, 1)[:, None]  # pixels per frame
    left = np.maximum(0, n_real - n_known[:, 1])[:, None]
    ahead = last + velocity * left
    slack = np.where(back[:, None] > 0, _SLACK * np.abs(velocity), _FIRST_SPEED)
    slack = MARGIN + (slack + _UNREST) * left + np.where(seen, 0, _LOST)[:, None]
    low = np.fmin(np.nanmin(where, axis=0), ahead) - slack
    high = np.fmax(np.nanmax(where, axis=0), ahead) + slack
    return np.concatenate([low, high], axis=1)


# Frames over which the recent velocity is measured; what it may change by, of itself
# and in pixels per frame; the speed of points nothing is known about; how much
# farther to look for one that was not seen any more.
_RECENT = 4
_SLACK = 0.5
_UNREST = 1.0
_FIRST_SPEED = 4.0
FIRST_MARGIN = MARGIN + 16 * _FIRST_SPEED
_LOST = 64.0


def _merged(
    hulls: npt.NDArray[np.float64],
    members: list[list[int]],
    size: tuple[int, int],
    unit: int,
) -> tuple[npt.NDArray[np.float64], list[list[int]]]:
    """Join boxes as long as that saves something."""
    i = 0
    while i < len(hulls):
        others = np.delete(np.arange(len(hulls)), i)
        joined = _joined(hulls[others], hulls[i])
        gain = _costs(hulls[others], size, unit) - _costs(joined, size, unit)
        gain += _costs(hulls[i : i + 1], size, unit)
        if len(gain) and gain.max() >= 0:
            best = int(others[gain.argmax()])
            hulls[i] = _joined(hulls[best : best + 1], hulls[i])[0]
            members[i] = members[i] + members[best]
            hulls = np.delete(hulls, best, axis=0)
            del members[best]
            i = 0
        else:
            i += 1
    return hulls, members


def _joined(
    hulls: npt.NDArray[np.float64], rect: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    low = np.minimum(hulls[:, :2], rect[:2])
    return np.concatenate([low, np.maximum(hulls[:, 2:], rect[2:])], axis=1)


def _sides(
    low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], limit: int, unit: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    # Half a step for the rounding of the place.
    wanted = np.ceil((high - low + GRID / 2) / GRID) * GRID
    wanted = -(-np.maximum(wanted, SMALLEST_SIDE) // unit) * unit
    length = np.minimum(wanted, limit // unit * unit)
    start = np.rint((low + high - length) / GRID) * (GRID // 2)
    start = np.clip(start, 0, limit - length)
    return start.astype(np.int64), length.astype(np.int64)


def _costs(
    rects: npt.NDArray[np.float64], size: tuple[int, int], unit: int
) -> npt.NDArray[np.float64]:
    area = round_boxes(rects, size, unit)[:, 2:].prod(axis=1)
    # Beyond what is affordable at once, several boxes are better than one.
    excess = np.maximum(0, area - LARGEST_AREA)
    return np.asarray(area + COST_OF_A_BOX + _PENALTY * excess, np.float64)


# Per pixel beyond LARGEST_AREA.
_PENALTY = 100.0
