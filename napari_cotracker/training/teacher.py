"""Positions that a network can vouch for on real video, to train itself on.

The teacher tracks as it would for a user, optical flow at its side, at twice the
student's size: forward, and then backward from where it arrived. Only where both ways
agree, and it calls the point visible and itself sure both times, its answer (the mean
of both ways, each trusted more near its own start) becomes a target. The student sees
the clip small, mirrored and through a worse camera.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
import torch.nn.functional as F

from napari_cotracker.tracking import FeatureStore, TrackingOptions, track
from napari_cotracker.training.scenes import SyntheticClip
from napari_cotracker.training.scenes.photometry import developed
from napari_cotracker.training.scenes.points import steepness

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from napari_cotracker.model.interface import ClipTracker
    from napari_cotracker.training.scenes.draw import Draw

ZOOM = 2
# Both ways must agree this closely, in pixels of the student's clip.
AGREE_PX = 1.0
SURE = 0.6
# A point is worth following where it is trusted on this share of the frames.
TRUSTED_SHARE = 0.4
# Still points are easy; this many pixels of motion double a point's chance.
MOVED_PX = 2.0
FEWEST = 8


@torch.no_grad()
def pseudo_truth(
    teacher: ClipTracker, video: Tensor, draw: Draw, candidates: int
) -> SyntheticClip | None:
    """Track points of a large clip there and back and keep what agrees.

    Parameters
    ----------
    teacher : ClipTracker
    video : (T, 3, 2 H, 2 W) float32, 0..255
    draw : Draw
    candidates : int
        Points to try; those that can be trusted are kept.

    Returns
    -------
    SyntheticClip or None
        At (H, W); ``visible`` says where a position may be trained on. None where
        fewer than 8 points can be trusted.
    """
    start_xy = _promising(draw, video, candidates)
    pictures = video.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    features = FeatureStore()  # both ways see the same frames
    xy, sure = _track(teacher, pictures, start_xy, "forward", features)
    xy_back, sure_back = _track(teacher, pictures, xy[-1], "backward", features)
    features.clear()
    gap = torch.linalg.vector_norm(xy - xy_back, dim=-1) / ZOOM
    trusted = sure & sure_back & (gap < AGREE_PX)
    late = torch.linspace(0, 1, len(video), device=video.device)[:, None, None]
    tracks_xy = (torch.lerp(xy, xy_back, late) + 0.5) / ZOOM - 0.5
    good = trusted.float().mean(0) >= TRUSTED_SHARE
    if int(good.sum()) < FEWEST:
        return None
    small = F.avg_pool2d(video, ZOOM)
    return SyntheticClip(small, tracks_xy[:, good], trusted[:, good], "real")


def choose_points(draw: Draw, clip: SyntheticClip, points: int) -> SyntheticClip:
    """Choose points of a clip, rather those that move; few are repeated."""
    moved = (clip.tracks_xy.amax(0) - clip.tracks_xy.amin(0)).norm(dim=-1)
    chosen = draw.sparse(1 + moved / MOVED_PX, points)
    return replace(
        clip, tracks_xy=clip.tracks_xy[:, chosen], visible=clip.visible[:, chosen]
    )


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
    return replace(clip, video=video, tracks_xy=tracks_xy)


def _track(
    teacher: ClipTracker,
    pictures: npt.NDArray[np.uint8],
    xy: Tensor,
    direction: Literal["forward", "backward"],
    features: FeatureStore,
) -> tuple[Tensor, Tensor]:
    """Follow (N, 2) points to the other end; positions and where the teacher is sure.

    Those that were lost before stay where the picture is nearest, never sure.
    """
    n_frames, height, width = pictures.shape[:3]
    inside = _inside(xy, height, width)
    frame = torch.full_like(xy[:, :1], 0 if direction == "forward" else n_frames - 1)
    said = track(
        pictures,
        torch.cat([frame, inside], 1).double().cpu().numpy(),
        teacher,
        TrackingOptions(
            direction=direction, model_resolution=(height, width), moving_region=False
        ),
        features=features,
    )
    sure = said.visible & (said.visibility > SURE) & (said.confidence > SURE)
    sure &= (inside == xy).all(1).cpu().numpy()
    found = torch.from_numpy(np.nan_to_num(said.xy)).to(xy)
    return found, torch.from_numpy(sure).to(xy.device)


def _promising(draw: Draw, video: Tensor, wanted: int) -> Tensor:
    """Draw (n, 2) places of the first frame that have structure or will move."""
    first = video[0] / 255
    change = (video[1:] - video[:1]).abs().mean((0, 1)) / 255
    change = F.avg_pool2d(change[None], 9, 1, 4)[0]
    structure = steepness(first)
    weight = structure / structure.mean().clamp_min(1e-6)
    weight = weight * (0.3 + change / change.mean().clamp_min(1e-6))
    pixel = draw.sparse(weight.flatten() + 1e-9, wanted)
    height, width = video.shape[2:]
    xy = torch.stack([pixel % width, pixel // width], -1).float()
    xy = xy + draw.rand(wanted, 2) - 0.5
    return _inside(xy, height, width)


def _inside(xy: Tensor, height: int, width: int) -> Tensor:
    """Move (N, 2) points to the nearest place in the picture."""
    return xy.clamp_min(0).minimum(xy.new_tensor([width - 1, height - 1]))
