"""CoTracker3 (Karaev et al. 2024): one refinement loop, any size and resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_cotracker.errors import InputError
from napari_cotracker.model.arithmetic import reduced, works_in_parts
from napari_cotracker.model.correlation import (
    FeatureLevel,
    build_pyramid,
    correlate,
    sample_support,
)
from napari_cotracker.model.embeddings import (
    encode_motion,
    sincos_table,
    stretch_table,
)
from napari_cotracker.model.encoder import FrameEncoder, encode_frames
from napari_cotracker.model.fine_map import fine_level, parted
from napari_cotracker.model.gradients import unit_length
from napari_cotracker.model.interface import Prediction, WindowState
from napari_cotracker.model.transformer import UpdateTransformer
from napari_cotracker.model.windowed import predict_windowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_cotracker.model.config import CoTracker3Config


# Maps to correlate, each with its stride in pixels of the feature map.
Levels = list[tuple[FeatureLevel, float]]

# Correlation volumes that a processor works on at once: enough for a good matrix
# product, few enough to stay in its caches.
ROWS_AT_ONCE = 256


class CorrelationMLP(nn.Module):
    """Shrink one level's correlation volume to an embedding (exact GELU)."""

    def __init__(self, volume: int, hidden: int, out: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(volume, hidden)
        self.fc2 = nn.Linear(hidden, out)

    def forward(self, volume: Tensor) -> Tensor:
        """Map (..., volume) to (..., out)."""
        out: Tensor = self.fc2(F.gelu(self.fc1(volume)))
        return out


class CoTracker3(nn.Module):
    """The network behind ``compact`` and the published CoTracker3 checkpoints.

    Implements :class:`~napari_cotracker.model.interface.WindowTracker`; see there for
    the stages' shapes. Nothing is remembered between calls.

    Parameters
    ----------
    config : CoTracker3Config

    Attributes
    ----------
    arithmetic : torch.dtype
        Of convolutions and matrix products in ``encode``, ``refine`` and ``predict``;
        positions, scores and sums stay float32.
    confidence_fit : (scale, shift)
        Make confidence logits mean what they say, see ``training/calibration.py``.
    """

    time_emb: Tensor
    motion_scale_xy: Tensor
    has_confidence = True
    answers_together = True
    arithmetic = torch.float32
    confidence_fit: tuple[float, float] = (1.0, 0.0)

    def __init__(self, config: CoTracker3Config) -> None:
        super().__init__()
        self.config = config
        self.stride = config.encoder.stride
        self.window_len = None if config.offline else config.window_len
        self.window_step = max(1, config.window_len // 2)
        self.fnet = FrameEncoder(config.encoder)
        self.corr_mlp = CorrelationMLP(
            config.corr_side**4, config.corr_hidden, config.corr_out
        )
        self.updateformer = UpdateTransformer(
            token_width=config.token_width,
            hidden=config.hidden,
            heads=config.heads,
            depth=config.depth,
            virtual=config.virtual_tracks,
        )
        table = sincos_table(config.window_len, config.token_width)
        self.register_buffer("time_emb", table[None])
        height, width = config.model_resolution
        scale = torch.tensor([width, height], dtype=torch.float32) / self.stride
        self.register_buffer("motion_scale_xy", scale, persistent=False)

    def encode(self, frames: Tensor) -> Tensor:
        """Encode (B, T, 3, H, W) frames into (B, T, h, w, C), of unit length.

        With a fine map, whose pixels have unit length too, (B, T, h, w, C + 4 fine).
        """
        self._check_frames(frames)
        with reduced(self.arithmetic, frames.device):
            features = encode_frames(
                self.fnet,
                frames.flatten(0, 1),
                lambda rows: unit_length(rows).to(self.arithmetic),
            )
        return features.unflatten(0, frames.shape[:2])

    def sample(self, features: Tensor, queries_txy: Tensor) -> Tensor:
        """Sample support patches at (B, N, 3) queries; (B, N, L, K^2, C).

        Those of the fine map end in zeros.
        """
        frame = queries_txy[..., 0].long()
        patches = [
            sample_support(
                level,
                frame,
                queries_txy[..., 1:] / (self.stride * stride),
                self.config.corr_radius,
            )
            for level, stride in self._levels(features)
        ]
        channels = self.config.encoder.channels
        full = [F.pad(patch, (0, channels - patch.shape[-1])) for patch in patches]
        looks = torch.stack(full, dim=2)
        return unit_length(looks) if self.config.unit_looks else looks

    def join(self, looks: Tensor) -> Tensor:
        """Make one of (K, ...) support patches: their mean, as long as they are."""
        length = looks.norm(dim=-1, keepdim=True).mean(dim=0)
        return unit_length(looks.mean(dim=0)) * length

    def start(self, queries_xy: Tensor, n_frames: int) -> WindowState:
        """State of points seen only at their query: there, in every frame."""
        xy = queries_xy.float()[:, None].expand(-1, n_frames, -1, -1)
        zeros = xy.new_zeros(xy.shape[:-1])
        return WindowState(xy, zeros, zeros)

    def refine(
        self,
        features: Tensor | tuple[Tensor, ...],
        point_features: Tensor,
        state: WindowState,
        *,
        query_frame: Tensor | None = None,
        overlap: int = 0,
        n_real: int | None = None,
        iterations: int = 4,
    ) -> list[WindowState]:
        """Refine one window; returns the state after every iteration.

        ``query_frame``, ``overlap`` and ``n_real`` belong to the interface:
        CoTracker3 needs none of them.
        """
        # Several windows stay where they are: copying them costs more than it saves.
        clips = features if isinstance(features, tuple) else (features,)
        arithmetic = self.arithmetic
        pyramids = [self._levels(clip, arithmetic) for clip in clips]
        support = point_features.to(arithmetic).tensor_split(len(clips))
        states = []
        with reduced(arithmetic, clips[0].device):
            for _ in range(iterations):
                # As published: gradients do not flow through earlier positions.
                state = state._replace(xy=state.xy.detach())
                state = self._update(pyramids, support, state)
                states.append(state)
        return states

    @torch.no_grad()
    def predict(
        self, video: Tensor, queries_txy: Tensor, iterations: int = 6
    ) -> Prediction:
        """Track (N, 3) queries through one (T, 3, H, W) clip at model resolution."""
        features = self.encode(video[None])
        queries_txy = queries_txy[None].to(features.device, torch.float32)
        if self.config.offline:
            point_features = self.sample(features, queries_txy)
            state = self.start(queries_txy[..., 1:], features.shape[1])
            state = self.refine(features, point_features, state, iterations=iterations)[
                -1
            ]
        else:
            state = predict_windowed(self, features, queries_txy, iterations)
        scale, shift = self.confidence_fit
        confidence = (scale * state.confidence[0] + shift).sigmoid()
        return Prediction(state.xy[0], state.visibility[0].sigmoid(), confidence)

    def _update(
        self,
        pyramids: Sequence[Levels],
        support: Sequence[Tensor],
        state: WindowState,
    ) -> WindowState:
        n_points = state.xy.shape[2]
        clips = zip(
            *(values.tensor_split(len(pyramids)) for values in state), strict=True
        )
        parts = [
            self._embed_in_parts(pyramid, supported, WindowState(*known))
            for pyramid, supported, known in zip(pyramids, support, clips, strict=True)
        ]
        joined = [self.updateformer.join(part, n_points) for part in parts]
        tokens = joined[0] if len(joined) == 1 else torch.cat(joined)
        update = self.updateformer(tokens).float()
        return WindowState(
            state.xy + update[..., :2] * self.stride,
            state.visibility + update[..., 2],
            state.confidence + update[..., 3],
        )

    def _embed_in_parts(
        self, pyramid: Levels, support: Tensor, state: WindowState
    ) -> Iterator[Tensor]:
        """Embed the tokens of all points, (B, n, S, W) at a time."""
        n_frames, n_points = state.xy.shape[1:3]
        several = n_points
        if works_in_parts(state.xy.device):
            portions = -(-n_points // max(1, ROWS_AT_ONCE // n_frames))
            several = -(-n_points // portions)
        for begin in range(0, n_points, several):
            # The last are as many as the others (see ``portions``): a few twice.
            first = min(begin, n_points - several)
            some = slice(first, first + several)
            known = WindowState(*(values[:, :, some] for values in state))
            part = self._embed(pyramid, support[:, some], known)
            yield part[:, begin - first :]

    def _embed(self, pyramid: Levels, support: Tensor, state: WindowState) -> Tensor:
        """Embed the tokens of some points; (B, N, S, W)."""
        feature_xy = state.xy / self.stride
        xy = feature_xy.transpose(1, 2)  # (B, N, S, 2)
        radius = self.config.corr_radius
        volumes = (
            correlate(level, support[:, :, i, :, : level.channels], xy / stride, radius)
            for i, (level, stride) in enumerate(pyramid)
        )
        scores = torch.stack([state.visibility, state.confidence], dim=-1)
        motion = encode_motion(feature_xy, self.motion_scale_xy)
        tokens = torch.cat(
            [
                scores.transpose(1, 2),
                *(self.corr_mlp(volume) for volume in volumes),
                motion.transpose(1, 2),
            ],
            dim=-1,
        )  # (B, N, S, D)
        time = stretch_table(self.time_emb, tokens.shape[2])
        return self.updateformer.embed(tokens + time)

    def _levels(self, features: Tensor, dtype: torch.dtype | None = None) -> Levels:
        """Lay out all maps that are correlated, each with its stride."""
        coarse, fine = parted(features, self.config.encoder.channels)
        maps = build_pyramid(coarse, self.config.corr_levels, dtype)
        if fine is not None:
            maps.append(fine_level(features, fine, dtype))
        return list(zip(maps, self.config.level_strides, strict=True))

    def _check_frames(self, frames: Tensor) -> None:
        # Every correlation level needs at least one feature pixel.
        smallest = self.stride * 2 ** (self.config.corr_levels - 1)
        height, width = frames.shape[-2:]
        if frames.ndim != 5 or frames.shape[2] != 3:
            raise InputError(
                f"Frames have shape {tuple(frames.shape)}; "
                "expected (B, T, 3, H, W) with values 0..255."
            )
        if height % self.stride or width % self.stride or min(height, width) < smallest:
            raise InputError(
                f"Frames are {height} high and {width} wide; both must be multiples "
                f"of {self.stride} and at least {smallest}."
            )
