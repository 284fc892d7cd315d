"""Scores of scenes whose truth is known everywhere, against hand counts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tracking_oracle import StagedOracle

from napari_cotracker.cli import main
from napari_cotracker.evaluation.dense import (
    DenseAnswer,
    DenseTruth,
    flow,
    followed,
    mean_score,
    score,
    stay,
)
from napari_cotracker.evaluation.dense_report import DenseReport
from napari_cotracker.tracking import TrackingOptions
from napari_cotracker.tracks.accuracy import average_jaccard, calibration


@pytest.fixture
def truth():
    """Two points in four frames of 256 x 256: one moves 2 px per frame, one hides."""
    tracks_xy = np.zeros((4, 2, 2), np.float32)
    tracks_xy[:, 0, 0] = 100 + 2 * np.arange(4)
    tracks_xy[:, 1] = 50
    visible = np.ones((4, 2), bool)
    visible[0, 1] = visible[3, 1] = False
    noise = np.random.default_rng(0).integers(0, 255, (256, 256), np.uint8)
    moved = [np.roll(noise, 2 * t, axis=1) for t in range(4)]
    video = np.repeat(np.stack(moved)[..., None], 3, -1)
    return DenseTruth(video, tracks_xy, visible)


def test_queries_are_the_first_visible_frames(truth):
    assert truth.query_frame.tolist() == [0, 1]
    assert truth.query_xy.tolist() == [[100, 0], [50, 50]]
    assert truth.scored.sum(axis=0).tolist() == [3, 2]


def test_labels_on_several_frames_end_on_the_same_one(truth):
    video = np.zeros((9, 8, 8, 3), np.uint8)
    tracks_xy = np.arange(9 * 3 * 2, dtype=np.float32).reshape(9, 3, 2)
    visible = np.ones((9, 3), bool)
    visible[:2, 0] = visible[4, 0] = visible[:5, 1] = False
    seen = DenseTruth(video, tracks_xy, visible)
    for n, first, second in ((1, [3], [4]), (2, [2, 3], [0, 4]), (3, [2, 2, 3], None)):
        labelled = seen.labelled_on(n)
        assert labelled.tracks_xy.shape == (9, 2, 2), "one is seen too late"
        assert labelled.anchor_frames[:, 0].tolist() == first
        assert second is None or labelled.anchor_frames[:, 1].tolist() == second
        assert labelled.query_frame.tolist() == [3, 4]
        assert labelled.scored.sum(axis=0).tolist() == [5, 4]
        anchors = labelled.anchors
        assert anchors.tracks.tolist() == [0, 1]
        at = labelled.tracks_xy[anchors.frame, anchors.point_id]
        assert np.array_equal(anchors.xy, at)
    assert seen.labelled_on(2).part(1).anchors.frame.tolist() == [2, 3]
    assert truth.anchors.frame.tolist() == [0, 1]


def test_between_labels_at_both_ends(truth):
    ends = truth.labelled_at_both_ends()
    assert ends.anchor_frames.tolist() == [[0], [3]], "the other has nothing between"
    assert ends.query_frame.tolist() == [0]
    assert ends.scored[:, 0].tolist() == [False, True, True, False]
    answer = followed(StagedOracle(), TrackingOptions())(ends)
    assert (answer.xy[3] == ends.tracks_xy[3]).all(), "followed from there as well"


def test_the_truth_scores_one(truth):
    sure = np.ones(truth.visible.shape, np.float32)
    best = score(truth, DenseAnswer(truth.tracks_xy, truth.visible, sure))
    assert best.delta_avg == best.average_jaccard == best.occlusion_accuracy == 1
    assert best.confident_right == best.confident == 1


def test_a_still_point_is_counted_by_hand(truth):
    still = score(truth, stay(truth))
    # Visible targets: errors 2, 4, 6 of the first point and 0 of the second.
    hits = np.array([1, 1, 2, 4, 4]) / 4
    assert still.delta_avg == pytest.approx(hits.mean())
    # Five targets, one of which is hidden but claimed.
    assert still.occlusion_accuracy == pytest.approx(4 / 5)
    rights = np.array([1, 1, 2, 4, 4])
    assert still.average_jaccard == pytest.approx(np.mean(rights / (4 + (5 - rights))))
    assert still.confident_right == 1


def test_flow_follows_a_picture_that_shifts(truth):
    answer = flow(truth)
    np.testing.assert_allclose(answer.xy[:, 0], truth.tracks_xy[:, 0], atol=0.1)


def test_unsure_answers_do_not_count_as_confident(truth):
    far = truth.tracks_xy + 50
    unsure = np.full(truth.visible.shape, 0.2, np.float32)
    row = score(truth, DenseAnswer(far, truth.visible, unsure))
    assert row.confident == 0
    assert np.isnan(row.confident_right)
    sure = score(truth, stay(truth))
    assert mean_score([row, sure]).confident_right == sure.confident_right


def test_jaccard_punishes_what_is_missed_and_what_is_made_up():
    errors = np.zeros(4)
    seen = np.array([True, True, False, False])
    assert average_jaccard(errors, seen, seen) == 1
    assert average_jaccard(errors, seen, np.ones(4, bool)) == 0.5
    assert average_jaccard(errors, seen, np.zeros(4, bool)) == 0


def test_calibration_counts_every_answer_once():
    confidence = np.array([0.0, 0.05, 0.95, 1.0], np.float32)
    bins = calibration(confidence, np.array([0.0, 20, 0, 9]))
    assert [one.count for one in bins] == [2, *[0] * 8, 2]
    assert bins[0].right == bins[-1].right == 0.5
    assert bins[-1].confidence == pytest.approx(0.975)
    assert np.isnan(bins[4].right)


def test_a_report_averages_splits_and_lays_them_out(truth):
    report = DenseReport()
    report.add("one", [truth, truth], stay)
    report.add("two", [truth], flow, baselines=False)
    overall = report.overall()
    assert overall.clips == 3
    mean = np.mean([row.model.delta_avg for row in report.splits])
    assert overall.model.delta_avg == pytest.approx(mean)
    lines = report.lines()
    assert lines[0].startswith("| split | clips | delta | still | LK |")
    assert len({line.count("|") for line in lines[:5]}) == 1
    assert json.loads(json.dumps(report.as_dict()))["splits"]["one"]["clips"] == 2
    assert report.summary()["overall"]["still_delta_avg"] > 0


def test_command_line_needs_exactly_one_kind_of_clips(capsys):
    assert main(["evaluate"]) == 2
    assert "--synthetic" in capsys.readouterr().err
    assert main(["evaluate", "somewhere", "--synthetic", "1"]) == 2


@pytest.mark.slow
def test_command_line_scores_every_split(capsys):
    flags = [
        "--iterations",
        "1",
        "--support-grid",
        "0",
        "--model-resolution",
        "64",
        "64",
    ]
    assert main(["evaluate", "--synthetic", "1", "--json", *flags]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["splits"]) >= {"motion", "overall"}
    assert 0 < result["splits"]["motion"]["still"]["delta_avg"] < 1


def test_part_of_a_truth_keeps_points_whole(truth):
    part = truth.part(1)
    np.testing.assert_array_equal(part.tracks_xy, truth.tracks_xy[:, :1])
    np.testing.assert_array_equal(part.visible, truth.visible[:, :1])
    assert truth.part(9).tracks_xy.shape == truth.tracks_xy.shape


def test_number_of_points_must_make_sense(capsys):
    assert main(["evaluate", "--synthetic", "1", "--points", "0"]) == 2
    assert main(["evaluate", "--synthetic", "1", "--anchors", "0"]) == 2
    assert main(["evaluate", "--synthetic", "1", "--anchors", "2", "--between"]) == 2
    assert "--points is 0" in capsys.readouterr().err
