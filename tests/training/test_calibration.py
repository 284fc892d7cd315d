"""Confidence that means how often an answer is right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_cotracker import load_model
from napari_cotracker.evaluation.dense import followed, targets
from napari_cotracker.model.config import COMPACT
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.training.calibration import CLOSE_PX, calibrate, fit_logits
from napari_cotracker.training.scenes import SPLITS
from napari_cotracker.training.validation import truths


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_a_known_line_through_the_logits_is_found():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 200_000)
    right = rng.random(len(logits)) < sigmoid(0.5 * logits - 1)
    scale, shift = fit_logits(sigmoid(logits).astype(np.float32), right)
    assert scale == pytest.approx(0.5, abs=0.02)
    assert shift == pytest.approx(-1, abs=0.03)


def test_answers_that_are_all_right_or_sure_do_no_harm():
    scale, shift = fit_logits(np.ones(9, np.float32), np.ones(9, bool))
    assert np.isfinite([scale, shift]).all()


def test_the_fit_travels_with_the_weights_and_reaches_the_tracks(tmp_path):
    torch.manual_seed(0)
    weights = CoTracker3(COMPACT).state_dict()
    about = {"confidence_scale": "0.5", "confidence_shift": "-1.25"}
    save_file(weights, tmp_path / "plain.safetensors", metadata={"preset": "compact"})
    save_file(weights, tmp_path / "fitted.safetensors", metadata=about)
    video = np.random.default_rng(1).integers(0, 255, (6, 64, 96, 3), np.uint8)
    plain, fitted = (
        track(
            video,
            [[0, 20, 30]],
            load_model(tmp_path / f"{name}.safetensors", device="cpu"),
            TrackingOptions(support_grid=0, iterations=1),
        )
        for name in ("plain", "fitted")
    )
    np.testing.assert_array_equal(plain.xy, fitted.xy)
    before = plain.confidence[1:].astype(np.float64)
    logits = np.log(before / (1 - before))
    np.testing.assert_allclose(
        fitted.confidence[1:], sigmoid(0.5 * logits - 1.25), atol=1e-5
    )


@pytest.mark.slow
def test_calibrated_confidence_is_right_on_average_for_other_clips():
    model = load_model("compact", device="cpu")
    model.confidence_fit = calibrate(model, 2)
    assert model.confidence_fit != (1.0, 0.0)
    follow = followed(model, TrackingOptions())
    said, right = [], []
    for split in SPLITS:
        for truth in truths(split, 2):
            errors, seen, _, confidence = targets(truth, follow(truth))
            said.append(confidence[seen])
            right.append(errors[seen] < CLOSE_PX)
    assert np.concatenate(said).mean() == pytest.approx(
        np.concatenate(right).mean(), abs=0.08
    )
