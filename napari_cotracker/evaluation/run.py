"""Score a model on labelled clips beside what a user has anyway."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_cotracker.evaluation.baselines import lucas_kanade, stay
from napari_cotracker.evaluation.protocol import make_task
from napari_cotracker.evaluation.tables import markdown_table
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracks.accuracy import delta_avg, errors_256
from napari_cotracker.video import open_video

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

    from napari_cotracker.evaluation.labelled import LabelledClip
    from napari_cotracker.evaluation.protocol import Task
    from napari_cotracker.video import FrameSource


@dataclass(frozen=True)
class Score:
    """delta_avg at 256 x 256 scale of one clip.

    Parameters
    ----------
    clip : str
    targets : int
    delta_avg, still, lucas_kanade : float
        Of the model and of the two baselines; NaN where a baseline was left out.
    seconds : float
        Tracking time of the model.
    """

    clip: str
    targets: int
    delta_avg: float
    still: float
    lucas_kanade: float
    seconds: float


def score_clips(
    clips: Iterable[LabelledClip],
    model: Any,
    *,
    options: TrackingOptions,
    baselines: bool = True,
    every: int = 1,
) -> Iterator[Score]:
    """Score clip after clip; clips without targets are left out.

    ``options.horizon`` and ``every`` are also the protocol's, see :func:`make_task`;
    the direction is always forward, because targets come after their query.
    """
    for clip in clips:
        task = make_task(clip, options.horizon, every)
        if task is not None:
            yield _score(clip, task, model, options, baselines)


def format_table(scores: list[Score]) -> str:
    """Lay scores out as a Markdown table."""
    rows = [
        [
            f"{value:.3f}" if isinstance(value, float) else str(value)
            for value in asdict(score).values()
        ]
        for score in scores
    ]
    return "\n".join(markdown_table(list(asdict(scores[0])), rows))


def _score(
    clip: LabelledClip,
    task: Task,
    model: Any,
    options: TrackingOptions,
    baselines: bool,
) -> Score:
    with open_video(clip.video) as source:
        begin = time.perf_counter()
        answers = _follow(source, task, model, options)
        seconds = time.perf_counter() - begin
        flow = lucas_kanade(source, task) if baselines else None

    def accuracy(xy: npt.NDArray[np.float32]) -> float:
        return delta_avg(errors_256(xy, task.target_xy, clip.size))

    return Score(
        clip=clip.name,
        targets=len(task.target_frame),
        delta_avg=accuracy(answers),
        still=accuracy(stay(task)),
        lucas_kanade=float("nan") if flow is None else accuracy(flow),
        seconds=seconds,
    )


def _follow(
    source: FrameSource, task: Task, model: Any, options: TrackingOptions
) -> npt.NDArray[np.float32]:
    tracks = track(source, task.queries, model, replace(options, direction="forward"))
    answers: npt.NDArray[np.float32] = tracks.xy[task.target_frame, task.target_query]
    return answers
