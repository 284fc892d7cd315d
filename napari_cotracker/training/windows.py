"""The tracking objective: a clip unrolled window by window with carried state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_cotracker.model.interface import WindowState
from napari_cotracker.model.windowed import carry_over, count_windows, pad_frames
from napari_cotracker.training.losses import window_loss
from napari_cotracker.training.suggestions import begin_as_suggested

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.model.cotracker3 import CoTracker3
    from napari_cotracker.training.batches import Batch


def tracking_loss(
    model: CoTracker3, batch: Batch, iterations: int
) -> tuple[Tensor, dict[str, float]]:
    """Unroll all windows of a batch; returns the loss and numbers for the log."""
    features = model.encode(batch.video.float())
    point_features = _looks(model, features, batch)
    length, step = model.config.window_len, model.window_step
    n_frames = features.shape[1]
    n_windows = max(1, count_windows(n_frames, length, step))
    padded = (n_windows - 1) * step + length
    # Halves of windows, joined: a slice of all would fill as many gradients with zeros.
    halves = pad_frames(features, padded).split(step, dim=1)
    tracks_xy = pad_frames(batch.tracks_xy, padded)
    visible = pad_frames(batch.visible, padded)
    paths_xy = pad_frames(batch.paths_xy, padded)
    query_frame = batch.queries_txy[..., 0].long()
    totals: list[dict[str, Tensor]] = []
    state: WindowState | None = None
    for begin in range(0, n_windows * step, step):
        count = batch.n_early if begin == 0 else query_frame.shape[1]
        start = _window_start(model, batch, state, query_frame, begin, count)
        carried = length - step - 1 if begin else 0
        known_place = (query_frame[:, :count] - begin).clamp(carried, length - 1)
        window = slice(begin, begin + length)
        start = begin_as_suggested(start, paths_xy[:, window, :count], known_place)
        states = model.refine(
            torch.cat(halves[begin // step :][:2], dim=1),
            point_features[:, :count],
            start,
            iterations=iterations,
        )
        active = (query_frame[:, :count] < begin + length)[:, None]
        seen = visible[:, window, :count]
        active = active & seen if batch.position_only else active
        terms = window_loss(
            states,
            tracks_xy[:, window, :count],
            seen,
            active.expand(-1, length, -1),
        )
        if batch.position_only:
            terms = {"position": terms["position"]}
        totals.append(terms)
        state = WindowState(*(values.detach() for values in states[-1]))
    mean = {k: torch.stack([t[k] for t in totals]).mean() for k in totals[0]}
    assert state is not None  # there is at least one window
    error = torch.linalg.vector_norm(state.xy - tracks_xy[:, -length:], dim=-1)[
        visible[:, -length:]
    ]
    log = {key: float(value.detach()) for key, value in mean.items()}
    log["median_px"] = float(error.median()) if len(error) else 0.0
    return torch.stack(list(mean.values())).sum(), log


def _looks(model: CoTracker3, features: Tensor, batch: Batch) -> Tensor:
    """Identify each point by all that it is shown by, (B, N, ...)."""
    frames = batch.sightings  # (B, K, N)
    n_others, n_points = frames.shape[1:]
    shown_xy = batch.tracks_xy.gather(1, frames[..., None].expand(-1, -1, -1, 2))
    others_txy = torch.cat([frames[..., None].float(), shown_xy], -1)
    every_txy = torch.cat([batch.queries_txy[:, None], others_txy], 1)
    looks = model.sample(features, every_txy.flatten(1, 2))
    return model.join(looks.unflatten(1, (1 + n_others, n_points)).transpose(0, 1))


def _window_start(
    model: CoTracker3,
    batch: Batch,
    before: WindowState | None,
    query_frame: Tensor,
    begin: int,
    count: int,
) -> WindowState:
    fresh = model.start(batch.queries_txy[:, :count, 1:], model.config.window_len)
    if before is None:
        return fresh
    step = model.window_step
    # The first window leaves the late points out: they start at their query.
    carried = carry_over(before, step)
    n_old = carried.xy.shape[2]
    known = (query_frame[:, :n_old] < begin + step)[:, None]
    fields = []
    for old, new in zip(carried, fresh, strict=True):
        mask = known[..., None] if old.ndim == 4 else known
        kept = torch.where(mask, old, new[:, :, :n_old])
        fields.append(torch.cat([kept, new[:, :, n_old:]], dim=2))
    return WindowState(*fields)
