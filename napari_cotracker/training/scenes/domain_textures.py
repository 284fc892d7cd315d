"""Surfaces of microscopes, ultrasound and animals; same contract as textures.py."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from napari_cotracker.training.scenes.textures import (
    filtered,
    frequencies,
    gaussian,
    smooth_noise,
    spread,
)

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw


def _scattered(draw: Draw, height: int, width: int, count: int) -> Tensor:
    """Draw (H, W) zeros with ``count`` impulses of random strength."""
    image = torch.zeros(height * width, device=draw.device)
    places = (draw.rand(count) * height * width).long().clamp_max(height * width - 1)
    image[places] = 0.3 + 0.7 * draw.rand(count)
    return image.view(height, width)


def beads(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Scatter round spots over a weakly shaded ground."""
    per_area = draw.log_uniform(0.0015, 0.02) / density**2
    count = max(3, int(per_area * height * width))
    sigma = density * draw.uniform(0.8, 2.6)
    spots = filtered(
        _scattered(draw, height, width, count),
        gaussian(height, width, sigma, draw.device) * (2 * math.pi * sigma**2),
    )
    ground = draw.uniform(0, 0.08) * smooth_noise(draw, height, width, 12 * density)
    image = 0.15 + ground + draw.uniform(0.4, 0.8) * spots
    return image.clamp(0, 1)


