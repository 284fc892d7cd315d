"""Clips into batches of queries and targets; every batch follows from its number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from napari_cotracker.training.options import STAGES, Stage, TrainOptions
from napari_cotracker.training.scenes import SceneOptions, SyntheticClip, render_clip
from napari_cotracker.training.suggestions import suggest_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Validation clips use smaller seeds.
FIRST_TRAINING_SEED = 1_000_000
# Share of the points that are queried only after the first window.
LATE_SHARE = 0.25
# So many further times a point may be shown, as by a person who corrects: half of the
# points not at all, the others each time with one chance in two.
SIGHTINGS = 3


@dataclass(frozen=True)
class Batch:
    """B clips of one shape with N queries each.

    ``video`` (B, T, 3, H, W) uint8, a quarter of the traffic of floats;
    ``queries_txy`` (B, N, 3); ``tracks_xy`` (B, T, N, 2) pixels; ``visible``
    (B, T, N) bool; ``sightings`` (B, K, N): frames on which a point is shown besides,
    its query's where it is not; ``paths_xy`` (B, T, N, 2): see ``suggestions.py``. The
    first ``n_early`` points are queried inside the first window. With
    ``position_only``, ``visible`` says which positions are known well enough to train
    on, and nothing else is.
    """

    video: Tensor
    queries_txy: Tensor
    tracks_xy: Tensor
    visible: Tensor
    sightings: Tensor
    paths_xy: Tensor
    n_early: int
    position_only: bool = False

    @classmethod
    def of(
        cls,
        clips: Sequence[tuple[Tensor, ...]],
        n_early: int,
        *,
        position_only: bool = False,
    ) -> Batch:
        """Stack what :func:`query_clip` made of clips of one shape."""
        video, queries_txy, tracks_xy, visible, sightings, paths_xy = (
            torch.stack(column) for column in zip(*clips, strict=True)
        )
        return cls(
            video,
            queries_txy,
            tracks_xy,
            visible,
            sightings,
            paths_xy,
            n_early,
            position_only,
        )

    def to(self, device: torch.device) -> Batch:
        """Move every tensor to a device."""
        # Without blocking: the copy of pinned memory runs beside the network.
        return self._with_each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """Move every tensor to page-locked memory; called by the data loader."""
        return self._with_each(Tensor.pin_memory)

    def _with_each(self, moved: Callable[[Tensor], Tensor]) -> Batch:
        fields = vars(self).items()
        changed: dict[str, Any] = {
            key: moved(value) for key, value in fields if isinstance(value, Tensor)
        }
        return replace(self, **changed)


class BatchStream(IterableDataset[Batch]):
    """Endless batches ``first``, ``first + stride``...; each is always the same."""

    def __init__(
        self, options: TrainOptions, window_len: int, first: int = 0, stride: int = 1
    ) -> None:
        super().__init__()
        self.options = options
        self.window_len = window_len
        self.first = first
        self.stride = stride

    def __iter__(self) -> Iterator[Batch]:
        """Yield this worker's share of the batches, in order."""
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        offset, count = (worker.id, worker.num_workers) if worker else (0, 1)
        index = self.first + offset * self.stride
        device = self.options.device if worker is None else "cpu"
        while True:
            yield make_batch(self.options, index, self.window_len, device)
            index += count * self.stride


def stream_batches(
    options: TrainOptions, window_len: int, first: int, stride: int = 1
) -> Iterator[Batch]:
    """Iterate over batches, rendered in background processes where asked."""
    stream = BatchStream(options, window_len, first, stride)
    if options.workers == 0:
        return iter(stream)
    loader = DataLoader(
        stream,
        batch_size=None,
        num_workers=options.workers,
        prefetch_factor=4,
        pin_memory=options.device.startswith("cuda"),
        multiprocessing_context="spawn",
    )
    return iter(loader)


