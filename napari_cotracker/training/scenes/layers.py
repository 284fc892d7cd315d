"""A layer, a scene, and the canvas resolution they are painted at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from napari_cotracker.training.scenes.textures import blurred

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.motion import Warp

# Texture pixels per frame pixel: bilinear sampling of a band-limited canvas.
DENSITY = 1.25


@dataclass(frozen=True, eq=False)
class Layer:
    """One textured surface.

    Parameters
    ----------
    canvas : (C + 1, Hc, Wc) float32
        Colour (C is 1 or 3) in 0..1, then alpha in 0..1.
    warp : Warp
    followed : bool
        Whether points may be placed on it (not on a mask that frames the picture).
    """

    canvas: Tensor
    warp: Warp
    followed: bool = True

    @property
    def half_xy(self) -> Tensor:
        """Half the canvas in material units (frame pixels), (2,) float64."""
        height, width = self.canvas.shape[1:]
        size = torch.tensor([width - 1, height - 1], dtype=torch.float64)
        return (size / 2 / DENSITY).to(self.canvas.device)

    def at(self, frames: Tensor) -> Layer:
        """Return the layer at the given frame indices only."""
        return replace(self, warp=self.warp.at(frames))

    def antialiased(self) -> Layer:
        """Blur the canvas as far as the frame's pixels will shrink it."""
        step = DENSITY / self.warp.smallest_scale()
        sigma = 0.5 * max(0.0, step**2 - DENSITY**2) ** 0.5
        return replace(self, canvas=blurred(self.canvas, sigma))


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers from back (the background) to front, and what they are made of."""

    layers: tuple[Layer, ...]
    family: str
    channels: int
