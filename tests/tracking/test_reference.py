"""``reference=True`` gives what the published predictors give."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from recipe import fill_state_dict, video

from napari_cotracker import Queries, TrackingOptions, track
from napari_cotracker.errors import InputError
from napari_cotracker.model.build import build_network
from napari_cotracker.model.config import PRESETS

GOLDENS = Path(__file__).parent / "goldens"
CASES = json.loads((GOLDENS / "manifest.json").read_text())
LARGEST_PX, MEAN_PX, MAX_SCORE, UNDECIDED = 5e-4, 1e-4, 5e-5, 1e-4


@cache
def published_network(architecture):
    network = build_network(PRESETS[architecture]).eval()
    network.load_state_dict(fill_state_dict(network.state_dict()))
    return network


def queries_of(case, golden):
    """Rows of (t, x, y) in pixels; grids as the published predictor lays them."""
    if "queries" in golden:
        return golden["queries"][0]
    height, width = case["interp"]
    side, shape = case["grid_size"], case["video"]
    old = case["architecture"].startswith("cotracker1")
    margin = width // 64 if old else width / 64
    y, x = np.meshgrid(
        np.linspace(margin, height - margin, side),
        np.linspace(margin, width - margin, side),
        indexing="ij",
    )
    if side == 1:
        x, y = np.array([[width / 2]]), np.array([[height / 2]])
    shift = 0 if old else 1
    return np.column_stack(
        [
            np.full(side**2, case["grid_query_frame"]),
            x.ravel() * (shape["W"] - shift) / (width - shift),
            y.ravel() * (shape["H"] - shift) / (height - shift),
        ]
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_published_predictor(name):
    case, golden = CASES[name], np.load(GOLDENS / f"{name}.npz")
    shape = case["video"]
    clip = video(shape["T"], shape["H"], shape["W"], shape["seed"])
    tracks = track(
        clip,
        queries_of(case, golden),
        model=published_network(case["architecture"]),
        options=TrackingOptions(
            reference=True,
            direction="both" if case["backward"] else "forward",
            model_resolution=tuple(case["interp"]),
            support_grid=0 if case["grid_size"] else 6,
        ),
    )
    scale = np.array([shape["W"], shape["H"]]) / case["interp"][::-1]
    error_px = np.abs(tracks.xy - golden["tracks"][0]) / scale
    assert error_px.max() <= LARGEST_PX
    assert error_px.mean() <= MEAN_PX
    n = tracks.n_tracks
    ahead = golden["raw_fwd_vis"][0, :, :n]
    decided = np.abs(ahead - 0.9) > UNDECIDED
    if case["backward"]:
        decided &= np.abs(golden["raw_bwd_vis"][0, :, :n] - 0.9) > UNDECIDED
    else:
        np.testing.assert_allclose(tracks.visibility, ahead, atol=MAX_SCORE, rtol=0)
    np.testing.assert_array_equal(
        tracks.visible[decided], golden["visible"][0][decided]
    )


def test_our_own_network_has_no_published_predictor():
    network = build_network(PRESETS["compact"]).eval()
    clip = np.zeros((3, 64, 64), np.uint8)
    with pytest.raises(InputError, match="published"):
        track(clip, [[0, 5, 5]], network, TrackingOptions(reference=True))


def test_one_anchor_per_track():
    queries = Queries([0, 2], [[5, 5], [6, 6]], [0, 0])
    network = published_network("cotracker3_online")
    with pytest.raises(InputError, match="one anchor per track"):
        track(
            np.zeros((3, 64, 64), np.uint8),
            queries,
            network,
            TrackingOptions(reference=True),
        )


def test_gradients_stay_as_they_were():
    assert torch.is_grad_enabled()
