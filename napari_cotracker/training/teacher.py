"""Positions that a network can vouch for on real video, to train itself on.

The teacher sees the clip at twice the student's size and tracks it forward, and then
backward from where it arrived. Only where both ways agree, and it calls the point
visible and itself sure both times, its answer (the mean of both ways, each trusted
more near its own start) becomes a target. The student sees the clip small, mirrored
and through a worse camera.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from napari_cotracker.training.batches import (
    Batch,
    draw_shape,
    query_clip,
    stream_batches,
)
from napari_cotracker.training.options import STAGES
from napari_cotracker.training.scenes import SyntheticClip
from napari_cotracker.training.scenes.draw import Draw
from napari_cotracker.training.scenes.photometry import developed
from napari_cotracker.training.scenes.points import steepness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from napari_cotracker.model.cotracker3 import CoTracker3
    from napari_cotracker.training.options import TrainOptions
    from napari_cotracker.training.unlabelled import Recordings

ZOOM = 2
ITERATIONS = 6
# Both ways must agree this closely, in pixels of the student's clip.
AGREE_PX = 1.0
SURE = 0.6
# A point is worth following where it is trusted on this share of the frames.
TRUSTED_SHARE = 0.4
# Still points are easy; this many pixels of motion double a point's chance.
MOVED_PX = 2.0
FEWEST = 8
CANDIDATES = 3


def taught_batches(
    options: TrainOptions,
    teacher: CoTracker3,
    recordings: Recordings,
    window_len: int,
    first_step: int,
) -> Iterator[Batch]:
    """Alternate generated and real batches, so that nothing learned is lost.

    Visibility and confidence are only trained on generated ones.
    """
    generated = stream_batches(options, window_len, first_step)
    for step, batch in zip(count(first_step), generated, strict=False):
        if step % 2 == 0:
            yield batch
        else:
            yield taught_batch(options, teacher, recordings, window_len, step) or batch


def taught_batch(
    options: TrainOptions,
    teacher: CoTracker3,
    recordings: Recordings,
    window_len: int,
    step: int,
) -> Batch | None:
    """Make the real batch of one step; None where the teacher trusts too little."""
    stage = STAGES[options.stage]
    generator = torch.Generator().manual_seed(options.seed * 7919 + step)
    frames, height, width = draw_shape(stage, generator)
    parts = []
    for _ in range(stage.batch):
        video = recordings.clip(generator, frames, (ZOOM * height, ZOOM * width))
        draw = Draw(
            int(torch.randint(2**31, (), generator=generator)),
            torch.device(options.device),
        )
        clip = pseudo_truth(teacher, video.to(options.device), draw, stage.points)
        if clip is None:
            return None
        clip = for_the_student(draw, clip)
        parts.append(query_clip(clip, stage.points, 0, window_len, generator))
    video, queries_txy, tracks_xy, visible = (
        torch.stack(column) for column in zip(*parts, strict=True)
    )
    return Batch(
        video, queries_txy, tracks_xy, visible, stage.points, position_only=True
    )


@torch.no_grad()
def pseudo_truth(
    teacher: CoTracker3, video: Tensor, draw: Draw, points: int
) -> SyntheticClip | None:
    """Track points of a large clip there and back and keep what agrees.

    Parameters
    ----------
    teacher : CoTracker3
    video : (T, 3, 2 H, 2 W) float32, 0..255
    draw : Draw
    points : int
        N; fewer good ones are repeated.

    Returns
    -------
    SyntheticClip or None
        At (H, W); ``visible`` says where a position may be trained on. None where
        fewer than 8 points can be trusted.
    """
    start_xy = _promising(draw, video, CANDIDATES * points)
    there = _track(teacher, video, start_xy)
    back = _track(teacher, video.flip(0), there[0][-1])
    xy_back, sure_back = back[0].flip(0), back[1].flip(0)
    gap = torch.linalg.vector_norm(there[0] - xy_back, dim=-1) / ZOOM
    trusted = there[1] & sure_back & (gap < AGREE_PX)
    late = torch.linspace(0, 1, len(video), device=video.device)[:, None, None]
    tracks_xy = (torch.lerp(there[0], xy_back, late) + 0.5) / ZOOM - 0.5
    good = trusted.float().mean(0) >= TRUSTED_SHARE
    if int(good.sum()) < FEWEST:
        return None
    tracks_xy, trusted = tracks_xy[:, good], trusted[:, good]
    moved = (tracks_xy.amax(0) - tracks_xy.amin(0)).norm(dim=-1)
    chosen = draw.sparse(1 + moved / MOVED_PX, points)
    small = F.avg_pool2d(video, ZOOM)
    return SyntheticClip(small, tracks_xy[:, chosen], trusted[:, chosen], "real")


def for_the_student(draw: Draw, clip: SyntheticClip) -> SyntheticClip:
    """Mirror a clip at random and film it with a worse camera."""
    video, tracks_xy = clip.video, clip.tracks_xy.clone()
    for axis in range(2):
        if draw.chance(0.5):
            last = video.shape[3 - axis] - 1
            video = video.flip(3 - axis)
            tracks_xy[..., axis] = last - tracks_xy[..., axis]
    if draw.chance(0.7):
        video = 255 * developed(draw, video / 255)
    video = video.round().clamp(0, 255)
    return SyntheticClip(video, tracks_xy, clip.visible, clip.family)


def _track(
    teacher: CoTracker3, video: Tensor, start_xy: Tensor
) -> tuple[Tensor, Tensor]:
    """Follow (N, 2) points of the first frame; returns positions and where sure."""
    queries_txy = torch.cat([torch.zeros_like(start_xy[:, :1]), start_xy], 1)
    said = teacher.predict(video, queries_txy, ITERATIONS)
    sure = said.visibility > SURE
    if said.confidence is not None:
        sure = sure & (said.confidence > SURE)
    return said.xy.float(), sure


def _promising(draw: Draw, video: Tensor, wanted: int) -> Tensor:
    """Draw (n, 2) places of the first frame that have structure or will move."""
    first = video[0] / 255
    change = (video[1:] - video[:1]).abs().mean((0, 1)) / 255
    change = F.avg_pool2d(change[None], 9, 1, 4)[0]
    structure = steepness(first)
    weight = structure / structure.mean().clamp_min(1e-6)
    weight = weight * (0.3 + change / change.mean().clamp_min(1e-6))
    pixel = draw.sparse(weight.flatten() + 1e-9, wanted)
    width = video.shape[3]
    xy = torch.stack([pixel % width, pixel // width], -1).float()
    return xy + draw.rand(wanted, 2) - 0.5
