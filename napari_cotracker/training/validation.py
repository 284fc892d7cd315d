"""How good a network is on fixed synthetic clips that it never trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_cotracker.evaluation.dense import DenseAnswer, DenseTruth
from napari_cotracker.evaluation.dense_report import DenseReport
from napari_cotracker.training.scenes import SPLITS, validation_clips
from napari_cotracker.training.scenes.validation import FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_cotracker.model.cotracker3 import CoTracker3

VISIBLE_FROM = 0.5
# Side of the clips that are scored, in pixels.
SIZE = 192


def truths(
    split: str,
    clips: int,
    size: tuple[int, int] = (SIZE, SIZE),
    skip: int = 0,
    frames: int = FRAMES,
) -> Iterator[DenseTruth]:
    """Render the fixed clips of a split for scoring."""
    for clip in validation_clips(split, clips, size, frames, skip=skip):
        video = clip.video.permute(0, 2, 3, 1).numpy().astype(np.uint8)
        yield DenseTruth(video, clip.tracks_xy.numpy(), clip.visible.numpy())


def bare(model: CoTracker3, iterations: int = 4) -> Callable[[DenseTruth], DenseAnswer]:
    """Let the network alone answer: no resizing, no support points."""

    def follow(truth: DenseTruth) -> DenseAnswer:
        video = torch.from_numpy(truth.video).permute(0, 3, 1, 2).float()
        start = torch.from_numpy(truth.query_frame)[:, None].float()
        queries_txy = torch.cat([start, torch.from_numpy(truth.query_xy)], 1)
        with torch.inference_mode():
            said = model.predict(video, queries_txy, iterations)
        # All networks that are trained here have the head.
        assert said.confidence is not None
        visible = said.visibility.numpy() >= VISIBLE_FROM
        return DenseAnswer(said.xy.numpy(), visible, said.confidence.numpy())

    return follow


def validate(
    model: CoTracker3,
    *,
    clips: int = 8,
    size: tuple[int, int] = (SIZE, SIZE),
    iterations: int = 4,
) -> DenseReport:
    """Measure the bare network on ``clips`` clips per split."""
    model.eval()
    report = DenseReport()
    for split in SPLITS:
        report.add(split, truths(split, clips, size), bare(model, iterations))
    return report
