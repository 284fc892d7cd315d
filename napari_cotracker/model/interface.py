"""What the tracking layer needs from a network: stages with explicit state.

Every stage has a leading batch dimension B. Coordinates are (x, y) in *model-frame*
pixels, (0, 0) = centre of the top-left pixel of the frames given to ``encode``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


class Prediction(NamedTuple):
    """Answer of a bare network for one clip.

    ``xy`` (T, N, 2) model-frame pixels; ``visibility`` (T, N) in 0..1;
    ``confidence`` (T, N) in 0..1, or None for CoTracker 1 and 2.
    """

    xy: Tensor
    visibility: Tensor
    confidence: Tensor | None


class WindowState(NamedTuple):
    """Belief about N points in the S frames of one window; goes in and comes out.

    ``xy`` (B, S, N, 2) float32 model-frame pixels; ``visibility`` (B, S, N) logits;
    ``confidence`` (B, S, N) logits (zeros for networks that have none).
    """

    xy: Tensor
    visibility: Tensor
    confidence: Tensor


@runtime_checkable
class ClipTracker(Protocol):
    """The bare network: one clip at model resolution, all points at once."""

    def predict(
        self, video: Tensor, queries_txy: Tensor, iterations: int = 6
    ) -> Prediction:
        """Track (N, 3) queries through a (T, 3, H, W) float clip, values 0..255."""


@runtime_checkable
class WindowTracker(ClipTracker, Protocol):
    """A network that also works window by window.

    Attributes
    ----------
    window_len : int
        S, frames processed jointly; None = any number (offline networks).
    window_step : int
        Advance between windows.
    stride : int
        Spatial reduction of the encoder; frame sides must be multiples of it.
    has_confidence : bool
        Whether the confidence logits mean anything.
    answers_together : bool, may be missing
        Whether ``refine`` takes B windows at once, ``features`` as a tuple of theirs;
        missing means no.

    It may also have ``join(looks)``, which makes one of (K, ...) that ``sample``
    returned for one point on K frames; without it a point is known by one frame.
    """

    window_len: int | None
    window_step: int
    stride: int
    has_confidence: bool

    def encode(self, frames: Tensor) -> Tensor:
        """Encode (B, T, 3, H, W) frames, 0..255, into (B, T, H/stride, W/stride, C).

        Frames are independent of each other, so features can be cached per frame.
        """

    def sample(self, features: Tensor, queries_txy: Tensor) -> Tensor:
        """Sample what identifies each point at its query.

        ``features`` (B, T, h, w, C); ``queries_txy`` (B, N, 3) with t an index into
        these T frames. Returns (B, N, ...): point features, indexable by point.
        """

    def start(self, queries_xy: Tensor, n_frames: int) -> WindowState:
        """State of points that nothing is known about but (B, N, 2) positions."""

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
        """Refine one window; returns the state after every iteration.

        ``features`` (B, S, h, w, C) of the window; ``point_features`` from
        ``sample``; ``query_frame`` (B, N) relative to the window's first frame, may be
        negative or beyond the window; ``overlap``: leading frames that an earlier
        window already covered (0 in the first window); ``n_real``: leading frames
        that are not repetitions of the recording's last one.
        """
