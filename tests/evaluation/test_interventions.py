"""The simulated annotator: counted by hand, and on a film with real flow."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tracking_oracle import StagedOracle, film, world_xy

from napari_cotracker.evaluation.interventions.annotator import (
    Effort,
    annotate,
    efforts_of,
    first_labels,
)
from napari_cotracker.evaluation.interventions.flow import (
    Chains,
    DenseFlow,
    LucasKanade,
    Pictures,
)
from napari_cotracker.evaluation.interventions.followers import (
    ChainedFlow,
    Interpolation,
    Network,
)
from napari_cotracker.evaluation.interventions.report import family_of, report
from napari_cotracker.evaluation.labelled import LabelledClip
from napari_cotracker.tracking import TrackingOptions
from napari_cotracker.video import open_video


def clip_of(frames, xy, track=None, size=(256, 256)):
    track = ["a"] * len(frames) if track is None else track
    return LabelledClip(
        "made_up", None, size, np.array(track), np.array(frames), np.array(xy, "f4")
    )


class Scripted:
    """Right where it is told to be once some label is placed."""

    def __init__(self, clip, helps):
        self.clip, self.helps, self.asked = clip, helps, []

    def follow(self, placed):
        self.asked.append(np.flatnonzero(placed).tolist())
        right = placed.copy()
        for row in np.flatnonzero(placed):
            right[self.helps.get(row, [])] = True
        return np.where(right[:, None], self.clip.xy, self.clip.xy + 9)


def test_clicks_are_counted_until_everything_is_right():
    clip = clip_of([0, 5, 9, 0, 3, 4], np.zeros((6, 2)), list("aaabbb"))
    assert first_labels(clip).tolist() == [True, False, False, True, False, False]
    follower = Scripted(clip, {0: [1], 4: [5]})
    effort = annotate(clip, "scripted", follower)
    # One click for each track, then the earliest wrong label of each.
    assert follower.asked == [[0, 3], [0, 2, 3, 4]]
    assert (effort.labels, effort.clicks, effort.rounds) == (6, 4, 2)


def test_the_most_urgent_wrong_label_is_corrected_where_urgency_is_known():
    clip = clip_of([0, 5, 9], np.zeros((3, 2)))
    follower = Scripted(clip, {2: [1]})
    urgency = np.array([9.0, 0.1, 0.7], np.float32)
    effort = annotate(clip, "scripted", follower, lambda: urgency)
    assert follower.asked == [[0], [0, 2]]
    assert effort.clicks == 2


def test_eight_pixels_are_meant_at_256():
    clip = clip_of([0, 5], np.zeros((2, 2)), size=(512, 512))
    assert annotate(clip, "near", Scripted(clip, {})).clicks == 1


def test_interpolation_is_straight_and_stays_outside():
    clip = clip_of([0, 5, 10, 20], [[0, 0], [9, 9], [10, 20], [0, 0]])
    answers = Interpolation(clip).follow(np.array([True, False, True, False]))
    np.testing.assert_allclose(answers, [[0, 0], [5, 10], [10, 20], [10, 20]])


def drifting(n_frames=12):
    texture = np.random.default_rng(0).integers(0, 255, (40, 60)).astype(np.uint8)
    texture = np.kron(texture, np.ones((4, 4), np.uint8))
    return np.stack([texture[20:116, 20 + t : 148 + t] for t in range(n_frames)])


@pytest.mark.parametrize("kind", [LucasKanade, DenseFlow])
@pytest.mark.parametrize("blended", [False, True])
def test_flow_follows_a_drifting_texture(kind, blended):
    source = open_video(drifting())
    frames = [0, 4, 8, 11]
    clip = clip_of(frames, [[60 - t, 50] for t in frames], size=source.size)
    pictures = Pictures(source)
    chains = Chains(pictures, kind(pictures), clip.frame, clip.xy)
    follower = ChainedFlow(clip, chains, blended=blended)
    answers = follower.follow(np.array([True, False, False, False]))
    np.testing.assert_allclose(answers, clip.xy, atol=1)
    answers = follower.follow(np.array([True, False, True, False]))
    np.testing.assert_allclose(answers, clip.xy, atol=1)


def test_flow_is_computed_once():
    class Counting:
        def __init__(self):
            self.steps = []

        def move(self, frame, to, xy):
            self.steps.append((frame, to))
            return xy

    source, flow = open_video(drifting()), Counting()
    clip = clip_of([0, 5, 11], [[60, 50], [55, 50], [49, 50]], size=source.size)
    chains = Chains(Pictures(source), flow, clip.frame, clip.xy)
    follower = ChainedFlow(clip, chains, blended=True)
    follower.follow(np.array([True, False, False]))
    assert flow.steps == [(t, t + 1) for t in range(11)]
    flow.steps.clear()
    follower.follow(np.array([True, False, True]))
    # Only backwards from the new click, up to the label in between.
    assert flow.steps == [(t, t - 1) for t in range(11, 5, -1)]


def test_large_pictures_are_shrunk_and_positions_come_back():
    pictures = Pictures(open_video(np.zeros((2, 400, 1280), np.uint8)))
    assert pictures[0].shape == (200, 640)
    xy = np.array([[0, 0], [1279, 399], [100.5, 20.25]], np.float32)
    np.testing.assert_allclose(
        pictures.to_native(pictures.to_shrunk(xy)), xy, atol=1e-3
    )


def test_our_network_is_asked_again_only_where_a_click_changes_something():
    video, oracle = film(40), StagedOracle(8, 4)
    frames, names = [0, 10, 20, 39, 5, 30], ["a"] * 4 + ["b"] * 2
    xy = [
        world_xy(t, (50, 50) if n == "a" else (40, 40), 0)
        for t, n in zip(frames, names, strict=True)
    ]
    clip = clip_of(frames, xy, names, size=(96, 128))
    clip.xy[2] += 20  # a label that nothing can guess
    network = Network(clip, open_video(video), oracle, TrackingOptions(support_grid=0))
    effort = annotate(clip, "ours", network)
    # The odd label pulls the one after it along, not the one before.
    assert (effort.clicks, effort.rounds) == (4, 3)
    assert set(oracle.encoded.values()) == {1}
    assert network.suspicion().shape == (6,)


def test_one_table_over_families(tmp_path):
    video = drifting()
    clip = clip_of([0, 11], [[60, 50], [49, 50]], size=video.shape[1:])
    path = tmp_path / "frames"
    path.mkdir()
    from PIL import Image

    for t, picture in enumerate(video):
        Image.fromarray(picture).save(path / f"{t:03}.png")
    clip = LabelledClip("us_1", path, clip.size, clip.track, clip.frame, clip.xy)

    class Still(StagedOracle):
        def encode(self, frames):
            return torch.zeros((1, frames.shape[1], 1, 1, 1))

        def sample(self, features, queries_txy):
            return torch.zeros((1, queries_txy.shape[1], 1))

        def refine(self, features, point_features, state, **_):
            return [state]

    efforts = list(efforts_of(clip, Still(), TrackingOptions()))
    plain, lines = report(
        [*efforts, *(Effort("dlc_1", e.method, 10, 2, 5, 1, 2.0) for e in efforts)]
    )
    json.dumps(plain)
    ours = plain["families"]["ultrasound"]
    assert ours["ours"]["clicks_per_100"] == 100
    assert plain["families"]["dlc"]["ours"]["first_per_100"] == 20
    assert ours["LK forward"]["clicks_per_100"] == 50
    assert plain["ratio_to_best_flow"] == {"dlc": 1, "ultrasound": 2, "all": 1.5}
    assert plain["families"]["all"]["ours"]["clicks_per_100"] == 75
    assert len(lines) == 2 + 3
    assert family_of("lips_002_cal") == "lips" and family_of("tp_x") == "beads"
