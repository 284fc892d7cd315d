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
    canvas : (C + 1, Hc, Wc) or (2 C + 1, Hc, Wc) float32
        One or two looks (C is 1 or 3) in 0..1, then alpha in 0..1.
    warp : Warp
    followed : bool
        Whether points may be placed on it (not on a mask that frames the picture).
    fade : (T, 2) float32 or None
        How much of either look shows, round mid-grey; needed where there are two.
    """

    canvas: Tensor
    warp: Warp
    followed: bool = True
    fade: Tensor | None = None

    @property
    def half_xy(self) -> Tensor:
        """Half the canvas in material units (frame pixels), (2,) float64."""
        height, width = self.canvas.shape[1:]
        device = self.canvas.device
        size = torch.tensor([width - 1, height - 1], dtype=torch.float64, device=device)
        return size / 2 / DENSITY

    def at(self, frames: Tensor) -> Layer:
        """Return the layer at the given frame indices only."""
        fade = None if self.fade is None else self.fade[frames]
        return replace(self, warp=self.warp.at(frames), fade=fade)

    def antialiased(self) -> Layer:
        """Blur the canvas as far as the frame's pixels will shrink it."""
        step = DENSITY / self.warp.smallest_scale()
        sigma = 0.5 * max(0.0, step**2 - DENSITY**2) ** 0.5
        return replace(self, canvas=blurred(self.canvas, sigma))


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers from back (the background) to front, and what they are made of.

    ``exposure`` is the part of a frame interval during which the shutter is open,
    centred on the frame's moment; 0 is a flash.
    """

    layers: tuple[Layer, ...]
    family: str
    channels: int
    exposure: float = 0.0
