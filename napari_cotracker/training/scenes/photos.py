"""Free photos inside the scikit-image wheel, heavily cropped and bent.

Only files that ship in the wheel are read (nothing is downloaded), and only those
that scikit-image documents as CC0 or dedicated to the public domain: astronaut and
hubble_deep_field (NASA), rocket (SpaceX), camera (L. Varshney), chelsea (S. van der
Walt), coffee (R. Michetti), brick and gravel and grass (CC0Textures), cell, retina.
Photos for validation were never trained on: clock_motion (S. van der Walt, public
domain), coins, ihc and moon (no known copyright restrictions).
"""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from napari_cotracker.training.scenes.textures import smooth_noise

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw

TRAINING = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "coffee.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "retina.jpg",
    "rocket.jpg",
)
HELD_OUT = ("clock_motion.png", "coins.png", "ihc.png", "moon.png")


@cache
def photos(
    device: torch.device, names: tuple[str, ...] = TRAINING
) -> tuple[Tensor, ...]:
    """Return the photos (3, H, W) float32 in 0..1; none without scikit-image."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        return ()
    folder = Path(spec.origin).parent / "data"
    paths = [folder / name for name in names if (folder / name).is_file()]
    return tuple(_read(path).to(device) for path in paths)


def _read(path: Path) -> Tensor:
    from skimage.io import imread

    pixels = torch.from_numpy(imread(path)).float()
    pixels = pixels / (65535 if pixels.max() > 255 else 255)
    if pixels.ndim == 2:
        pixels = pixels[..., None].expand(-1, -1, 3)
    image = pixels[..., :3].permute(2, 0, 1).contiguous()
    # Large ones shrink to about 512 px so that a crop shows structure.
    return F.interpolate(
        image[None], scale_factor=min(1.0, 512 / max(image.shape)), mode="area"
    )[0]


def photo_crop(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Cut a (3, H, W) surface out of a photo for training."""
    return _cut(draw, draw.choice(photos(draw.device)), height, width, density)


def held_out_crop(draw: Draw, height: int, width: int, density: float) -> Tensor:
    """Cut a (3, H, W) surface out of a photo that no network was trained on."""
    image = draw.choice(photos(draw.device, HELD_OUT))
    return _cut(draw, image, height, width, density)


def _cut(draw: Draw, image: Tensor, height: int, width: int, density: float) -> Tensor:
    """Cut, turn, stretch, bend and recolour part of a photo."""
    rows, columns = image.shape[1:]
    # Photo pixels per texture pixel; at most 1.3 so that nothing aliases.
    zoom = min(draw.log_uniform(0.35, 1.3), 0.9 * min(rows / height, columns / width))
    turn, aspect = draw.uniform(-math.pi, math.pi), draw.uniform(0.75, 1.33)
    cosine, sine = zoom * math.cos(turn), zoom * math.sin(turn)
    rows_of = [[cosine * aspect, -sine], [sine * aspect, cosine]]
    stretch = torch.tensor(rows_of, device=draw.device)
    line_x = torch.arange(width, device=draw.device) - width / 2
    line_y = torch.arange(height, device=draw.device) - height / 2
    y, x = torch.meshgrid(line_y, line_x, indexing="ij")
    places = torch.stack([x, y], -1)
    bend = draw.uniform(0, 5) * density
    for axis in range(2):
        places[..., axis] += bend * smooth_noise(draw, height, width, 14 * density)
    extent = torch.tensor([columns, rows], device=draw.device)
    middle = (0.25 + 0.5 * draw.rand(2)) * extent
    grid = 2 * (places @ stretch.T + middle) / extent - 1
    crop = F.grid_sample(
        image[None], grid[None], padding_mode="reflection", align_corners=False
    )[0]
    return _recoloured(draw, crop)


def _recoloured(draw: Draw, crop: Tensor) -> Tensor:
    shuffled = crop[draw.rand(3).argsort()]
    low, high = crop.amin(), crop.amax()
    stretched = (shuffled - low) / (high - low).clamp_min(0.2)
    return 1 - stretched if draw.chance(0.2) else stretched
