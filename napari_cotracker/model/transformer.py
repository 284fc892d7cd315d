"""Update transformer: attention over time, and over points through virtual tracks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_cotracker.model.portions import (
    lengthened,
    overwrite_in_portions,
    usual_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

# Attention scores of groups that are larger to both sides are not held in memory.
SMALL_GROUP = 64


class Attention(nn.Module):
    """Multi-head attention with separate query and key-value projections."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(width, 2 * width)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend from (G, Q, W) to (G, K, W); ``mask`` is added to the scores."""
        key, value = self.to_kv(context).chunk(2, dim=-1)
        query, key, value = map(self._split, (self.to_q(x), key, value))
        # (G, heads, Q, W/heads)
        mixed = attend(query, key, value, mask)
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two-layer MLP with the tanh approximation of GELU.

    In bf16 with GELU itself: the two are closer than neighbouring numbers, and a
    processor needs five times as long for the approximation.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., W) to (..., W)."""
        hidden = self.fc1(x)
        kind = "none" if hidden.dtype is torch.bfloat16 else "tanh"
        out: Tensor = self.fc2(F.gelu(hidden, approximate=kind))
        return out


class SelfBlock(nn.Module):
    """Pre-norm self-attention and MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        """Update (G, K, W) tokens."""
        normed = normalise(x)
        x = x + self.attn(normed, normed)
        return x + self.mlp(normalise(x))


class CrossBlock(nn.Module):
    """Pre-norm cross-attention to a context and MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_context = nn.LayerNorm(width)
        self.cross_attn = Attention(width, heads)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Update (G, Q, W) tokens from a (G, K, W) context."""
        x = x + self.cross_attn(normalise(x), self.norm_context(context), mask)
        return x + self.mlp(normalise(x))


