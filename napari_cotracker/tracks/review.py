"""Where to look first: the positions that are most likely wrong.

Four signs of an error, each 0 (none) to 1, are joined as if they were independent
chances: 1 - (1 - a)(1 - b)... Distances are measured in pixels of a frame of 256 x 256,
so that the size of a recording does not matter. A weight says how much a sign alone
can weigh; forward and backward tracking that disagree are the surest one, for at most
one of the two can be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.tracks.accuracy import COMMON_SIDE
from napari_cotracker.tracks.constraints import Constraints
from napari_cotracker.tracks.source import Source

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracks.tracks import Tracks

    Floats = npt.NDArray[np.float32]

WEIGHTS = {"disagreement": 0.9, "confidence": 0.6, "jump": 0.6, "distance": 0.3}
# What counts half: this much disagreement, this many frames from the next anchor.
HALF_DISAGREEMENT_PX, HALF_DISTANCE_FRAMES = 4.0, 100.0
# A jump is an acceleration this many times the usual one of its track, and 2 px more.
JUMP_FACTOR, JUMP_PX = 4.0, 2.0
# An unseen position is seldom needed, and nobody can say better.
UNSEEN_WEIGHT = 0.5
WORTH_A_LOOK = 0.5
GAP_FRAMES = 5


@dataclass(frozen=True)
class ReviewItem:
    """A stretch of one track to look at.

    Parameters
    ----------
    point_id : int
    frame : int
        The worst one.
    first, last : int
        The stretch, both inclusive.
    score : float
        0..1, higher = more likely wrong.
    reason : str
        For a person.
    """

    point_id: int
    frame: int
    first: int
    last: int
    score: float
    reason: str


@dataclass(frozen=True, eq=False)
class Suspicion:
    """How likely every position is wrong, and by which signs.

    Parameters
    ----------
    score : (T, N) float32
        0..1; NaN where there is nothing to review: nothing known, placed or accepted
        by a person, or hidden.
    signs : dict of str to (T, N) float32
        What each sign adds.
    values : dict of str to (T, N) float32
        What each sign was made of: pixels, 0..1, pixels, frames.
    """

    score: Floats
    signs: dict[str, Floats]
    values: dict[str, Floats]


def suspicion(tracks: Tracks, constraints: Constraints | None = None) -> Suspicion:
    """Judge every position of some tracks."""
    scale = _scale(tracks)
    known = tracks.source != Source.EMPTY
    xy = np.where(known[..., None], tracks.xy, np.nan)
    values = {
        "disagreement": np.nan_to_num(tracks.disagreement),
        "confidence": tracks.confidence,
        "jump": _acceleration(xy),
        "distance": _frames_to_anchor(tracks.source == Source.MANUAL),
    }
    signs = {
        "disagreement": _half_at(values["disagreement"] * scale, HALF_DISAGREEMENT_PX),
        "confidence": _lack(tracks.confidence, known),
        "jump": _jumps(values["jump"] * scale),
        "distance": _half_at(values["distance"], HALF_DISTANCE_FRAMES),
    }
    signs = {
        key: (WEIGHTS[key] * sign).astype(np.float32) for key, sign in signs.items()
    }
    score = 1 - np.prod([1 - sign for sign in signs.values()], axis=0)
    score = np.where(tracks.visible, score, UNSEEN_WEIGHT * score)
    hidden = (constraints or Constraints.none()).hidden_mask(
        tracks.point_id, tracks.n_frames
    )
    score[(tracks.source != Source.MODEL) | hidden] = np.nan
    return Suspicion(score.astype(np.float32), signs, values)


def review_queue(
    tracks: Tracks,
    constraints: Constraints | None = None,
    *,
    at_least: float = WORTH_A_LOOK,
) -> list[ReviewItem]:
    """List what is worth a look, the worst first.

    Parameters
    ----------
    tracks : Tracks
    constraints : Constraints or None
        Hidden frames are left out.
    at_least : float
        Lowest score that counts; with 0 every stretch that a person has not yet looked
        at is listed.

    Returns
    -------
    list of ReviewItem
        Frames of one track that lie close together are one item.
    """
    judged = suspicion(tracks, constraints)
    items = []
    for column in range(tracks.n_tracks):
        score = judged.score[:, column]
        with np.errstate(invalid="ignore"):
            frames = np.flatnonzero(score >= at_least)
        if len(frames) == 0:
            continue
        for group in np.split(frames, np.flatnonzero(np.diff(frames) > GAP_FRAMES) + 1):
            worst = int(group[np.argmax(score[group])])
            items.append(
                ReviewItem(
                    int(tracks.point_id[column]),
                    worst,
                    int(group[0]),
                    int(group[-1]),
                    float(score[worst]),
                    _reason(judged, worst, column),
                )
            )
    return sorted(items, key=lambda x: (-x.score, x.frame, x.point_id))


def _scale(tracks: Tracks) -> float:
    """Return the pixels of a 256 frame per pixel; 1 where the size is not known."""
    longest = max(tracks.size)
    return COMMON_SIDE / longest if longest else 1.0


def _acceleration(xy: Floats) -> Floats:
    """Return |x[t+1] - 2 x[t] + x[t-1]|, (T, N); 0 where a neighbour is missing."""
    result = np.zeros(xy.shape[:2], np.float32)
    if len(xy) > 2:
        second = xy[2:] - 2 * xy[1:-1] + xy[:-2]
        result[1:-1] = np.nan_to_num(np.linalg.norm(second, axis=-1))
    return result


def _jumps(acceleration: Floats) -> Floats:
    usual = np.median(acceleration, axis=0) if len(acceleration) else 0
    limit = JUMP_FACTOR * usual + JUMP_PX
    return _half_at(np.maximum(acceleration - limit, 0), limit)


def _lack(confidence: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """Return half of what confidence lacks, or all by which it dropped."""
    usual = np.zeros(confidence.shape[1], np.float32)
    for column in np.flatnonzero(known.any(axis=0)).tolist():
        usual[column] = np.median(confidence[known[:, column], column])
    return np.maximum(0.5 * (1 - confidence), usual - confidence).clip(0, 1)


def _frames_to_anchor(anchored: npt.NDArray[np.bool_]) -> Floats:
    """Return the frames to the nearest anchor of the track; T where it has none."""
    n_frames = len(anchored)
    frames = np.arange(n_frames)[:, None]
    before = np.maximum.accumulate(np.where(anchored, frames, -n_frames), axis=0)
    turned = np.where(anchored, frames, 2 * n_frames)[::-1]
    after = np.minimum.accumulate(turned, axis=0)[::-1]
    nearest = np.minimum(frames - before, after - frames)
    return np.minimum(nearest, n_frames).astype(np.float32)


def _half_at(values: Floats, half: float | Floats) -> Floats:
    return values / (values + half)


def _reason(judged: Suspicion, frame: int, column: int) -> str:
    chief = max(judged.signs, key=lambda key: float(judged.signs[key][frame, column]))
    value = float(judged.values[chief][frame, column])
    return {
        "disagreement": f"forward and backward disagree by {value:.1f} px",
        "confidence": f"confidence {value:.2f}",
        "jump": f"jumps by {value:.1f} px",
        "distance": f"{value:.0f} frames from the next point placed by hand",
    }[chief]
