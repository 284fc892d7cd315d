"""The published numbers, exactly: golden outputs for deterministic weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from published import published_digest, published_network
from recipe import video_tensor

GOLDENS = Path(__file__).parent / "goldens"
CASES = json.loads((GOLDENS / "manifest.json").read_text())
MAX_PX, MEAN_PX, MAX_SCORE = 5e-4, 1e-4, 5e-5


@pytest.mark.parametrize("name", sorted(CASES))
def test_bare_network_matches_its_golden(name):
    case, golden = CASES[name], np.load(GOLDENS / f"{name}.npz")
    network = published_network(case["architecture"])
    assert published_digest(case["architecture"]) == case["weights_sha256"]
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
    if "conf" not in golden:
        assert answer.confidence is None
        return
    np.testing.assert_allclose(
        answer.confidence, golden["conf"][0], atol=MAX_SCORE, rtol=0
    )


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [
        ("cotracker3_offline", 25_385_700),
        ("cotracker3_online", 25_385_700),
        ("cotracker2", 45_458_787),
        ("cotracker2v1", 45_458_787),
        ("cotracker1_stride_4_wind_8", 24_149_859),
        ("cotracker1_stride_4_wind_12", 24_149_859),
        ("cotracker1_stride_8_wind_16", 24_149_859),
    ],
)
def test_published_networks_have_the_published_size(architecture, parameters):
    network = published_network(architecture)
    assert sum(p.numel() for p in network.parameters()) == parameters
