"""``reference=True`` gives what the published predictors give."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from published import published_network
from recipe import mask, video

from napari_cotracker import Queries, TrackingOptions, track
from napari_cotracker.errors import InputError
from napari_cotracker.model.build import build_network
from napari_cotracker.model.config import PRESETS
from napari_cotracker.tracking.published.streaming import ReferenceStream
from napari_cotracker.tracks import Source

GOLDENS = Path(__file__).parent / "goldens"
CASES = json.loads((GOLDENS / "manifest.json").read_text())
LONG = ("_fullres", "_dense")
LARGEST_PX, MEAN_PX, MAX_SCORE, UNDECIDED = 5e-4, 1e-4, 5e-5, 1e-4


def queries_of(case, golden):
    """Rows of (t, x, y) in pixels; grids as the published predictor lays them."""
    if "queries" in golden:
        return golden["queries"][0]
    if case.get("dense"):
        return every_pixel(case)
    queries_txy = grid_of(case)
    return queries_txy[in_mask(case, queries_txy)]


def every_pixel(case):
    shape = case["video"]
    y, x = np.indices((shape["H"], shape["W"]))
    frame = np.full(x.size, case["grid_query_frame"])
    return np.column_stack([frame, x.ravel(), y.ravel()])


def in_mask(case, queries_txy):
    """Published: the mask is resized to the model frame and looked up there."""
    if "mask" not in case:
        return np.ones(len(queries_txy), bool)
    shape, (height, width) = case["video"], case["interp"]
    area = torch.from_numpy(mask(shape["H"], shape["W"], case["mask"]))
    area = F.interpolate(area, (height, width), mode="nearest")[0, 0].numpy()
    scale = (width - 1) / (shape["W"] - 1), (height - 1) / (shape["H"] - 1)
    x, y = np.round(queries_txy[:, 1:] * scale).astype(int).T
    return area[y, x] > 0


def grid_of(case):
    height, width = case["interp"]
    side, shape = case["grid_size"], case["video"]
    frame = case["grid_query_frame"] or 0
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
            np.full(side**2, frame),
            x.ravel() * (shape["W"] - shift) / (width - shift),
            y.ravel() * (shape["H"] - shift) / (height - shift),
        ]
    )


def names_of(mode):
    """Cases of one published predictor; those at full resolution take their time."""
    return [
        pytest.param(name, marks=[pytest.mark.long] * name.endswith(LONG))
        for name, case in sorted(CASES.items())
        if case.get("mode", "whole") == mode
    ]


def supported(case):
    """Published: single queries and masked grids get support points."""
    if case.get("mode") == "online":
        return case.get("support", False)
    return not case.get("dense") and (not case["grid_size"] or "mask" in case)


@pytest.mark.parametrize("name", names_of("whole"))
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
            support_grid=6 if supported(case) else 0,
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


@pytest.mark.parametrize("name", names_of("online"))
def test_published_streaming_predictor(name):
    case, golden = CASES[name], np.load(GOLDENS / f"{name}.npz")
    shape = case["video"]
    clip = video(shape["T"], shape["H"], shape["W"], shape["seed"])
    network = published_network(case["architecture"])
    stream = ReferenceStream(
        network,
        Queries.from_txy(queries_of(case, golden)),
        clip.shape[1:3],
        model_resolution=tuple(case["interp"]),
        support_grid=6 if supported(case) else 0,
    )
    step, length = network.window_step, network.window_len
    scale = np.array([shape["W"], shape["H"]]) / case["interp"][::-1]
    begins = range(0, max(1, len(clip) - step), step)
    assert len(begins) == golden["n_steps"]
    for i, begin in enumerate(begins):
        tracks = stream.push(clip[begin : begin + length])
        error_px = np.abs(tracks.xy - golden[f"step{i}_tracks"][0]) / scale
        assert error_px.max() <= LARGEST_PX
        assert error_px.mean() <= MEAN_PX
        n = tracks.n_tracks
        raw = golden[f"step{i}_raw_vis"][0, :, :n]
        np.testing.assert_allclose(tracks.visibility, raw, atol=MAX_SCORE, rtol=0)
        belief = raw
        if network.has_confidence:
            sure = golden[f"step{i}_raw_conf"][0, :, :n]
            np.testing.assert_allclose(tracks.confidence, sure, atol=MAX_SCORE, rtol=0)
            belief = raw * sure
        decided = np.abs(belief - 0.6) > UNDECIDED
        np.testing.assert_array_equal(
            tracks.visible[decided], golden[f"step{i}_visible"][0][decided]
        )


def test_streaming_and_the_whole_clip_agree():
    network = published_network("cotracker3_online")
    clip = video(29, 64, 96, 3)
    queries = [[0, 20, 30], [12, 50, 20], [21, 70, 40]]
    stream = ReferenceStream(
        network, Queries.from_txy(queries), (64, 96), model_resolution=(64, 96)
    )
    for begin in (0, 8, 16):
        streamed = stream.push(clip[begin : begin + 16])
    whole = track(
        clip,
        queries,
        network,
        TrackingOptions(
            reference=True,
            direction="forward",
            model_resolution=(64, 96),
            support_grid=0,
        ),
    )
    known = whole.source == Source.MODEL
    np.testing.assert_allclose(streamed.xy[known], whole.xy[known], atol=1e-4)
    np.testing.assert_allclose(streamed.visibility, whole.visibility, atol=1e-6)


def test_a_network_without_windows_cannot_stream():
    network = published_network("cotracker3_offline")
    with pytest.raises(InputError, match="whole recording"):
        ReferenceStream(network, Queries.from_txy([[0, 5, 5]]), (64, 96))


def test_a_chunk_of_another_size_is_refused():
    network = published_network("cotracker3_online")
    stream = ReferenceStream(network, Queries.from_txy([[0, 5, 5]]), (64, 96))
    with pytest.raises(InputError, match="1 to 16 frames"):
        stream.push(np.zeros((17, 64, 96, 3), np.uint8))
    with pytest.raises(InputError, match=r"\(64, 96, 3\)"):
        stream.push(np.zeros((16, 96, 64, 3), np.uint8))


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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"direction": "backward"}, "direction='backward'"),
        ({"first_frame": 1, "last_frame": 2}, "first_frame, last_frame"),
        ({"region": (0, 0, 20, 20)}, "region"),
        ({"iterations": 4}, "iterations"),
    ],
)
def test_what_no_published_predictor_has_is_refused(options, words):
    network = published_network("cotracker3_online")
    clip = np.zeros((3, 64, 64), np.uint8)
    with pytest.raises(InputError, match=f"has no {words}"):
        track(clip, [[1, 5, 5]], network, TrackingOptions(reference=True, **options))
