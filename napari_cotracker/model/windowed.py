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


def count_windows(n_frames: int, length: int, step: int) -> int:
    """Count the windows of ``length`` frames, ``step`` apart, that cover a clip.

    0 where the clip is no longer than the overlap, as published.
    """
    return max(0, -(-(n_frames - length) // step) + 1)


def carry_over(state: WindowState, step: int) -> WindowState:
    """Start a window from the previous one: its overlap, the last frame repeated.

    ``state`` has leaves (B, S, N, ...); the new window starts ``step`` frames later.
    """
    n_frames = state.xy.shape[1]
    places = torch.arange(n_frames, device=state.xy.device) + step
    places = places.clamp(max=n_frames - 1)
    return WindowState(*(values[:, places] for values in state))


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
    and zeros are said of it. Otherwise every clip is tracked.

    Returns
    -------
    WindowState with T frames
    """
    length, step = model.config.window_len, model.window_step
    n_frames = features.shape[1]
    n_windows = count_windows(n_frames, length, step)
    if not model.config.published_faults:
        n_windows = max(1, n_windows)
    stream = WindowStream(model, queries_txy, iterations)
    for begin in range(0, n_windows * step, step):
        stream.push(features[:, begin : begin + length])
    return stream.answer(n_frames)


class WindowStream:
    """One recording whose frames arrive window by window (B = 1).

    With ``unqueried_take_part`` points that are not queried yet take part with zeroed
    features and influence the others (reference/spec.md, 5.5 and 5.9); otherwise these
    points are absent. With ``published_faults`` nothing but zeros is said before a
    point's first window.

    Parameters
    ----------
    model : CoTracker1, CoTracker2 or CoTracker3
        With a window.
    queries_txy : (1, N, 3)
        Frame of the recording, model-frame pixels.
    iterations : int
    """

    def __init__(
        self, model: WindowedNetwork, queries_txy: Tensor, iterations: int
    ) -> None:
        self._model = model
        self._queries_txy = queries_txy
        self._query_frame = queries_txy[:, :, 0].long()
        self._iterations = iterations
        self._begin = 0
        self._point_features: Tensor | None = None
        self._result = self._unknown(0)

    def push(self, features: Tensor) -> None:
        """Take in the features (1, n, h, w, C) of the next window.

        It begins one step after the one before; n is the window length, or less at the
        end of the recording.
        """
        model, begin = self._model, self._begin
        n_real, end = features.shape[1], begin + model.config.window_len
        features = pad_frames(features, model.config.window_len)
        self._grow(end)
        point_features = self._sampled(features)
        active = self._query_frame[0] < end
        take = torch.ones_like(active) if model.config.unqueried_take_part else active
        if take.any():
            refined = model.refine(
                features,
                point_features[:, take],
                WindowState(*(values[:, :, take] for values in self._start())),
                query_frame=self._query_frame[:, take] - begin,
                overlap=model.window_step if begin else 0,
                n_real=n_real,
                iterations=self._iterations,
            )[-1]
            for stored, values in zip(self._result, refined, strict=True):
                stored[:, begin:end, take] = values
        self._begin += model.window_step

    def answer(self, n_frames: int) -> WindowState:
        """Say what is known of the first ``n_frames`` frames."""
        self._grow(n_frames)
        return WindowState(*(values[:, :n_frames] for values in self._result))

    def _sampled(self, features: Tensor) -> Tensor:
        """Point features so far, zero for points whose query has not come yet."""
        place = self._query_frame - self._begin
        here = (place >= 0) & (place < features.shape[1])
        if self._begin:
            # The frames of the overlap have been sampled by the window before.
            here &= place >= self._model.window_step
        inside = place.clamp(0, features.shape[1] - 1)
        queries_txy = torch.cat(
            [inside[..., None].to(self._queries_txy), self._queries_txy[..., 1:]], -1
        )
        sampled = self._model.sample(features, queries_txy)
        now = sampled * here.reshape(*here.shape, *[1] * (sampled.ndim - 2))
        before = self._point_features
        self._point_features = now if before is None else before + now
        return self._point_features

    def _start(self) -> WindowState:
        model, begin = self._model, self._begin
        length, step = model.config.window_len, model.window_step
        fresh = model.start(self._queries_txy[..., 1:], length)
        if begin == 0:
            return fresh
        before = (v[:, begin - step : begin - step + length] for v in self._result)
        carried = carry_over(WindowState(*before), step)
        known = self._query_frame[0] < begin + step
        return WindowState(
            torch.where(known[None, None, :, None], carried.xy, fresh.xy),
            torch.where(known[None, None], carried.visibility, fresh.visibility),
            torch.where(known[None, None], carried.confidence, fresh.confidence),
        )

    def _grow(self, n_frames: int) -> None:
        missing = n_frames - self._result.xy.shape[1]
        if missing > 0:
            parts = zip(self._result, self._unknown(missing), strict=True)
            self._result = WindowState(*(torch.cat(pair, dim=1) for pair in parts))

    def _unknown(self, n_frames: int) -> WindowState:
        # Published: zeros where no window wrote; ours: the query position.
        queries_txy = self._queries_txy
        scores = queries_txy.new_zeros(1, n_frames, queries_txy.shape[1])
        xy = queries_txy[:, None, :, 1:].repeat(1, n_frames, 1, 1)
        faults = self._model.config.published_faults
        return WindowState(xy * 0 if faults else xy, scores, scores.clone())
