"""Which labels are queries and which are targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_cotracker.tracks import Queries

if TYPE_CHECKING:
    from napari_cotracker.evaluation.labelled import LabelledClip


@dataclass(frozen=True, eq=False)
class Task:
    """Q queries and K targets.

    Parameters
    ----------
    queries : Queries
        One track per query; ``point_id`` is 0..Q-1.
    target_query : (K,) int64
        Which query each target belongs to.
    target_frame : (K,) int64
    target_xy : (K, 2) float32
    """

    queries: Queries
    target_query: npt.NDArray[np.int64]
    target_frame: npt.NDArray[np.int64]
    target_xy: npt.NDArray[np.float32]


def make_task(clip: LabelledClip, horizon: int | None, every: int = 1) -> Task | None:
    """Turn labels into queries and targets.

    Parameters
    ----------
    clip : LabelledClip
    horizon : int or None
        None: the first label of every track is its query and all later ones are
        targets. Else every label is a query, and later labels of its track up to
        this many frames away are its targets.
    every : int
        With a horizon, only labels on frames that are multiples of it are queries:
        a smaller sample of the same clip.

    Returns
    -------
    Task, or None where no label has a later one.
    """
    query_rows: list[int] = []
    owner: list[int] = []
    target_rows: list[int] = []
    for track in np.unique(clip.track):
        rows = np.flatnonzero(clip.track == track)
        for position, row in enumerate(rows[:-1]):
            later = rows[position + 1 :]
            if horizon is not None:
                if clip.frame[row] % every:
                    continue
                later = later[clip.frame[later] <= clip.frame[row] + horizon]
            if len(later):
                owner += [len(query_rows)] * len(later)
                target_rows += later.tolist()
                query_rows.append(int(row))
            if horizon is None:
                break
    if not query_rows:
        return None
    names = tuple(f"{clip.track[row]}@{clip.frame[row]}" for row in query_rows)
    queries = Queries(
        frame=clip.frame[query_rows],
        xy=clip.xy[query_rows],
        point_id=np.arange(len(query_rows)),
        name=names,
    )
    return Task(queries, np.array(owner), clip.frame[target_rows], clip.xy[target_rows])
