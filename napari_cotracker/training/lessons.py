"""Batches of real recordings, answered for by a teacher and kept for further use."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import torch

from napari_cotracker.files import replacing
from napari_cotracker.training.batches import (
    Batch,
    integer_below,
    query_clip,
    stream_batches,
)
from napari_cotracker.training.options import STAGES
from napari_cotracker.training.scenes import SyntheticClip
from napari_cotracker.training.scenes.draw import Draw
from napari_cotracker.training.teacher import (
    ZOOM,
    choose_points,
    for_the_student,
    pseudo_truth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_cotracker.model.interface import ClipTracker
    from napari_cotracker.training.options import TrainOptions
    from napari_cotracker.training.unlabelled import Recordings

# The teacher takes longer over a clip than the student; each is seen several times,
# mirrored and filmed anew.
LESSONS = 180
ATTEMPTS = 3
CANDIDATES = 3


@dataclass(frozen=True)
class Lessons:
    """Clips of recordings with what the teacher says of them, kept in a folder.

    Each follows from its number, so that it does not matter who made it, or when.
    """

    options: TrainOptions
    teacher: ClipTracker
    recordings: Recordings
    folder: Path

    def __getitem__(self, number: int) -> SyntheticClip | None:
        """Return a clip; None where the teacher trusts too little."""
        path = self.folder / f"{number}.pt"
        if not path.is_file():
            self._make(number, path)
        known = torch.load(path, self.options.device, weights_only=True)
        if not known:
            return None
        return SyntheticClip(**known | {"video": known["video"].float()}, family="real")

    def _make(self, number: int, path: Path) -> None:
        stage = STAGES[self.options.stage]
        frames, height, width = stage.shapes[number % len(stage.shapes)]
        generator = torch.Generator().manual_seed(self.options.seed * 7919 + number)
        device = torch.device(self.options.device)
        known = {}
        for _ in range(ATTEMPTS):
            size = (ZOOM * height, ZOOM * width)
            video = self.recordings.clip(generator, frames, size).to(device)
            draw = Draw(integer_below(2**31, generator), device)
            clip = pseudo_truth(self.teacher, video, draw, CANDIDATES * stage.points)
            if clip is not None:
                known = {
                    "video": clip.video.round().to(torch.uint8).cpu(),
                    "tracks_xy": clip.tracks_xy.cpu(),
                    "visible": clip.visible.cpu(),
                }
                break
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path, overwrite=True) as part:
            torch.save(known, part)


def taught_batches(
    lessons: Lessons, window_len: int, first: int, stride: int = 1
) -> Iterator[Batch]:
    """Alternate generated and real batches, so that nothing learned is lost.

    Visibility and confidence are only trained on generated ones.
    """
    generated = stream_batches(lessons.options, window_len, first, stride)
    for index, batch in zip(count(first, stride), generated, strict=False):
        if index % 2 == 0:
            yield batch
        else:
            yield taught_batch(lessons, window_len, index) or batch


def taught_batch(lessons: Lessons, window_len: int, step: int) -> Batch | None:
    """Make the real batch of one step; None where the teacher trusts too little."""
    options = lessons.options
    stage = STAGES[options.stage]
    generator = torch.Generator().manual_seed(options.seed * 7919 + step)
    n_shapes = len(stage.shapes)
    shape = integer_below(n_shapes, generator)
    parts = []
    for _ in range(stage.batch):
        round_ = integer_below(-(-LESSONS // n_shapes), generator)
        clip = lessons[round_ * n_shapes + shape]
        if clip is None:
            return None
        seed = integer_below(2**31, generator)
        draw = Draw(seed, torch.device(options.device))
        clip = for_the_student(draw, choose_points(draw, clip, stage.points))
        parts.append(query_clip(clip, stage.points, 0, window_len, generator))
    return Batch.of(parts, stage.points, position_only=True)
