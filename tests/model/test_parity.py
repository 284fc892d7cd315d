"""The published numbers, exactly: golden outputs for deterministic weights."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from recipe import fill_state_dict, video_tensor, weights_digest

from napari_cotracker.model.config import PRESETS
from napari_cotracker.model.cotracker3 import CoTracker3

GOLDENS = Path(__file__).parent / "goldens"
CASES = json.loads((GOLDENS / "manifest.json").read_text())
MAX_PX, MEAN_PX, MAX_SCORE = 5e-4, 1e-4, 5e-5


@cache
def published_network(architecture: str) -> CoTracker3:
    network = CoTracker3(PRESETS[architecture]).eval()
    network.load_state_dict(fill_state_dict(network.state_dict()))
    return network


@pytest.mark.parametrize("name", sorted(CASES))
def test_bare_network_matches_its_golden(name):
    case, golden = CASES[name], np.load(GOLDENS / f"{name}.npz")
    network = published_network(case["architecture"])
    assert weights_digest(network.state_dict()) == case["weights_sha256"]
    shape = case["video"]
    video = video_tensor(shape["T"], shape["H"], shape["W"], shape["seed"])[0]
    with torch.inference_mode():
        answer = network.predict(
            video, torch.from_numpy(golden["queries"][0]), iterations=case["iters"]
        )
    error_px = np.abs(answer.xy.numpy() - golden["coords"][0])
    assert error_px.max() <= MAX_PX
    assert error_px.mean() <= MEAN_PX
    np.testing.assert_allclose(
        answer.visibility, golden["vis"][0], atol=MAX_SCORE, rtol=0
    )
    np.testing.assert_allclose(
        answer.confidence, golden["conf"][0], atol=MAX_SCORE, rtol=0
    )


def test_published_networks_have_the_published_number_of_parameters():
    for architecture in ("cotracker3_offline", "cotracker3_online"):
        network = published_network(architecture)
        assert sum(p.numel() for p in network.parameters()) == 25_385_700
