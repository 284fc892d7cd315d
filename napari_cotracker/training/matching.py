"""The warm-up objective: find a point of one frame anywhere in another.

InfoNCE of the query's feature against every location of the second frame. It teaches
the encoder alone, at a small part of the price of tracking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_cotracker.model.fine_map import parted

if TYPE_CHECKING:
    from napari_cotracker.model.cotracker3 import CoTracker3
    from napari_cotracker.training.batches import Batch

TEMPERATURE = 0.05


def matching_loss(model: CoTracker3, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy over all locations, targets spread bilinearly over four cells."""
    features = model.encode(batch.video.float())  # (B, 2, h, w, C and what is finer)
    query_frame = batch.queries_txy[..., 0].long()  # (B, N)
    other = 1 - query_frame
    support = model.sample(features, batch.queries_txy)
    point = support[:, :, 0, support.shape[3] // 2]  # (B, N, C), the patch's centre
    coarse, _ = parted(features, point.shape[-1])
    maps = coarse.flatten(2, 3)  # (B, 2, h * w, C)
    scores = torch.einsum("bnc,bfpc->bfnp", point.float(), maps.float()) / TEMPERATURE
    index = other[:, None, :, None].expand(-1, 1, -1, scores.shape[-1])
    scores = scores.gather(1, index)[:, 0]  # (B, N, h * w)
    target_xy = _at(batch.tracks_xy, other)
    seen = _at(batch.visible[..., None], other)[..., 0]
    height, width = features.shape[2:4]
    cells, shares = _bilinear_cells(target_xy / model.stride, height, width)
    log_p = scores.log_softmax(dim=-1)
    loss = -(log_p.gather(-1, cells) * shares).sum(dim=-1)[seen].mean()
    best = cells.gather(-1, shares.argmax(dim=-1, keepdim=True))[..., 0]
    hit = (scores.argmax(dim=-1) == best)[seen].float().mean()
    return loss, {"matching": float(loss.detach()), "top1": float(hit)}


def _at(values: Tensor, frame: Tensor) -> Tensor:
    """Pick (B, N, D) values of (B, T, N, D) at (B, N) frames."""
    index = frame[:, None, :, None].expand(-1, 1, -1, values.shape[-1])
    return values.gather(1, index)[:, 0]


def _bilinear_cells(xy: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Find indices and weights (B, N, 4) of the cells round (B, N, 2) positions."""
    corner = xy.floor()
    fx, fy = (xy - corner).unbind(-1)
    x0, y0 = corner.long().unbind(-1)
    cells, shares = [], []
    for dx, share_x in ((0, 1 - fx), (1, fx)):
        for dy, share_y in ((0, 1 - fy), (1, fy)):
            column = (x0 + dx).clamp(0, width - 1)
            row = (y0 + dy).clamp(0, height - 1)
            cells.append(row * width + column)
            shares.append(share_x * share_y)
    return torch.stack(cells, dim=-1), torch.stack(shares, dim=-1)
