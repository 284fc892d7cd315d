"""Give trained weights room for further correlation levels, coarser or finer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_cotracker.model.embeddings import sincos_table

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.model.cotracker3 import CoTracker3

_FINE = "fnet.fine."
_INPUT = "updateformer.input_transform.weight"
# A small table that was never trained, and that fp16 would spoil.
TIMES = "time_emb"


def widened(weights: dict[str, Tensor], model: CoTracker3) -> dict[str, Tensor]:
    """Fit weights of fewer correlation levels to a network that has more.

    The network answers as before: it is not listening to the new levels yet, and its
    table of times stays as it was learned with, zero where tokens grew.

    Parameters
    ----------
    weights : dict
        With or without the table of times. Returned as they are unless exactly
        correlation levels are missing.
    model : CoTracker3
        The larger network, new: what makes its fine map begins as it is there.
    """
    config = model.config
    columns = weights[_INPUT] if _INPUT in weights else torch.zeros(0, 0)
    missing = config.token_width - columns.shape[1]
    levels = len(config.level_strides) * config.corr_out
    if not 0 < missing < levels:
        return weights
    if missing % config.corr_out:
        return weights
    fine = {k: v for k, v in model.state_dict().items() if k.startswith(_FINE)}
    if not fine.keys().isdisjoint(weights):
        return weights
    usual = sincos_table(config.window_len, columns.shape[1])[None]
    # After the scores come the levels, those that were added the last; then motion.
    place = 2 + levels - missing
    grown = {
        _INPUT: _with_zeros(columns, place, missing),
        TIMES: _with_zeros(weights.get(TIMES, usual), place, missing),
    }
    return weights | grown | fine


def _with_zeros(values: Tensor, place: int, count: int) -> Tensor:
    """Insert zeros into the last dimension."""
    zeros = values.new_zeros(*values.shape[:-1], count)
    return torch.cat([values[..., :place], zeros, values[..., place:]], dim=-1)
