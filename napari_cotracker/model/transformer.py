"""Update transformer: attention over time, and over points through virtual tracks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention with separate query and key-value projections."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(width, 2 * width)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Attend from (G, Q, W) to (G, K, W)."""
        key, value = self.to_kv(context).chunk(2, dim=-1)
        heads = [self._split(part) for part in (self.to_q(x), key, value)]
        mixed = F.scaled_dot_product_attention(*heads)  # (G, heads, Q, W/heads)
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two-layer MLP with the tanh approximation of GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., W) to (..., W)."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x), approximate="tanh"))
        return out


class SelfBlock(nn.Module):
    """Pre-norm self-attention and MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        """Update (G, K, W) tokens."""
        normed = _normalise(x)
        x = x + self.attn(normed, normed)
        return x + self.mlp(_normalise(x))


class CrossBlock(nn.Module):
    """Pre-norm cross-attention to a context and MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_context = nn.LayerNorm(width)
        self.cross_attn = Attention(width, heads)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Update (G, Q, W) tokens from a (G, K, W) context."""
        x = x + self.cross_attn(_normalise(x), self.norm_context(context))
        return x + self.mlp(_normalise(x))


class UpdateTransformer(nn.Module):
    """CoTracker's ``updateformer``: factorised attention over time and points.

    Points see each other only through the virtual tracks, so the cost is linear in
    their number (CoTracker 2 paper, section 3.3).
    """

    def __init__(
        self, *, token_width: int, hidden: int, heads: int, depth: int, virtual: int
    ) -> None:
        super().__init__()
        self.input_transform = nn.Linear(token_width, hidden)
        # The attribute is misspelt in every published checkpoint.
        self.virual_tracks = nn.Parameter(torch.randn(1, virtual, 1, hidden))
        self.time_blocks = _blocks(SelfBlock, hidden, heads, depth)
        self.space_virtual_blocks = _blocks(SelfBlock, hidden, heads, depth)
        self.space_point2virtual_blocks = _blocks(CrossBlock, hidden, heads, depth)
        self.space_virtual2point_blocks = _blocks(CrossBlock, hidden, heads, depth)
        self.flow_head = nn.Linear(hidden, 2)
        self.vis_conf_head = nn.Linear(hidden, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, S, N, D) tokens to (B, S, N, 4) updates: dx, dy, dvis, dconf."""
        batch, n_frames, n_points, _ = tokens.shape
        x = self.input_transform(tokens).transpose(1, 2)  # (B, N, S, W)
        virtual = self.virual_tracks.to(x.dtype).expand(batch, -1, n_frames, -1)
        x = torch.cat([x, virtual], dim=1)  # (B, N + V, S, W)
        for i, time_block in enumerate(self.time_blocks):
            x = time_block(x.flatten(0, 1)).unflatten(0, (batch, -1))
            x = self._mix_points(i, x, n_points)
        points = x[:, :n_points].transpose(1, 2)  # (B, S, N, W)
        return torch.cat([self.flow_head(points), self.vis_conf_head(points)], dim=-1)

    def _mix_points(self, layer: int, x: Tensor, n_points: int) -> Tensor:
        batch = len(x)
        frames = x.transpose(1, 2).flatten(0, 1)  # (B * S, N + V, W)
        points, virtual = frames[:, :n_points], frames[:, n_points:]
        virtual = self.space_virtual2point_blocks[layer](virtual, points)
        virtual = self.space_virtual_blocks[layer](virtual)
        points = self.space_point2virtual_blocks[layer](points, virtual)
        mixed = torch.cat([points, virtual], dim=1)
        return mixed.unflatten(0, (batch, -1)).transpose(1, 2)


def _blocks(
    kind: type[SelfBlock] | type[CrossBlock], width: int, heads: int, depth: int
) -> nn.ModuleList:
    return nn.ModuleList(kind(width, heads) for _ in range(depth))


def _normalise(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)
