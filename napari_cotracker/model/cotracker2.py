"""CoTracker 2 (and 2.1): learned track features, masked virtual-track attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_cotracker.model.arithmetic import reduced
from napari_cotracker.model.correlation import (
    FeatureLevel,
    build_pyramid,
    correlate_feature,
    gather_neighbours,
)
from napari_cotracker.model.embeddings import (
    encode_flow,
    sample_position_table,
    sincos_table,
)
from napari_cotracker.model.encoder import FrameEncoder, encode_frames
from napari_cotracker.model.gradients import interpolate
from napari_cotracker.model.interface import Prediction, WindowState
from napari_cotracker.model.transformer import UpdateTransformer
from napari_cotracker.model.windowed import predict_windowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_cotracker.model.config import CoTracker2Config

# Logit that a new point's visibility starts from.
CERTAINLY_VISIBLE = 10.0


class CoTracker2(nn.Module):
    """The network behind ``cotracker2`` and ``cotracker2v1``.

    Implements :class:`~napari_cotracker.model.interface.WindowTracker`; see there for
    the stages' shapes. It has no confidence: those logits stay zero.

    Parameters
    ----------
    config : CoTracker2Config

    Attributes
    ----------
    arithmetic : torch.dtype
        Of convolutions and matrix products; positions and sums stay float32.
    """

    has_confidence = False
    zero_outside = False
    masks_padding = False
    arithmetic = torch.float32
    time_emb: Tensor

    def __init__(self, config: CoTracker2Config) -> None:
        super().__init__()
        self.config = config
        self.stride = config.encoder.stride
        self.window_len = config.window_len
        self.window_step = config.window_len // 2
        channels = config.encoder.channels
        self.fnet = FrameEncoder(config.encoder)
        self.norm = nn.GroupNorm(1, channels)
        self.vis_predictor = nn.Sequential(nn.Linear(channels, 1))
        self._add_generation()

    def _add_generation(self) -> None:
        """Add what the generations do not share."""
        config, channels = self.config, self.config.encoder.channels
        self.track_feat_updater = _feature_updater(channels)
        self.updateformer: nn.Module = UpdateTransformer(
            token_width=config.token_width,
            hidden=config.hidden,
            heads=config.heads,
            depth=config.depth,
            virtual=config.virtual_tracks,
            outputs=2 + channels,
            score_outputs=0,
            row_mask_fault=True,
        )
        table = sincos_table(config.window_len, config.token_width)
        self.register_buffer("time_emb", table[None])

    def encode(self, frames: Tensor) -> Tensor:
        """Encode (B, T, 3, H, W) frames into (B, T, h, w, C)."""
        with reduced(self.arithmetic, frames.device):
            features = encode_frames(
                self.fnet, frames.flatten(0, 1), lambda part: part.to(self.arithmetic)
            )
        return features.unflatten(0, frames.shape[:2])

    def sample(self, features: Tensor, queries_txy: Tensor) -> Tensor:
        """Sample one feature per (B, N, 3) query; (B, N, C)."""
        level = build_pyramid(features, 1)[0]
        xy = queries_txy[..., 1:] / self.stride
        corners, fraction = gather_neighbours(level, queries_txy[..., 0].long(), xy, 0)
        return interpolate(corners.float(), fraction)[:, :, 0, 0]

    def start(self, queries_xy: Tensor, n_frames: int) -> WindowState:
        """State of points seen only at their query: there, certainly visible."""
        xy = queries_xy.float()[:, None].expand(-1, n_frames, -1, -1)
        zeros = xy.new_zeros(xy.shape[:-1])
        return WindowState(xy, zeros + CERTAINLY_VISIBLE, zeros)

    def refine(
        self,
        features: Tensor,
        point_features: Tensor,
        state: WindowState,
        *,
        query_frame: Tensor,
        overlap: int = 0,
        n_real: int | None = None,
        iterations: int = 6,
    ) -> list[WindowState]:
        """Refine one window; visibility is only renewed by the last iteration."""
        pyramid = build_pyramid(features, self.config.corr_levels)
        n_frames = features.shape[1]
        track_features = point_features[:, None].expand(-1, n_frames, -1, -1)
        time = torch.arange(n_frames, device=features.device)[None, :, None]
        fresh = (time >= query_frame[:, None]) & (time >= overlap)
        if n_real is not None and self.masks_padding:
            fresh = fresh & (time < n_real)
        position = self._embed_position(state.xy[:, 0], features.shape[2:4])
        states = []
        for _ in range(iterations):
            with reduced(self.arithmetic, features.device):
                tokens = self._tokens(pyramid, track_features, state, fresh)
                tokens = tokens + position[:, None] + self.time_emb[:, :, None]
                update = self._transform(tokens, query_frame < n_frames).float()
                change = self.norm(update[..., 2:].reshape(-1, update.shape[-1] - 2))
                change = self._update_features(change).float()
            state = state._replace(xy=state.xy + update[..., :2] * self.stride)
            track_features = track_features + change.view_as(track_features)
            states.append(state)
        visibility = self.vis_predictor(track_features)[..., 0]
        states[-1] = state._replace(visibility=visibility)
        return states

    @torch.no_grad()
    def predict(
        self, video: Tensor, queries_txy: Tensor, iterations: int = 6
    ) -> Prediction:
        """Track (N, 3) queries through one (T, 3, H, W) clip at model resolution."""
        features = self.encode(video[None])
        queries_txy = queries_txy[None].to(features.device, torch.float32)
        state = predict_windowed(self, features, queries_txy, iterations)
        return Prediction(state.xy[0], state.visibility[0].sigmoid(), None)

    def _tokens(
        self,
        pyramid: list[FeatureLevel],
        track_features: Tensor,
        state: WindowState,
        fresh: Tensor,
    ) -> Tensor:
        feature_xy = state.xy / self.stride
        volumes = [
            correlate_feature(
                level,
                track_features,
                feature_xy / 2**i,
                self.config.corr_radius,
                zero_outside=self.zero_outside,
            )
            for i, level in enumerate(pyramid)
        ]
        flow = encode_flow(feature_xy - feature_xy[:, :1])
        scores = self._scores(fresh.float(), state.visibility)
        return torch.cat([flow, *volumes, track_features, scores], dim=-1)

    def _scores(self, fresh: Tensor, visibility: Tensor) -> Tensor:
        """Join two (B, S, N) token channels into (B, S, N, 2)."""
        return torch.stack([fresh, visibility], dim=-1)

    def _embed_position(self, xy: Tensor, grid: Sequence[int]) -> Tensor:
        height, width = self.config.model_resolution
        table = (height // self.stride, width // self.stride)
        return sample_position_table(xy / self.stride, table, self.config.token_width)

    def _transform(self, tokens: Tensor, active: Tensor) -> Tensor:
        assert isinstance(self.updateformer, UpdateTransformer)
        embedded = self.updateformer.embed(tokens).transpose(1, 2)  # (B, N, S, W)
        tokens = self.updateformer.join([embedded], embedded.shape[1])
        update: Tensor = self.updateformer(tokens, active)
        return update

    def _update_features(self, change: Tensor) -> Tensor:
        out: Tensor = self.track_feat_updater(change)
        return out


def _feature_updater(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, channels), nn.GELU())
