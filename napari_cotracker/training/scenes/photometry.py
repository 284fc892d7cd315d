"""What light, lens, sensor and storage do to a rendered clip.

Everything works on (T, C, H, W) float32 in 0..1 and leaves geometry alone; only
erasers cover points, and they say where.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from napari_cotracker.training.scenes.paths import series
from napari_cotracker.training.scenes.textures import blurred

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw

# Share of recordings made with good instruments.
CLEAN = 0.3


def developed(draw: Draw, picture: Tensor) -> Tensor:
    """Apply a random selection of all effects, in the order light meets them."""
    if draw.chance(0.2):
        picture = 1 - picture
    picture = _ranged(draw, picture)
    if draw.chance(CLEAN):
        # Steady light and a faint grain: fine accuracy is learned here.
        grain = draw.log_uniform(5e-4, 6e-3) * draw.noise(*picture.shape)
        return (picture + grain).clamp(0, 1)
    if draw.chance(0.3):
        picture = picture * _vignette(draw, picture)
    if draw.chance(0.2):
        picture = picture * _light(draw, picture)
    if draw.chance(0.5):
        picture = _drifting(draw, picture)
    if draw.chance(0.1):
        picture = _boiling(draw, picture)
    if draw.chance(0.3):
        picture = _defocused(draw, picture)
    if draw.chance(0.1):
        picture = _enlarged(draw, picture)
    if draw.chance(0.6):
        picture = _noisy(draw, picture)
    if draw.chance(0.25):
        picture = _compressed(draw, picture)
    return picture.clamp(0, 1)


def _ranged(draw: Draw, picture: Tensor) -> Tensor:
    """Stretch to a random part of the grey scale, at times a narrow one."""
    low, high = picture.amin(), picture.amax()
    span = draw.uniform(0.5, 1.0) if draw.chance(0.8) else draw.log_uniform(0.15, 0.5)
    floor = draw.uniform(0, 1 - span)
    return (picture - low) / (high - low).clamp_min(0.05) * span + floor


def _vignette(draw: Draw, picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    y = torch.linspace(-1, 1, height, device=picture.device)[:, None]
    x = torch.linspace(-1, 1, width, device=picture.device)[None]
    off = (x - draw.uniform(-0.4, 0.4)) ** 2 + (y - draw.uniform(-0.4, 0.4)) ** 2
    return torch.exp(-draw.uniform(0.1, 0.7) * off)


def _light(draw: Draw, picture: Tensor) -> Tensor:
    """Draw a soft light that wanders over the frame, as a gain (T, 1, H, W)."""
    frames, _, height, width = picture.shape
    y = torch.linspace(-1, 1, height, device=picture.device)[:, None]
    x = torch.linspace(-1, 1, width, device=picture.device)[None]
    turns = 4 * (draw.rand(4, 3) - 0.5)
    waves = torch.stack([torch.cos(a * x + b * y + 6 * c) for a, b, c in turns])
    walk = series(draw, frames, 4).float()
    walk = walk / walk.abs().amax(0).clamp_min(1e-6) + draw.randn(1, 4)
    field = torch.einsum("tk,khw->thw", walk, waves)
    return torch.exp(draw.uniform(0.03, 0.12) * field)[:, None]


def _drifting(draw: Draw, picture: Tensor) -> Tensor:
    """Let gain and gamma wander, flicker or bleach over time."""
    frames = len(picture)
    walk = series(draw, frames, 2).float()[:, :, None, None, None]
    walk = walk / walk.abs().amax(0).clamp_min(1e-6)
    gain = torch.exp(draw.uniform(0, 0.35) * walk[:, 0])
    if draw.chance(0.3):
        gain = gain * torch.exp(draw.uniform(0, 0.12) * draw.randn(frames, 1, 1, 1))
    if draw.chance(0.25):
        gain = gain * _exposure_steps(draw, frames)
    if draw.chance(0.25):
        time = torch.linspace(0, 1, frames, device=picture.device)
        gain = gain * torch.exp(-draw.uniform(0.2, 1.2) * time)[:, None, None, None]
    picture = (picture * gain).clamp(0, 1)
    if draw.chance(0.4):
        gamma = torch.exp(draw.uniform(0, 0.4) * walk[:, 1] + draw.uniform(-0.4, 0.4))
        picture = (picture + 1e-3) ** gamma
    return picture


def _exposure_steps(draw: Draw, frames: int) -> Tensor:
    """Draw sudden changes of the exposure time, a gain (T, 1, 1, 1)."""
    time = torch.arange(frames, device=draw.device)[:, None]
    moments = draw.rand(2) * frames
    heights = draw.randn(2) * draw.uniform(0.1, 0.5)
    level = (heights * (time > moments)).sum(1)
    return level.clamp(-0.9, 0.9).exp()[:, None, None, None]


def _boiling(draw: Draw, picture: Tensor) -> Tensor:
    """Multiply by grain that stays in place but changes slowly, as speckle does."""
    frames, _, height, width = picture.shape
    fresh = draw.noise(frames, height, width)
    fresh = blurred(fresh, draw.uniform(0.5, 1.5))
    keep = draw.uniform(0.3, 0.95)
    grain = [fresh[0]]
    for frame in range(1, frames):
        grain.append(keep * grain[-1] + math.sqrt(1 - keep**2) * fresh[frame])
    field = torch.stack(grain)[:, None] / fresh.std()
    return picture * torch.exp(draw.uniform(0.03, 0.25) * field)


def _enlarged(draw: Draw, picture: Tensor) -> Tensor:
    """Show what a camera of fewer pixels saw, enlarged as players do."""
    height, width = picture.shape[-2:]
    small = draw.uniform(0.4, 0.85)
    size = (max(8, round(height * small)), max(8, round(width * small)))
    coarse = F.interpolate(
        picture, size, mode="bilinear", antialias=True, align_corners=False
    )
    return F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)


def _defocused(draw: Draw, picture: Tensor) -> Tensor:
    """Mix with a blurred copy by an amount that changes over time."""
    sigma = draw.uniform(0.5, 2.0)
    height, width = picture.shape[-2:]
    soft = blurred(picture.reshape(-1, height, width), sigma).view_as(picture)
    if draw.chance(0.4):
        return soft
    walk = series(draw, len(picture), 1).float()
    amount = (walk - walk.amin()) / (walk.amax() - walk.amin() + 1e-6)
    return torch.lerp(picture, soft, amount.view(-1, 1, 1, 1))


def _noisy(draw: Draw, picture: Tensor) -> Tensor:
    """Add shot noise (variance proportional to brightness) and read noise."""
    shot, read = draw.log_uniform(1e-5, 3e-3), draw.log_uniform(1e-3, 2e-2)
    noise = draw.noise(*picture.shape)
    if draw.chance(0.3):
        # Lenses, demosaicking and speckle that boils correlate neighbours.
        height, width = picture.shape[-2:]
        sigma = draw.uniform(0.5, 1.2)
        soft = blurred(noise.view(-1, height, width), sigma).view_as(noise)
        noise = soft / soft.std()
    noisy = picture + noise * (shot * picture.clamp_min(0) + read**2).sqrt()
    if draw.chance(0.08):
        fixed = draw.noise(1, 1, *picture.shape[-2:])
        noisy = noisy + draw.log_uniform(0.005, 0.03) * fixed
    return noisy


def _compressed(draw: Draw, picture: Tensor) -> Tensor:
    """Quantise 8 x 8 block cosine coefficients, as JPEG and most codecs do."""
    frames, channels, height, width = picture.shape
    rows, columns = height // 8, width // 8
    order = torch.arange(8, device=picture.device, dtype=torch.float32)
    basis = torch.cos(math.pi / 8 * (order[None] + 0.5) * order[:, None]) / 2
    basis[0] /= math.sqrt(2)
    core = picture[..., : rows * 8, : columns * 8]
    blocks = core.reshape(frames, channels, rows, 8, columns, 8).transpose(3, 4)
    step = draw.log_uniform(0.01, 0.12) * (1 + (order[:, None] + order[None]) / 2)
    coefficients = ((basis @ blocks @ basis.T) / step).round() * step
    decoded = (basis.T @ coefficients @ basis).transpose(3, 4)
    result = picture.clone()
    result[..., : rows * 8, : columns * 8] = decoded.reshape(core.shape)
    return result


def erasers(
    draw: Draw, frames: int, size: tuple[int, int]
) -> list[tuple[int, int, int, int, int, int, float]]:
    """Draw boxes (first frame, end frame, y0, y1, x0, x1, grey) that cover things."""
    boxes = []
    for _ in range(draw.integer(1, 4)):
        height = int(size[0] * draw.log_uniform(0.03, 0.35))
        width = int(size[1] * draw.log_uniform(0.03, 0.35))
        y, x = draw.integer(0, size[0] - 2), draw.integer(0, size[1] - 2)
        first = draw.integer(0, frames - 1)
        end = min(frames, first + draw.integer(1, max(1, frames // 3)))
        y1, x1 = min(size[0], y + height + 1), min(size[1], x + width + 1)
        boxes.append((first, end, y, y1, x, x1, draw.uniform(0, 1)))
    return boxes
