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
FIRST_TRAINING_SEED = 1_000_000
_SPLIT_SEEDS = 100_000


def validation_clips(
    split: str,
    count: int = 16,
    size: tuple[int, int] = (128, 128),
    frames: int = 16,
    points: int = 64,
    device: str | torch.device = "cpu",
) -> Iterator[SyntheticClip]:
    """Yield the fixed clips of one split.

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
    if not 0 < count <= _SPLIT_SEEDS:
        raise InputError(f"{count} clips cannot be given; ask for 1 to {_SPLIT_SEEDS}.")
    first = SPLITS.index(split) * _SPLIT_SEEDS
    options = SceneOptions(frames=frames, size=size, points=points, families=(split,))
    return (render_clip(first + index, options, device) for index in range(count))
