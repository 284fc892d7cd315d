"""Pixels and visibility, both from the material coordinates of motion.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.layers import Layer, Scene
    from napari_cotracker.training.scenes.motion import Box, Warp

# A layer hides what lies behind it where its alpha is above this.
OPAQUE = 0.5


def render_layers(
    scene: Scene, size: tuple[int, int], delay: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Render a scene without any photometry.

    Parameters
    ----------
    scene : Scene
    size : (H, W)
        Frame in pixels.
    delay : float
        Fraction of a frame interval to render later (for motion blur).

    Returns
    -------
    picture : (T, C, H, W) float32 in 0..1
    top : (T, H, W) uint8
        Index of the top-most opaque layer at each pixel centre.
    """
    frames = len(scene.layers[0].warp.matrix)
    shape = (scene.channels, frames, *size)
    device = scene.layers[0].canvas.device
    picture = torch.zeros(shape, device=device)
    top = torch.zeros(shape[1:], dtype=torch.uint8, device=device)
    for index, layer in enumerate(scene.layers):
        warp = layer.warp.shifted(delay) if delay else layer.warp
        box = (0, size[0]), (0, size[1])
        if index > 0:
            box = warp.box_of(layer.half_xy, size)
        (y0, y1), (x0, x1) = box
        if y0 >= y1 or x0 >= x1:
            continue
        sample = _sampled(layer, warp, box, "zeros" if index else "reflection")
        colour, alpha = sample[:-1], sample[-1]
        view = picture[..., y0:y1, x0:x1]
        view.lerp_(colour, alpha.expand_as(colour))
        covered = alpha > OPAQUE
        top[:, y0:y1, x0:x1].masked_fill_(covered, index)
    return picture.transpose(0, 1), top


def _sampled(layer: Layer, warp: Warp, box: Box, padding: str) -> Tensor:
    """Sample a layer's colour and alpha at the pixels of a box, (C + 1, T, h, w).

    The background goes on as its mirror image ("reflection") beyond its canvas.
    """
    grid = warp.pixel_grid(box, 1 / layer.half_xy)
    frames, height, width = grid.shape[:3]
    # One tall image instead of T samples: the canvas is shared by all frames.
    return F.grid_sample(
        layer.canvas[None],
        grid.view(1, frames * height, width, 2),
        padding_mode=padding,
        align_corners=True,
    )[0].view(-1, frames, height, width)


def top_layer_at(layers: tuple[Layer, ...], tracks_xy: Tensor) -> Tensor:
    """Return the index of the top-most opaque layer at (T, N, 2) places, (T, N)."""
    top = torch.zeros(tracks_xy.shape[:2], dtype=torch.long, device=tracks_xy.device)
    for index, layer in enumerate(layers[1:], start=1):
        material = layer.warp.material_at(tracks_xy)
        grid = (material / layer.half_xy).float()
        alpha = F.grid_sample(layer.canvas[None, -1:], grid[None], align_corners=True)[
            0, 0
        ]
        top = top.masked_fill(alpha > OPAQUE, index)
    return top


def inside(tracks_xy: Tensor, size: tuple[int, int]) -> Tensor:
    """Return whether (..., 2) places lie on the pixel area of the frame."""
    x, y = tracks_xy.unbind(-1)
    return (x >= -0.5) & (y >= -0.5) & (x < size[1] - 0.5) & (y < size[0] - 0.5)
