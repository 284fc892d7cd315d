"""Give trained weights room for coarser correlation levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_cotracker.model.embeddings import sincos_table

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.model.config import CoTracker3Config

_INPUT = "updateformer.input_transform.weight"
# A small table that was never trained, and that fp16 would spoil.
TIMES = "time_emb"


def widened(weights: dict[str, Tensor], config: CoTracker3Config) -> dict[str, Tensor]:
    """Fit weights of fewer correlation levels to a network that has more.

    The network answers as before: it is not listening to the new levels yet, and its
    table of times stays as it was learned with, zero where tokens grew.

    Parameters
    ----------
    weights : dict
        With or without the table of times. Returned as they are unless exactly
        correlation levels are missing.
    config : CoTracker3Config
        Of the larger network.
    """
    columns = weights[_INPUT] if _INPUT in weights else torch.zeros(0, 0)
    missing = config.token_width - columns.shape[1]
    if not 0 < missing < config.corr_levels * config.corr_out:
        return weights
    if missing % config.corr_out:
        return weights
    usual = sincos_table(config.window_len, columns.shape[1])[None]
    # After the scores come the levels, the finest first; motion comes last.
    place = 2 + config.corr_levels * config.corr_out - missing
    grown = {
        _INPUT: _with_zeros(columns, place, missing),
        TIMES: _with_zeros(weights.get(TIMES, usual), place, missing),
    }
    return weights | grown


def _with_zeros(values: Tensor, place: int, count: int) -> Tensor:
    """Insert zeros into the last dimension."""
    zeros = values.new_zeros(*values.shape[:-1], count)
    return torch.cat([values[..., :place], zeros, values[..., place:]], dim=-1)
