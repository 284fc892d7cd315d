"""Surfaces of natural scenes, and the helpers every pattern is made with.

A pattern is (H, W) or (3, H, W) float32 in 0..1. ``density`` is the number of
texture pixels per frame pixel; feature sizes are given in frame pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw


def frequencies(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return (H, 1) and (1, W // 2 + 1) spatial frequencies in cycles per pixel."""
    fy = torch.fft.fftfreq(height, device=device)[:, None]
    fx = torch.fft.rfftfreq(width, device=device)[None]
    return fy, fx


def filtered(field: Tensor, transfer: Tensor) -> Tensor:
    """Filter ``field`` (..., H, W) with a transfer function, periodically."""
    spectrum = torch.fft.rfft2(field) * transfer
    result: Tensor = torch.fft.irfft2(spectrum, s=field.shape[-2:])
    return result


def gaussian(height: int, width: int, sigma: float, device: torch.device) -> Tensor:
    """Return the transfer function of a Gaussian of ``sigma`` texture pixels."""
    fy, fx = frequencies(height, width, device)
    transfer: Tensor = torch.exp(-2 * (math.pi * sigma) ** 2 * (fy**2 + fx**2))
    return transfer


def spread(field: Tensor) -> Tensor:
    """Map mean +- 2.5 standard deviations of ``field`` to 0..1, clipped."""
    centred = field - field.mean()
    return (centred / (5 * field.std() + 1e-6) + 0.5).clamp(0, 1)


def smooth_noise(draw: Draw, height: int, width: int, sigma: float) -> Tensor:
    """Draw normalised (H, W) noise blurred by ``sigma`` texture pixels."""
    blurred = filtered(
        draw.noise(height, width), gaussian(height, width, sigma, draw.device)
    )
    return blurred / (blurred.std() + 1e-6)


def power_noise(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw 1/f^beta noise, the spectrum of natural scenes."""
    fy, fx = frequencies(height, width, draw.device)
    radius = (fy**2 + fx**2).sqrt().clamp_min(1 / max(height, width))
    band = torch.exp(-((radius * 2.2 / density) ** 2) * density**2)
    transfer = radius ** -draw.uniform(0.6, 2.6) * band
    channels = 3 if draw.chance(0.4) else 1
    field = filtered(draw.noise(channels, height, width), transfer)
    if channels == 3:
        shared = draw.uniform(0.3, 0.9)
        field = (1 - shared) * field + shared * field[:1]
    return spread(field) if channels == 3 else spread(field)[0]


def dead_leaves(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Cover the plane with overlapping discs of a power-law size distribution."""
    count = draw.integer(60, 220)
    smallest = 2.0 * density
    largest = draw.uniform(0.1, 0.35) * max(height, width)
    exponent = draw.uniform(1.2, 2.5)
    sizes = (smallest * draw.rand(count) ** (-1 / exponent)).clamp_max(largest)
    # Large first, so that the small ones stay visible and no hole is left.
    radii = sizes.sort(descending=True).values.tolist()
    places = draw.rand(count, 2) * torch.tensor([width, height], device=draw.device)
    values = (0.15 + 0.85 * draw.rand(count)).tolist()
    image = torch.full((height, width), values[0], device=draw.device)
    ys = torch.arange(height, device=draw.device)[:, None]
    xs = torch.arange(width, device=draw.device)[None]
    for radius, (cx, cy), value in zip(radii, places.tolist(), values, strict=True):
        y0, y1 = max(0, int(cy - radius)), min(height, int(cy + radius) + 2)
        x0, x1 = max(0, int(cx - radius)), min(width, int(cx + radius) + 2)
        inside = (xs[:, x0:x1] - cx) ** 2 + (ys[y0:y1] - cy) ** 2 < radius**2
        image[y0:y1, x0:x1].masked_fill_(inside, value)
    if draw.chance(0.5):
        grain = smooth_noise(draw, height, width, 0.7 * density)
        image = image + draw.uniform(0.01, 0.08) * grain
    return image.clamp(0, 1)


def mosaic(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Divide the plane into cells round random seeds, with or without walls."""
    count = draw.integer(10, 90)
    extent = torch.tensor([width, height], device=draw.device, dtype=torch.float32)
    seeds = draw.rand(count, 2) * extent
    wobble = 3 * density * draw.uniform(0, 1.5)
    ys, xs = torch.meshgrid(
        torch.arange(height, device=draw.device, dtype=torch.float32),
        torch.arange(width, device=draw.device, dtype=torch.float32),
        indexing="ij",
    )
    xs = xs + wobble * smooth_noise(draw, height, width, 6 * density)
    ys = ys + wobble * smooth_noise(draw, height, width, 6 * density)
    places = torch.stack([xs.flatten(), ys.flatten()], -1)
    near = torch.cdist(places, seeds).topk(2, largest=False)
    value = draw.rand(count)[near.indices[:, 0]].view(height, width)
    gap = (near.values[:, 1] - near.values[:, 0]).view(height, width)
    wall = torch.exp(-((gap / (density * draw.uniform(1.0, 4.0))) ** 2))
    if draw.chance(0.5):
        return (value * (1 - wall) + draw.choice((0.0, 1.0)) * wall).clamp(0, 1)
    return (0.15 * value + 0.8 * wall).clamp(0, 1)


def plain(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw an almost empty surface: soft shading and, at times, faint grain."""
    shade = smooth_noise(draw, height, width, 30 * density)
    image = 0.5 + draw.uniform(0.0, 0.1) * shade
    if draw.chance(0.5):
        grain = smooth_noise(draw, height, width, draw.uniform(0.6, 2) * density)
        image = image + draw.log_uniform(0.003, 0.04) * grain
    return image.clamp(0, 1)


def creased(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Draw smooth skin or tissue with a few folds and pores."""
    shade = spread(smooth_noise(draw, height, width, 14 * density))
    field = smooth_noise(draw, height, width, draw.uniform(8, 16) * density)
    fold = torch.exp(-((field / draw.uniform(0.08, 0.3)) ** 2))
    pores = smooth_noise(draw, height, width, draw.uniform(0.7, 1.5) * density)
    sign = draw.choice((-1, 1))
    image = 0.25 + 0.5 * shade + sign * draw.uniform(0.1, 0.4) * fold
    return (image + draw.uniform(0, 0.05) * pores).clamp(0, 1)


def blurred(canvas: Tensor, sigma: float) -> Tensor:
    """Blur (C, H, W) by ``sigma`` pixels with replicated borders."""
    if sigma < 0.2:
        return canvas
    reach = max(1, math.ceil(2.5 * sigma))
    kernel = [math.exp(-(k**2) / (2 * sigma**2)) for k in range(-reach, reach + 1)]
    taps = [value / sum(kernel) for value in kernel]
    height, width = canvas.shape[1:]
    padded = F.pad(canvas[:, None], (reach,) * 4, mode="replicate")[:, 0]
    # Shifted sums: twenty times as fast as conv2d with one channel on a CPU.
    rows = padded[..., :width] * taps[0]
    for shift, tap in enumerate(taps[1:], start=1):
        rows.add_(padded[..., shift : shift + width], alpha=tap)
    result: Tensor = rows[:, :height] * taps[0]
    for shift, tap in enumerate(taps[1:], start=1):
        result.add_(rows[:, shift : shift + height], alpha=tap)
    return result
