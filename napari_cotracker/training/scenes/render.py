"""Pixels and visibility, both from the material coordinates of motion.py."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_cotracker.training.scenes.layers import Layer, Scene
    from napari_cotracker.training.scenes.motion import Box, Warp

# A layer hides what lies behind it where its alpha is above this.
OPAQUE = 0.5
# A blur shorter than this many pixels is left out; a long one is sampled this often.
SHARP = 0.8
MOST_MOMENTS = 9
# What one more drawing call costs, in pixels drawn.
CALL_COST = 6000


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
        Fraction of a frame interval to render later (for interlaced fields).

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
        moments = _moments(layer, scene.exposure, delay)
        runs = _runs(moments, layer, size) if index else [(0, frames, _whole(size))]
        for first, end, box in runs:
            span = slice(first, end)
            colour, alpha, opaque = _exposed(
                layer, moments, span, box, "zeros" if index else "reflection"
            )
            (y0, y1), (x0, x1) = box
            view = picture[:, span, y0:y1, x0:x1]
            view.mul_(1 - alpha).add_(colour)
            top[span, y0:y1, x0:x1].masked_fill_(opaque, index)
    return picture.transpose(0, 1), top


def _whole(size: tuple[int, int]) -> Box:
    return (0, size[0]), (0, size[1])


def _moments(layer: Layer, exposure: float, delay: float) -> list[Warp]:
    """Return the moments to average, an odd number that grows with the motion."""
    step = 0.0
    if exposure:
        corners = layer.warp.corners(layer.half_xy)
        step = exposure * float(corners.diff(dim=0).norm(dim=-1).max())
    side = 0 if step < SHARP else min(MOST_MOMENTS, 2 * math.ceil(step / 5) + 1) // 2
    delays = [delay + exposure * k / (2 * side + 1) for k in range(-side, side + 1)]
    return [layer.warp.shifted(late) if late else layer.warp for late in delays]


def _runs(
    moments: list[Warp], layer: Layer, size: tuple[int, int]
) -> list[tuple[int, int, Box]]:
    """Cut time where one box round all frames would be mostly empty.

    Returns first frame, end frame and box of every part in which something shows.
    """
    outer = moments if len(moments) < 3 else [moments[0], moments[-1]]
    corners = torch.cat([warp.corners(layer.half_xy) for warp in outer], 1)
    limit = corners.new_tensor([size[1], size[0]])
    low = corners.amin(1).floor().clamp_min(0).minimum(limit)
    high = (corners.amax(1).ceil() + 1).clamp_min(0).minimum(limit)
    found: list[tuple[int, int, tuple[int, int, int, int]]] = []
    for frame, box in enumerate(torch.cat([low, high], 1).long().tolist()):
        if _area(box) == 0:
            continue
        if found and found[-1][1] == frame:
            first, _, last = found[-1]
            both = (*map(min, last[:2], box[:2]), *map(max, last[2:], box[2:]))
            apart = _area(last) * (frame - first) + _area(box)
            if _area(both) * (frame - first + 1) <= apart + CALL_COST:
                found[-1] = (first, frame + 1, both)
                continue
        found.append((frame, frame + 1, tuple(box)))
    return [(a, b, ((y0, y1), (x0, x1))) for a, b, (x0, y0, x1, y1) in found]


def _area(box: Sequence[int]) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def _exposed(
    layer: Layer, moments: list[Warp], span: slice, box: Box, padding: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Average a layer over the moments of an exposure.

    Returns colour times alpha (C, T, h, w), alpha (T, h, w), and where the surface
    is opaque at the frame's moment.
    """
    colours, alphas = [], []
    for warp in moments:
        sample = _sampled(layer, warp.at(span), box, padding)
        alpha = sample[-1]
        colours.append(_looks(layer, sample[:-1], span).mul_(alpha))
        alphas.append(alpha)
    opaque = alphas[len(alphas) // 2] > OPAQUE
    if len(moments) == 1:
        return colours[0], alphas[0], opaque
    return torch.stack(colours).mean(0), torch.stack(alphas).mean(0), opaque


def _looks(layer: Layer, colour: Tensor, span: slice) -> Tensor:
    """Mix the two looks of a layer that changes, (C, T, h, w)."""
    if layer.fade is None:
        return colour
    first, second = colour.chunk(2)
    weight = layer.fade[span, :, None, None]  # (T, 2, 1, 1)
    mixed = (first - 0.5) * weight[:, 0] + (second - 0.5) * weight[:, 1]
    return (mixed + 0.5).clamp(0, 1)


def _sampled(layer: Layer, warp: Warp, box: Box, padding: str) -> Tensor:
    """Sample a layer's looks and alpha at the pixels of a box, (..., T, h, w).

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