def cells(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw blobs with soft bodies, grainy insides and sometimes bright rims."""
    sigma = density * draw.uniform(2.5, 7)
    field = smooth_noise(draw, height, width, sigma) - draw.uniform(-0.2, 0.8)
    body = torch.sigmoid(field * draw.uniform(3, 10))
    grain = smooth_noise(draw, height, width, density * draw.uniform(0.7, 1.6))
    image = 0.15 + 0.5 * body + draw.uniform(0.02, 0.12) * grain * (0.2 + body)
    if draw.chance(0.5):
        image = image + 0.35 * torch.exp(-((field * 5) ** 2))
    return image.clamp(0, 1)


def nuclei(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw well separated round bodies of one size with textured insides."""
    pitch = density * draw.uniform(9, 22)
    rows, columns = max(2, round(height / pitch)), max(2, round(width / pitch))
    jitter = 0.6 * (draw.rand(rows, columns, 2) - 0.5)
    line_y = (torch.arange(height, device=draw.device) + 0.5) / height * rows
    line_x = (torch.arange(width, device=draw.device) + 0.5) / width * columns
    row, column = (
        line_y.long().clamp_max(rows - 1),
        line_x.long().clamp_max(columns - 1),
    )
    centre = jitter[row][:, column]  # (H, W, 2)
    off_y = (line_y - row - 0.5)[:, None] - centre[..., 0] * 0.5
    off_x = (line_x - column - 0.5)[None] - centre[..., 1] * 0.5
    radius = (0.18 + 0.14 * draw.rand(rows, columns))[row][:, column]
    slim = (0.8 + 0.4 * draw.rand(rows, columns))[row][:, column]
    bright = (draw.rand(rows, columns) ** 1.5 + 0.15)[row][:, column]
    inside = (radius - torch.hypot(off_y * slim, off_x / slim)) * pitch / density
    body = torch.sigmoid(inside * draw.uniform(1.5, 4))
    grain = smooth_noise(draw, height, width, density * draw.uniform(0.8, 2))
    haze = 0.03 * smooth_noise(draw, height, width, 10 * density)
    image = 0.1 + haze + body * bright * (0.7 + draw.uniform(0.02, 0.2) * grain)
    return bent(draw, image.clamp(0, 1), 2 * density, 8 * density)


def few_spots(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Leave the ground almost uniform but for a handful of marks."""
    sigma = density * draw.uniform(0.9, 2.5)
    count = max(2, int(height * width / density**2 / draw.uniform(600, 2500)))
    spots = filtered(
        _scattered(draw, height, width, count),
        gaussian(height, width, sigma, draw.device) * (2 * math.pi * sigma**2),
    )
    shade = 0.05 * smooth_noise(draw, height, width, 25 * density)
    grain = 0.01 * smooth_noise(draw, height, width, density)
    sign = draw.choice((-1, 1))
    return (0.5 + shade + grain + sign * 0.4 * spots).clamp(0, 1)


def speckle(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw fully developed ultrasound speckle under a smooth tissue envelope."""
    return speckles(draw, height, width, density, looks=1)[0]


def speckles(draw: Draw, height: int, width: int, density: float, looks: int) -> Tensor:
    """Draw one tissue under several independent speckle patterns, (looks, H, W)."""
    fy, fx = frequencies(height, width, draw.device)
    axial, lateral = density * draw.uniform(0.8, 1.6), density * draw.uniform(1, 3)
    transfer = torch.exp(-2 * math.pi**2 * ((axial * fy) ** 2 + (lateral * fx) ** 2))
    real, imaginary = filtered(draw.noise(2, looks, height, width), transfer)
    amplitude = (real**2 + imaginary**2).sqrt()
    amplitude = amplitude / (amplitude.mean() + 1e-6)
    tissue = smooth_noise(draw, height, width, density * draw.uniform(6, 20))
    tissue = torch.exp(draw.uniform(0.1, 0.9) * tissue)
    bright = amplitude * tissue
    if draw.chance(0.6):
        bright = 1.5 + 0.73 * torch.log(bright + 0.05)
    images: Tensor = (0.3 * bright).clamp(0, 1)
    return images


def fur(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw hair: noise smeared along one direction, then bent and shaded."""
    fy, fx = frequencies(height, width, draw.device)
    angle = draw.uniform(0, math.pi)
    along = fx * math.cos(angle) + fy * math.sin(angle)
    across = fy * math.cos(angle) - fx * math.sin(angle)
    length, thick = density * draw.uniform(3, 9), density * draw.uniform(0.6, 1.2)
    smear = torch.exp(-2 * math.pi**2 * ((length * along) ** 2 + (thick * across) ** 2))
    hair = filtered(draw.noise(height, width), smear)
    bend = draw.uniform(0, 8) * density
    hair = bent(draw, spread(hair), bend, 20 * density)
    patches = smooth_noise(draw, height, width, density * draw.uniform(8, 20))
    coat = torch.sigmoid(patches * draw.uniform(1, 6))
    return (0.15 + draw.uniform(0.2, 0.6) * hair + 0.35 * coat).clamp(0, 1)


def filaments(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw a net of thin lines: zero crossings of smooth noise at two scales."""
    image = torch.full((height, width), 0.12, device=draw.device)
    for _ in range(draw.integer(1, 3)):
        sigma = density * draw.uniform(3, 10)
        field = smooth_noise(draw, height, width, sigma)
        # Level lines of noise are about width * sigma pixels thick.
        thick = density * draw.uniform(0.8, 1.6) / sigma
        strength = 0.6 + 0.4 * torch.tanh(smooth_noise(draw, height, width, 3 * sigma))
        line = torch.exp(-((field / thick) ** 2)) * strength
        image = torch.maximum(image, 0.12 + draw.uniform(0.3, 0.8) * line)
    return image.clamp(0, 1)


def bent(draw: Draw, image: Tensor, amount: float, sigma: float) -> Tensor:
    """Displace (H, W) by a smooth field of ``amount`` texture pixels."""
    height, width = image.shape
    scale = torch.tensor([2 / width, 2 / height], device=image.device)
    shift = torch.stack(
        [smooth_noise(draw, height, width, sigma) for _ in range(2)], -1
    )
    still = torch.eye(2, 3, device=image.device)[None]
    grid = F.affine_grid(still, [1, 1, height, width], align_corners=False)
    return F.grid_sample(
        image[None, None],
        grid + amount * shift * scale,
        padding_mode="reflection",
        align_corners=False,
    )[0, 0]
