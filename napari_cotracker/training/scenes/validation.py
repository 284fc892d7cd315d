"""Fixed clips to measure with; their seeds are never trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError
from napari_cotracker.training.scenes.clip import render_clip
from napari_cotracker.training.scenes.options import FAMILIES, SceneOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from napari_cotracker.training.scenes.options import SyntheticClip

SPLITS = FAMILIES
# Pixels per frame of the fastest layer at a shorter side of 128: a point that never
# moves must not look good.
SPEEDS = {
    "motion": (2.5, 20.0),
    "occlusion": (2.0, 14.0),
    "texture": (1.0, 8.0),
    "microscopy": (1.5, 10.0),
    "articulated": (2.0, 12.0),
}
# Raise it with every change of the clips: scores of two versions do not compare.
VALIDATION_VERSION = 2
FRAMES = 24
_SPLIT_SEEDS = 100_000


def validation_clips(
    split: str,
    count: int = 16,
    size: tuple[int, int] = (192, 192),
    frames: int = FRAMES,
    points: int = 64,
    device: str | torch.device = "cpu",
    skip: int = 0,
) -> Iterator[SyntheticClip]:
    """Yield the fixed clips of one split.

    They are faster than those of training, and their photos and half of their patterns
    are never trained on.

    Parameters
    ----------
    split : str
        One of :data:`SPLITS`.
    count : int
        How many clips, at most 100,000.
    size : (H, W)
    frames, points : int
        T and N.
    device : str or torch.device
    skip : int
        Leave out so many clips at the beginning, for other clips of the same kind.

    Yields
    ------
    SyntheticClip

    Raises
    ------
    InputError
        The split is unknown or the count too large.
    """
    if split not in SPLITS:
        raise InputError(f"Validation split {split!r} is unknown; use one of {SPLITS}.")
    most = _SPLIT_SEEDS - skip
    if not 0 < count <= most:
        raise InputError(f"{count} clips cannot be given; ask for 1 to {most}.")
    first = SPLITS.index(split) * _SPLIT_SEEDS + skip
    options = SceneOptions(
        frames=frames,
        size=size,
        points=points,
        families=(split,),
        speed=SPEEDS[split],
        held_out=True,
    )
    return (render_clip(first + index, options, device) for index in range(count))