def make_batch(
    options: TrainOptions, step: int, window_len: int, device: str = "cpu"
) -> Batch:
    """Render the batch of one step."""
    stage = STAGES[options.stage]
    generator = torch.Generator().manual_seed(options.seed * 7919 + step)
    n_frames, height, width = draw_shape(stage, generator)
    scene = SceneOptions(frames=n_frames, size=(height, width), points=2 * stage.points)
    first = FIRST_TRAINING_SEED + (options.seed * 100_000_000 + step) * stage.batch
    n_late = int(LATE_SHARE * stage.points) if n_frames > window_len else 0
    n_early = stage.points - n_late
    parts = []
    for i in range(stage.batch):
        clip = render_clip(first + i, scene, device=device)
        if stage.objective == "matching":
            clip = _two_frames(clip, generator)
        parts.append(query_clip(clip, n_early, n_late, window_len, generator))
    return Batch.of(parts, n_early)


def _two_frames(clip: SyntheticClip, generator: torch.Generator) -> SyntheticClip:
    """Keep the first frame and a later one, for matching over any distance."""
    later = int(torch.randint(1, len(clip.video), (), generator=generator))
    keep = torch.tensor([0, later])
    return replace(
        clip,
        video=clip.video[keep],
        tracks_xy=clip.tracks_xy[keep],
        visible=clip.visible[keep],
    )


def draw_shape(stage: Stage, generator: torch.Generator) -> tuple[int, int, int]:
    """Draw T, H and W of a batch."""
    return stage.shapes[integer_below(len(stage.shapes), generator)]


def integer_below(limit: int, generator: torch.Generator) -> int:
    """Draw 0 .. limit - 1."""
    return int(torch.randint(limit, (), generator=generator))


def query_clip(
    clip: SyntheticClip,
    n_early: int,
    n_late: int,
    window_len: int,
    generator: torch.Generator,
) -> tuple[Tensor, ...]:
    """Choose queries on visible frames; returns the fields of a batch for one clip."""
    visible = clip.visible.cpu()
    early = visible.clone()
    early[window_len:] = False
    late = visible.clone()
    late[: window_len // 2] = False
    picks = [_pick_queries(early, n_early, generator)]
    if n_late:
        picks.append(_pick_queries(late, n_late, generator))
    frame, point = (torch.cat(column) for column in zip(*picks, strict=True))
    device = clip.video.device
    sightings = _pick_sightings(visible[:, point], frame, generator).to(device)
    frame, point = frame.to(device), point.to(device)
    query_xy = clip.tracks_xy[frame, point]
    queries_txy = torch.cat([frame[:, None].float(), query_xy], dim=1)
    video = clip.video.to(torch.uint8)
    shown = clip.tracks_xy[:, point], clip.visible[:, point]
    paths_xy = suggest_paths(*shown, generator)
    return video, queries_txy, *shown, sightings, paths_xy


def _pick_sightings(
    visible: Tensor, frame: Tensor, generator: torch.Generator
) -> Tensor:
    """Draw further frames on which (T, N) visible points are shown, (K, N)."""
    n_points = len(frame)
    weight = visible.T.float()
    weight[torch.arange(n_points), frame] = 1.0
    drawn = torch.multinomial(weight, SIGHTINGS, replacement=True, generator=generator)
    several = torch.rand(n_points, 1, generator=generator) < 0.5
    taken = several & (torch.rand(drawn.shape, generator=generator) < 0.5)
    return torch.where(taken, drawn, frame[:, None]).T


def _pick_queries(
    allowed: Tensor, count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw (frame, point) pairs from an allowed (T, N) mask, points without repeats.

    Falls back to repeats where too few points qualify.
    """
    usable = torch.nonzero(allowed.any(dim=0))[:, 0]
    if len(usable) == 0:
        usable = torch.arange(allowed.shape[1])
        allowed = torch.ones_like(allowed)
    order = usable[torch.randperm(len(usable), generator=generator)]
    point = order.repeat(-(-count // len(order)))[:count]
    weight = allowed[:, point].T.float()
    # Half of the points share one frame, as when a person labels a single frame.
    common = int(torch.multinomial(weight.sum(dim=0), 1, generator=generator))
    frame = torch.multinomial(weight, 1, generator=generator)[:, 0]
    share = (torch.rand(count, generator=generator) < 0.5) & (weight[:, common] > 0)
    return torch.where(share, common, frame), point
