"""One clip by overlapping windows with carried state, as the published networks do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_cotracker.model.interface import WindowState

if TYPE_CHECKING:
    from typing import TypeAlias

    from napari_cotracker.model.cotracker2 import CoTracker2
    from napari_cotracker.model.cotracker3 import CoTracker3

    WindowedNetwork: TypeAlias = CoTracker2 | CoTracker3


def carry_over(state: WindowState, step: int, n_frames: int) -> WindowState:
    """Start a window from the previous one: its overlap, the last frame repeated.

    ``state`` has leaves (B, S, N, ...); the new window starts ``step`` frames later.
    """
    fields = []
    for values in state:
        known = values[:, step:]
        last = known[:, -1:].expand(-1, n_frames - known.shape[1], *known.shape[2:])
        fields.append(torch.cat([known, last], dim=1))
    return WindowState(*fields)


def pad_frames(features: Tensor, n_frames: int) -> Tensor:
    """Repeat the last frame of (B, T, ...) until there are ``n_frames``."""
    missing = n_frames - features.shape[1]
    if missing <= 0:
        return features
    last = features[:, -1:].expand(-1, missing, *features.shape[2:])
    return torch.cat([features, last], dim=1)


def predict_windowed(
    model: WindowedNetwork, features: Tensor, queries_txy: Tensor, iterations: int
) -> WindowState:
    """Run all windows of one clip (B = 1).

    With ``published_faults`` a clip of at most half a window gets no window at all,
    and nothing but zeros is said before a point's first window. With
    ``unqueried_take_part`` points that are not queried yet take part with zeroed
    features and influence the others (reference/spec.md, 5.5 and 5.9). Otherwise
    these points are absent and every clip is tracked.

    Returns
    -------
    WindowState with T frames
    """
    length, step = model.config.window_len, model.window_step
    faults = model.config.published_faults
    n_frames = features.shape[1]
    n_windows = (n_frames - length + step - 1) // step + 1
    if not faults:
        n_windows = max(1, n_windows)
    padded = pad_frames(features, max(0, n_windows - 1) * step + length)
    point_features = model.sample(features, queries_txy)
    query_frame = queries_txy[:, :, 0].long()
    result = _unknown(queries_txy, padded.shape[1], faults)
    for begin in range(0, n_windows * step, step):
        end = begin + length
        active = query_frame[0] < end
        take = torch.ones_like(active) if model.config.unqueried_take_part else active
        if not take.any():
            continue
        state = _initial_state(model, result, queries_txy, begin, step)
        speaking = active.reshape(1, -1, *[1] * (point_features.ndim - 2))
        refined = model.refine(
            padded[:, begin:end],
            (point_features * speaking)[:, take],
            WindowState(*(values[:, :, take] for values in state)),
            query_frame=query_frame[:, take] - begin,
            overlap=step if begin else 0,
            n_real=min(length, n_frames - begin),
            iterations=iterations,
        )[-1]
        for stored, values in zip(result, refined, strict=True):
            stored[:, begin:end, take] = values
    return WindowState(*(values[:, :n_frames] for values in result))


def _unknown(queries_txy: Tensor, n_frames: int, faults: bool) -> WindowState:
    # Published: zeros where no window wrote; ours: the query position.
    n_points = queries_txy.shape[1]
    scores = queries_txy.new_zeros(1, n_frames, n_points)
    xy = queries_txy[:, None, :, 1:].repeat(1, n_frames, 1, 1)
    return WindowState(xy * 0 if faults else xy, scores, scores.clone())


def _initial_state(
    model: WindowedNetwork,
    result: WindowState,
    queries_txy: Tensor,
    begin: int,
    step: int,
) -> WindowState:
    fresh = model.start(queries_txy[..., 1:], model.config.window_len)
    if begin == 0:
        return fresh
    before = WindowState(*(v[:, begin - step : begin + step] for v in result))
    carried = carry_over(before, step, model.config.window_len)
    known = queries_txy[0, :, 0].long() < begin + step
    return WindowState(
        torch.where(known[None, None, :, None], carried.xy, fresh.xy),
        torch.where(known[None, None], carried.visibility, fresh.visibility),
        torch.where(known[None, None], carried.confidence, fresh.confidence),
    )
