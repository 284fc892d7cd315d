"""Clips of recordings that nobody labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from napari_cotracker.errors import InputError
from napari_cotracker.training.batches import integer_below
from napari_cotracker.video import open_video
from napari_cotracker.video.encoded import SUFFIXES as VIDEO_SUFFIXES
from napari_cotracker.video.tiff import SUFFIXES as TIFF_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from napari_cotracker.video import FrameSource

FRAME_STEPS = (1, 1, 1, 2, 3)


def find_recordings(folder: Path) -> tuple[Path, ...]:
    """Return every video and TIFF stack below a folder, sorted.

    Raises
    ------
    InputError
        The folder does not exist or holds none.
    """
    known = VIDEO_SUFFIXES | TIFF_SUFFIXES
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in known and path.is_file()
    ]
    if not found:
        raise InputError(
            f"No recording lies in {folder}; give a folder with videos or TIFF stacks "
            f"({' '.join(sorted(known))}), at any depth."
        )
    return tuple(sorted(found))


@dataclass(frozen=True)
class Recordings:
    """Recordings to cut clips from; ``paths`` from :func:`find_recordings`."""

    paths: tuple[Path, ...]

    def clip(
        self, generator: torch.Generator, frames: int, size: tuple[int, int]
    ) -> Tensor:
        """Cut a random part of a random recording.

        Parameters
        ----------
        generator : torch.Generator
            On the CPU; decides everything.
        frames : int
            T; recordings that are shorter play forth and back.
        size : (H, W)
            Parts of about this size up to the whole frame are brought to it.

        Returns
        -------
        (T, 3, H, W) float32 on the CPU, 0..255
        """
        path = self.paths[integer_below(len(self.paths), generator)]
        with open_video(path) as source:
            step = FRAME_STEPS[integer_below(len(FRAME_STEPS), generator)]
            step = max(1, min(step, (len(source) - 1) // frames))
            span = min(len(source), (frames - 1) * step + 1)
            start = integer_below(len(source) - span + 1, generator)
            pictures = torch.from_numpy(source.read(start, start + span)[::step].copy())
            top, left, height, width = _part(generator, source, size)
        part = pictures[:, top : top + height, left : left + width].permute(0, 3, 1, 2)
        video = F.interpolate(
            part.float(), size, mode="bilinear", antialias=True, align_corners=False
        )
        if bool(torch.rand((), generator=generator) < 0.5):
            video = video.flip(0)
        return video[_forth_and_back(len(video), frames)]


def _part(
    generator: torch.Generator, source: FrameSource, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Choose top, left, height and width of a part with the wanted aspect ratio."""
    height, width = source.size
    largest = min(height / size[0], width / size[1])
    smallest = min(1.0, largest)
    share = float(torch.rand((), generator=generator))
    scale = smallest * (largest / smallest) ** share
    rows = min(height, max(1, round(size[0] * scale)))
    columns = min(width, max(1, round(size[1] * scale)))
    top = integer_below(height - rows + 1, generator)
    left = integer_below(width - columns + 1, generator)
    return top, left, rows, columns


def _forth_and_back(available: int, frames: int) -> Tensor:
    """Return ``frames`` indices that turn round at both ends."""
    if available == 1:
        return torch.zeros(frames, dtype=torch.long)
    period = 2 * (available - 1)
    index = torch.arange(frames) % period
    return torch.minimum(index, period - index)
