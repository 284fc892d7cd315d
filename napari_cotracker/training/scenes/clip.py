"""One seed in, one clip with exact tracks out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes.draw import Draw
from napari_cotracker.training.scenes.families import build_scene
from napari_cotracker.training.scenes.options import SceneOptions, SyntheticClip
from napari_cotracker.training.scenes.photometry import developed, erasers
from napari_cotracker.training.scenes.points import SEEN_AT_LEAST, follow_points
from napari_cotracker.training.scenes.render import render_layers

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.layers import Scene

DEFAULT_OPTIONS = SceneOptions()
INTERLACED = 0.04


@torch.no_grad()
def render_clip(
    seed: int,
    options: SceneOptions = DEFAULT_OPTIONS,
    device: str | torch.device = "cpu",
) -> SyntheticClip:
    """Render the clip of a seed.

    Parameters
    ----------
    seed : int
        The same seed and options give the same clip on the same kind of device.
        Training uses seeds from 1,000,000 on; smaller ones are for validation.
    options : SceneOptions
    device : str or torch.device
        Where to render and where the result lies.

    Returns
    -------
    SyntheticClip
    """
    draw = Draw(seed, torch.device(device))
    scene = build_scene(draw, options)
    picture, top = render_layers(scene, options.size)
    tracks, visible = follow_points(draw, scene, picture, top, options.points)
    if options.photometry:
        if draw.chance(INTERLACED):
            picture = _interlaced(scene, options)
        picture = developed(draw, picture)
        if draw.chance(0.2):
            picture, visible = _erased(draw, picture, tracks, visible)
    video = (picture.expand(-1, 3, -1, -1) * 255).round().clamp(0, 255)
    return SyntheticClip(video, tracks.float(), visible, scene.family)


def _interlaced(scene: Scene, options: SceneOptions) -> Tensor:
    """Show even rows a quarter of a frame early and odd rows as much late."""
    picture, _ = render_layers(scene, options.size, -0.25)
    late, _ = render_layers(scene, options.size, 0.25)
    picture[..., 1::2, :] = late[..., 1::2, :]
    return picture


def _erased(
    draw: Draw, picture: Tensor, tracks: Tensor, visible: Tensor
) -> tuple[Tensor, Tensor]:
    """Cover boxes; keep points seen that would else be seen on too few frames."""
    size = (picture.shape[2], picture.shape[3])
    picture, hidden = picture.clone(), torch.zeros_like(visible)
    x, y = tracks.unbind(-1)
    for first, end, y0, y1, x0, x1, grey in erasers(draw, len(picture), size):
        span = slice(first, end)
        covered = (x[span] >= x0 - 0.5) & (x[span] < x1 - 0.5)
        covered &= (y[span] >= y0 - 0.5) & (y[span] < y1 - 0.5)
        after = visible & ~hidden
        after[span] &= ~covered
        if int(after.sum(0).min()) < SEEN_AT_LEAST:
            continue
        hidden[span] |= covered
        picture[span, :, y0:y1, x0:x1] = grey
    return picture, visible & ~hidden
