"""How good a network is on fixed synthetic clips that it never trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_cotracker.tracks.accuracy import delta_avg, errors_256
from napari_cotracker.training.scenes import validation_clips

if TYPE_CHECKING:
    from napari_cotracker.model.cotracker3 import CoTracker3
    from napari_cotracker.training.scenes import SyntheticClip

SPLITS = ("motion", "occlusion", "texture", "microscopy", "articulated")
VISIBLE_FROM = 0.5


def validate(
    model: CoTracker3,
    *,
    clips: int = 8,
    size: tuple[int, int] = (192, 192),
    iterations: int = 4,
) -> dict[str, dict[str, float]]:
    """Measure per split and overall.

    Returns
    -------
    dict of split -> delta_avg, still (delta_avg of points that never move),
    occlusion_accuracy, within_8px_when_confident
    """
    model.eval()
    table = {
        split: _mean_of(
            [
                score_clip(model, clip, iterations)
                for clip in validation_clips(split, clips, size)
            ]
        )
        for split in SPLITS
    }
    return table | {"overall": _mean_of(list(table.values()))}


def score_clip(
    model: CoTracker3, clip: SyntheticClip, iterations: int
) -> dict[str, float]:
    """Query every point on its first visible frame; score the later frames."""
    visible = clip.visible.numpy()
    first = visible.argmax(axis=0)
    points = np.arange(visible.shape[1])
    query_xy = clip.tracks_xy[first, points]
    queries_txy = torch.cat([torch.from_numpy(first)[:, None].float(), query_xy], 1)
    with torch.inference_mode():
        answer = model.predict(clip.video, queries_txy, iterations)
    later = np.arange(len(visible))[:, None] > first
    truth_xy = clip.tracks_xy.numpy()
    size = (clip.video.shape[2], clip.video.shape[3])
    error = errors_256(answer.xy.numpy(), truth_xy, size)
    still = errors_256(query_xy.numpy(), truth_xy, size)
    seen = later & visible
    trusted = answer.visibility if answer.confidence is None else answer.confidence
    confident = seen & (trusted.numpy() >= VISIBLE_FROM)
    called = answer.visibility.numpy() >= VISIBLE_FROM
    return {
        "delta_avg": delta_avg(error[seen]),
        "still": delta_avg(still[seen]),
        "occlusion_accuracy": float((called == visible)[later].mean()),
        "within_8px_when_confident": float((error[confident] < 8).mean())
        if confident.any()
        else float("nan"),
    }


def _mean_of(rows: list[dict[str, float]]) -> dict[str, float]:
    return {
        key: round(float(np.nanmean([row[key] for row in rows])), 4) for key in rows[0]
    }
