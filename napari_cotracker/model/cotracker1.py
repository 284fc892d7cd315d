"""CoTracker 1: points attend to each other directly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_cotracker.model.cotracker2 import CoTracker2, _feature_updater
from napari_cotracker.model.embeddings import sample_position_table, sincos_table
from napari_cotracker.model.interface import Prediction
from napari_cotracker.model.transformer import FeedForward, attend, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_cotracker.model.config import CoTracker2Config


class FusedAttention(nn.Module):
    """Multi-head self-attention with one projection for query, key and value."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Update (G, K, W) tokens."""
        parts = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = attend(*parts)  # (G, heads, K, W/heads)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


class FusedBlock(nn.Module):
    """Pre-norm self-attention and MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = FusedAttention(width, heads)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        """Update (G, K, W) tokens."""
        x = x + self.attn(normalise(x))
        return x + self.mlp(normalise(x))


class AlternatingTransformer(nn.Module):
    """Attention over time and over all points of a frame, in turns."""

    def __init__(self, config: CoTracker2Config, outputs: int) -> None:
        super().__init__()
        self.input_transform = nn.Linear(config.token_width, config.hidden)
        blocks = [
            nn.ModuleList(
                FusedBlock(config.hidden, config.heads) for _ in range(config.depth)
            )
            for _ in range(2)
        ]
        self.time_blocks, self.space_blocks = blocks
        self.flow_head = nn.Linear(config.hidden, outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, S, N, D) tokens to (B, S, N, outputs) updates."""
        batch = len(tokens)
        x = self.input_transform(tokens).transpose(1, 2)  # (B, N, S, W)
        for time_block, space_block in zip(
            self.time_blocks, self.space_blocks, strict=True
        ):
            x = time_block(x.flatten(0, 1)).unflatten(0, (batch, -1))
            frames = x.transpose(1, 2).flatten(0, 1)  # (B * S, N, W)
            x = space_block(frames).unflatten(0, (batch, -1)).transpose(1, 2)
        out: Tensor = self.flow_head(x.transpose(1, 2))
        return out


class CoTracker1(CoTracker2):
    """The network behind the three ``cotracker1`` checkpoints.

    It differs from CoTracker 2 in the transformer, in seeing nothing beyond the image
    border, in a table of positions as large as the frame, in the layout of its last two
    token channels, in marking padded frames as not fresh, and in leaving points out of
    the windows before their query.
    """

    zero_outside = True
    masks_padding = True

    def _add_generation(self) -> None:
        channels = self.config.encoder.channels
        self.ffeat_updater = _feature_updater(channels)
        self.updateformer = AlternatingTransformer(self.config, 2 + channels)
        # Not in the published files, so not in ours.
        table = sincos_table(self.config.window_len, self.config.token_width)
        self.register_buffer("time_emb", table[None], persistent=False)

    def predict(
        self, video: Tensor, queries_txy: Tensor, iterations: int = 6
    ) -> Prediction:
        """Track (N, 3) queries through one (T, 3, H, W) clip at model resolution."""
        # Published: earliest first, ties in whatever order torch leaves them. The order
        # matters, see _scores, so this must be the same call, not a stable sort.
        order = torch.sort(queries_txy[:, 0]).indices
        answer = super().predict(video, queries_txy[order], iterations)
        back = torch.argsort(order)
        return Prediction(answer.xy[:, back], answer.visibility[:, back], None)

    def _embed_position(self, xy: Tensor, grid: Sequence[int]) -> Tensor:
        return sample_position_table(xy / self.stride, grid, self.config.token_width)

    def _scores(self, fresh: Tensor, visibility: Tensor) -> Tensor:
        # The published network joins both along the points and then reinterprets the
        # memory as (N, S, 2), so a point's token holds values of other points and
        # frames. The weights were trained with it; seen in the golden token rows.
        both = torch.cat([fresh, visibility], dim=2).transpose(1, 2)  # (B, 2 N, S)
        batch, n_frames, n_points = fresh.shape
        scrambled = both.reshape(batch, n_points, n_frames, 2)
        return scrambled.transpose(1, 2)

    def _transform(self, tokens: Tensor, active: Tensor) -> Tensor:
        update: Tensor = self.updateformer(tokens)
        return update

    def _update_features(self, change: Tensor) -> Tensor:
        out: Tensor = self.ffeat_updater(change)
        return out
