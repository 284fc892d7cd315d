"""Make a network that only answers for whole clips usable window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from napari_cotracker.errors import InputError, TrackingError
from napari_cotracker.model.interface import WindowState

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.model.interface import (
        ClipTracker,
        Prediction,
        WindowTracker,
    )

WINDOW_LEN, WINDOW_STEP = 16, 8

_STAGES = ("encode", "sample", "start", "refine", "window_len", "window_step", "stride")


def as_window_tracker(model: Any) -> WindowTracker:
    """Return the model itself if it works in stages, else wrap its ``predict``.

    Raises
    ------
    InputError
        It can do neither, or its windows cannot follow one another.
    """
    if all(hasattr(model, name) for name in _STAGES):
        tracker: WindowTracker = model
    elif callable(getattr(model, "predict", None)):
        tracker = ClipAdapter(model)
    else:
        raise InputError(
            f"model is a {type(model).__name__}; expected a name, a path or a network "
            "with a method predict(video, queries_txy, iterations)."
        )
    size, step = tracker.window_len, tracker.window_step
    if size is not None and not 1 <= step < size:
        raise InputError(
            f"The network has windows of {size} frames with a step of {step}; the "
            "step must be at least 1 and smaller than the window."
        )
    return tracker


class ClipAdapter:
    """The stages of a window tracker on top of ``predict``.

    Features are the frames themselves. Points that come from an earlier window are
    queried again where they were last seen in the overlap.

    Parameters
    ----------
    model : ClipTracker
        May have ``window_len``, ``window_step`` and ``stride``.
    """

    def __init__(self, model: ClipTracker) -> None:
        self.model = model
        self.window_len: int | None = getattr(model, "window_len", WINDOW_LEN)
        default = WINDOW_STEP if self.window_len is None else self.window_len // 2
        self.window_step: int = getattr(model, "window_step", max(1, default))
        self.stride: int = getattr(model, "stride", 1)
        self.has_confidence = True

    def predict(
        self, video: Tensor, queries_txy: Tensor, iterations: int = 6
    ) -> Prediction:
        """Pass on to the wrapped network."""
        return self.model.predict(video, queries_txy, iterations=iterations)

    def encode(self, frames: Tensor) -> Tensor:
        """Return the frames: this network encodes anew in every call."""
        return frames

    def sample(self, features: Tensor, queries_txy: Tensor) -> Tensor:
        """Return empty features: a point is identified by where it was last seen."""
        return features.new_zeros((*queries_txy.shape[:2], 0))

    def start(self, queries_xy: Tensor, n_frames: int) -> WindowState:
        """Rest at the (B, N, 2) queries in all frames."""
        xy = queries_xy[:, None].expand(-1, n_frames, -1, -1)
        unknown = torch.zeros_like(xy[..., 0])
        return WindowState(xy, unknown, unknown)

    def refine(
        self,
        features: Tensor,
        point_features: Tensor,
        state: WindowState,
        *,
        query_frame: Tensor,
        overlap: int,
        n_real: int,
        iterations: int,
    ) -> list[WindowState]:
        """Predict the window; carried points keep what the overlap already held."""
        n_frames, n_points = state.xy.shape[1:3]
        carried = query_frame[0] < overlap  # (N,)
        again = _last_seen(state.visibility[0], query_frame[0], overlap)
        asked = torch.where(carried, again, query_frame[0])
        xy = state.xy[0, asked, torch.arange(n_points, device=asked.device)]
        answer = self.predict(
            features[0], torch.cat([asked[:, None].to(xy), xy], 1), iterations
        )
        fresh = _as_state(answer, n_frames, n_points)
        place = torch.arange(n_frames, device=asked.device)[:, None]
        known = (place < overlap) & carried  # (S, N)
        return [
            WindowState(
                torch.where(known[None, ..., None], state.xy, fresh.xy),
                torch.where(known[None], state.visibility, fresh.visibility),
                torch.where(known[None], state.confidence, fresh.confidence),
            )
        ]


def _last_seen(visibility: Tensor, query_frame: Tensor, overlap: int) -> Tensor:
    """Last overlap frame on which each point is visible, else the last one, (N,)."""
    place = torch.arange(overlap, device=visibility.device)[:, None]
    seen = (visibility[:overlap] > 0) & (place >= query_frame)
    last = torch.where(seen, place, -1).amax(0) if overlap else query_frame
    return torch.where(last < 0, max(overlap - 1, 0), last)


def _as_state(answer: Prediction, n_frames: int, n_points: int) -> WindowState:
    expected = (n_frames, n_points)
    if answer.xy.shape != (*expected, 2) or answer.visibility.shape != expected:
        raise TrackingError(
            f"The network answered with xy {tuple(answer.xy.shape)} and visibility "
            f"{tuple(answer.visibility.shape)}; expected {(*expected, 2)} and "
            f"{expected}; it cannot be used for tracking."
        )
    visibility = torch.logit(answer.visibility.float())[None]
    # Networks without confidence: visibility is the only belief there is.
    confidence = (
        visibility
        if answer.confidence is None
        else torch.logit(answer.confidence.float())[None]
    )
    return WindowState(answer.xy.float()[None], visibility, confidence)