class UpdateTransformer(nn.Module):
    """CoTracker's ``updateformer``: factorised attention over time and points.

    Points see each other only through the virtual tracks, so the cost is linear in
    their number (CoTracker 2 paper, section 3.3).
    """

    def __init__(
        self,
        *,
        token_width: int,
        hidden: int,
        heads: int,
        depth: int,
        virtual: int,
        outputs: int = 2,
        score_outputs: int = 2,
        row_mask_fault: bool = False,
    ) -> None:
        super().__init__()
        self.input_transform = nn.Linear(token_width, hidden)
        # The attribute is misspelt in every published checkpoint.
        self.virual_tracks = nn.Parameter(torch.randn(1, virtual, 1, hidden))
        self.time_blocks = _blocks(SelfBlock, hidden, heads, depth)
        self.space_virtual_blocks = _blocks(SelfBlock, hidden, heads, depth)
        self.space_point2virtual_blocks = _blocks(CrossBlock, hidden, heads, depth)
        self.space_virtual2point_blocks = _blocks(CrossBlock, hidden, heads, depth)
        self.flow_head = nn.Linear(hidden, outputs)
        self.vis_conf_head = nn.Linear(hidden, score_outputs) if score_outputs else None
        self.row_mask_fault = row_mask_fault

    def embed(self, tokens: Tensor) -> Tensor:
        """Map tokens (..., D) to the width of the transformer (..., W)."""
        x: Tensor = self.input_transform(tokens)
        return x

    def join(self, parts: Iterable[Tensor], n_points: int) -> Tensor:
        """Put embedded points (B, n, S, W), N in all, before the virtual tracks.

        Each part goes to its place as it comes: a long window is not held twice.
        """
        x: Tensor | None = None
        begin = 0
        for part in parts:
            batch, several, n_frames, width = part.shape
            if x is None:
                n_tracks = n_points + self.virual_tracks.shape[1]
                x = part.new_empty(batch, n_tracks, n_frames, width)
                x[:, n_points:] = self.virual_tracks
            x[:, begin : begin + several] = part
            begin += several
        assert x is not None  # there is at least one point
        return x

    def forward(self, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Map embedded tokens to updates.

        Parameters
        ----------
        x : (B, N + V, S, W)
            From :meth:`join`; without gradients it is overwritten.
        active : (B, N) bool or None
            Points that are queried already; the others neither speak nor listen
            (CoTracker 2).

        Returns
        -------
        (B, S, N, outputs + score_outputs): dx, dy, then whatever else is learned.
        """
        n_points = x.shape[1] - self.virual_tracks.shape[1]
        for i, time_block in enumerate(self.time_blocks):
            x = overwrite_in_portions(partial(_over_time, time_block), x, dim=1)
            mix = partial(self._mix_points, i, active=active, n_points=n_points)
            x = overwrite_in_portions(mix, x, dim=2)
        points = lengthened(x[:, :n_points], 1, usual_size(n_points, x))
        update: Tensor = self.flow_head(points)
        if self.vis_conf_head is not None:
            update = torch.cat([update, self.vis_conf_head(points)], dim=-1)
        return update[:, :n_points].transpose(1, 2)

    def _mix_points(
        self, layer: int, x: Tensor, *, active: Tensor | None, n_points: int
    ) -> Tensor:
        """Let the points of each frame see each other; (B, N + V, S, W)."""
        batch, _, n_frames, _ = x.shape
        frames = x.transpose(1, 2).flatten(0, 1)  # (B * S, N + V, W)
        points, virtual = frames[:, :n_points], frames[:, n_points:]
        to_virtual, to_points = self._masks(active, n_frames, x.dtype)
        if to_virtual is None:
            points = lengthened(points, 1, usual_size(n_points, x))
            to_virtual = _first_keys(n_points, points)
        virtual = self.space_virtual2point_blocks[layer](virtual, points, to_virtual)
        virtual = self.space_virtual_blocks[layer](virtual)
        points = self.space_point2virtual_blocks[layer](points, virtual, to_points)
        mixed = torch.cat([points[:, :n_points], virtual], dim=1)
        return mixed.unflatten(0, (batch, -1)).transpose(1, 2)

    def _masks(
        self, active: Tensor | None, n_frames: int, dtype: torch.dtype
    ) -> tuple[Tensor | None, Tensor | None]:
        """Additive masks of virtual-to-point and point-to-virtual attention."""
        if active is None or bool(active.all()):
            return None, None
        # Finite, so that a fully masked row attends evenly instead of giving NaN.
        bias = (~active).to(dtype) * torch.finfo(dtype).min
        bias = bias.repeat_interleave(n_frames, dim=0)  # (B * S, N)
        context, rows = bias[:, None, None, :], bias[:, None, :, None]
        n_virtual = self.virual_tracks.shape[1]
        if self.row_mask_fault and active.shape[1] == n_virtual:
            # Published: with as many points as virtual tracks the mask is taken
            # for one of rows (reference/spec.md, 5.9, quirk 3).
            return rows, rows
        return context, rows


def _over_time(block: nn.Module, x: Tensor) -> Tensor:
    """Let the frames of each track see each other; (B, N, S, W)."""
    out: Tensor = block(x.flatten(0, 1))
    return out.unflatten(0, x.shape[:2])


def _blocks(
    kind: type[SelfBlock] | type[CrossBlock], width: int, heads: int, depth: int
) -> nn.ModuleList:
    return nn.ModuleList(kind(width, heads) for _ in range(depth))


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Mix values by scaled dot-product attention; all (G, heads, Q or K, W/heads).

    A processor needs half the time for many small groups where the products of all
    are made at once.
    """
    of_keys = mask is None or mask.shape[:-1].numel() == 1
    usual = query.device.type != "cpu" or torch.is_grad_enabled() or not of_keys
    if usual or min(query.shape[-2], key.shape[-2]) > SMALL_GROUP:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    rows, keys, values = (part.flatten(0, 1) for part in (query, key, value))
    # Keys are scaled: where queries or scores are, the compiler takes it all back.
    scores = torch.bmm(rows, keys.transpose(1, 2) * rows.shape[-1] ** -0.5)
    if mask is not None:
        scores = scores + mask.flatten()
    return torch.bmm(scores.softmax(-1), values).unflatten(0, query.shape[:2])


def _first_keys(several: int, context: Tensor) -> Tensor | None:
    """Additive mask of all but the first few of a (G, K, W) context."""
    n_keys = context.shape[1]
    if several == n_keys:
        return None
    beyond = torch.arange(n_keys, device=context.device) >= several
    mask = torch.zeros(1, 1, 1, n_keys, dtype=context.dtype, device=context.device)
    return mask.masked_fill_(beyond, -torch.inf)


def normalise(x: Tensor) -> Tensor:
    """Layer norm without parameters, with the published epsilon."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)
