"""What a scene may contain, and what a rendered clip holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

FAMILIES = ("motion", "occlusion", "texture", "microscopy", "articulated")


@dataclass(frozen=True)
class SceneOptions:
    """Choose the size and the difficulty of synthetic clips.

    Parameters
    ----------
    frames : int
        T, at least 2.
    size : (H, W)
        Pixels, each at least 32.
    points : int
        N, exactly as many tracks are returned.
    max_layers : int
        Most free things drawn over the background (copies included).
    max_limbs : int
        Most segments of all articulated bodies together, at least 2.
    max_particles : int
        Most small particles of a swarm (microscopy), at least 6.
    families : tuple of str
        Drawn with equal chance, from :data:`FAMILIES`.
    speed : (low, high)
        Fastest displacement of a layer in pixels per frame, log-uniform, where the
        shorter side has 128 pixels; it grows with the frame.
    photometry : bool
        Noise, blur, flicker, compression and erasers; False leaves the bare render.
    motion_blur : bool
        Allow exposure over part of a frame interval in some clips.
    photos : bool
        Use the free photos of scikit-image where it is installed.
    held_out : bool
        Use photos and patterns that are kept for validation.

    Raises
    ------
    InputError
        A value is out of range.
    """

    frames: int = 16
    size: tuple[int, int] = (128, 128)
    points: int = 64
    max_layers: int = 10
    max_limbs: int = 30
    max_particles: int = 36
    families: tuple[str, ...] = FAMILIES
    speed: tuple[float, float] = (0.03, 24.0)
    photometry: bool = True
    motion_blur: bool = True
    photos: bool = True
    held_out: bool = False

    def __post_init__(self) -> None:
        """Refuse values no scene can be made of."""
        unknown = sorted(set(self.families) - set(FAMILIES))
        if unknown or not self.families:
            raise InputError(f"Scene families {unknown} are unknown; use {FAMILIES}.")
        if self.frames < 2 or self.points < 1 or self.max_layers < 1:
            raise InputError(
                f"A scene of {self.frames} frames, {self.points} points and "
                f"{self.max_layers} layers cannot be made; give at least 2, 1 and 1."
            )
        if not 2 <= self.max_limbs <= 60:
            raise InputError(f"{self.max_limbs} limbs; give 2 to 60.")
        if not 6 <= self.max_particles <= 50:
            raise InputError(f"{self.max_particles} particles; give 6 to 50.")
        if min(self.size) < 32:
            raise InputError(f"Scene size {self.size} is too small; give 32 or more.")
        if not 0 < self.speed[0] <= self.speed[1]:
            raise InputError(f"Speed {self.speed} must be two rising positive numbers.")


@dataclass(frozen=True, eq=False)
class SyntheticClip:
    """One rendered clip with its exact truth.

    Parameters
    ----------
    video : (T, 3, H, W) float32
        Whole grey levels 0..255.
    tracks_xy : (T, N, 2) float32
        Pixels, (0, 0) = centre of the top-left pixel; also given while occluded
        or outside the frame.
    visible : (T, N) bool
        In the frame and on the top-most layer there.
    family : str
        One of :data:`FAMILIES`.
    """

    video: Tensor
    tracks_xy: Tensor
    visible: Tensor
    family: str
