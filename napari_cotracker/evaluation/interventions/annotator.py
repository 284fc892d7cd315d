"""A simulated person who clicks until every label is right."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.evaluation.interventions.flow import (
    Chains,
    DenseFlow,
    LucasKanade,
    Pictures,
)
from napari_cotracker.evaluation.interventions.followers import (
    ChainedFlow,
    Interpolation,
    Network,
)
from napari_cotracker.tracks.accuracy import errors_256
from napari_cotracker.video import open_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from napari_cotracker.evaluation.interventions.followers import (
        Floats,
        Follower,
        Mask,
    )
    from napari_cotracker.evaluation.labelled import LabelledClip
    from napari_cotracker.tracking import TrackingOptions
    from napari_cotracker.video import FrameSource

# An answer further off than this, on a frame of 256 x 256 pixels, is wrong.
WRONG_PX = 8.0


@dataclass(frozen=True)
class Effort:
    """What one clip costs a person with one method.

    Parameters
    ----------
    clip, method : str
    labels : int
    first : int
        Tracks, each of which somebody has to label once whatever follows it.
    clicks : int
        These first ones among them.
    rounds : int
        How often it was tracked.
    seconds : float
        Waiting for that.
    """

    clip: str
    method: str
    labels: int
    first: int
    clicks: int
    rounds: int
    seconds: float


def annotate(
    clip: LabelledClip,
    method: str,
    follower: Follower,
    priority: Callable[[], Floats] | None = None,
) -> Effort:
    """Label each track once, then correct one wrong label per track and round.

    Parameters
    ----------
    clip : LabelledClip
    method : str
        Name of the follower.
    follower : Follower
    priority : callable or None
        Says after each round how urgent every label is, (M,); the most urgent wrong
        one of a track is corrected. None = the earliest.
    """
    first = placed = first_labels(clip)
    rounds, seconds = 0, 0.0
    while True:
        begin = time.perf_counter()
        answers = follower.follow(placed)
        seconds += time.perf_counter() - begin
        rounds += 1
        wrong = ~(errors_256(answers, clip.xy, clip.size) <= WRONG_PX) & ~placed
        if not wrong.any():
            break
        urgency = -clip.frame.astype(np.float32) if priority is None else priority()
        placed = placed | _most_urgent(clip, wrong, urgency)
    return Effort(
        clip=clip.name,
        method=method,
        labels=len(placed),
        first=int(first.sum()),
        clicks=int(placed.sum()),
        rounds=rounds,
        seconds=round(seconds, 3),
    )


def first_labels(clip: LabelledClip) -> Mask:
    """Mark the first label of every track, (M,)."""
    first = np.ones(len(clip.track), np.bool_)
    first[1:] = clip.track[1:] != clip.track[:-1]
    return first


def _most_urgent(clip: LabelledClip, wrong: Mask, urgency: Floats) -> Mask:
    chosen = np.zeros(len(wrong), np.bool_)
    for name in np.unique(clip.track[wrong]):
        rows = np.flatnonzero(wrong & (clip.track == name))
        chosen[rows[np.argmax(urgency[rows])]] = True
    return chosen


OURS = "ours"
FLOW_METHODS = ("LK forward", "LK both ways", "DIS both ways")


def efforts_of(
    clip: LabelledClip, model: Any, options: TrackingOptions, *, baselines: bool = True
) -> Iterator[Effort]:
    """Annotate one clip with every method."""
    with open_video(clip.video) as source:
        yield from _ours(clip, source, model, options)
        if baselines:
            yield annotate(clip, "linear", Interpolation(clip))
            pictures = Pictures(source)
            sparse = Chains(pictures, LucasKanade(pictures), clip.frame, clip.xy)
            dense = Chains(pictures, DenseFlow(pictures), clip.frame, clip.xy)
            for name, chains, blended in zip(
                FLOW_METHODS, (sparse, sparse, dense), (False, True, True), strict=True
            ):
                yield annotate(clip, name, ChainedFlow(clip, chains, blended=blended))


def _ours(
    clip: LabelledClip, source: FrameSource, model: Any, options: TrackingOptions
) -> Iterator[Effort]:
    for name, fused, reviewed in (
        (OURS, True, False),
        ("ours, not fused", False, False),
        ("ours, review queue", True, True),
    ):
        network = Network(clip, source, model, options, fused=fused)
        try:
            yield annotate(clip, name, network, network.suspicion if reviewed else None)
        finally:
            network.close()
