"""Weights of fewer correlation levels go on in a network that has more."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_cotracker.model.checkpoint import fit_weights
from napari_cotracker.model.config import COMPACT
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.training.widening import widened


@pytest.mark.parametrize("with_times", [True, False])
def test_a_widened_network_answers_as_before(with_times):
    torch.manual_seed(0)
    coarse = replace(COMPACT.encoder, fine_channels=0)
    small = CoTracker3(replace(COMPACT, corr_levels=2, encoder=coarse)).eval()
    large = CoTracker3(replace(COMPACT, corr_levels=4)).eval()
    weights = small.state_dict()
    if not with_times:
        del weights["time_emb"]
    large.load_state_dict(fit_weights(widened(weights, large), large, "w"))
    video = torch.randint(0, 255, (20, 3, 64, 96)).float()
    queries = torch.tensor([[0.0, 20, 30], [3, 50, 40]])
    before, after = (net.predict(video, queries, 2) for net in (small, large))
    for was, now in zip(before, after, strict=True):
        torch.testing.assert_close(now, was, rtol=1e-4, atol=1e-4)


def test_what_fits_or_is_another_network_is_left_alone():
    network = CoTracker3(COMPACT)
    weights = network.state_dict()
    assert widened(weights, CoTracker3(COMPACT)) is weights
    other = CoTracker3(replace(COMPACT, corr_out=32)).state_dict()
    assert widened(other, CoTracker3(COMPACT)) is other
    assert widened({}, CoTracker3(COMPACT)) == {}


def test_where_the_fine_map_is_known_nothing_is_put_behind_it():
    known = CoTracker3(replace(COMPACT, corr_levels=3)).state_dict()
    assert widened(known, CoTracker3(COMPACT)) is known
