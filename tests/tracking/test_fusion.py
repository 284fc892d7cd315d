"""Which direction is believed between two anchors."""

from __future__ import annotations

import numpy as np
from tracking_oracle import StagedOracle, film

from napari_cotracker.model.interface import WindowState
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracks import Queries

GAP = Queries(frame=[0, 20], xy=[[40, 40], [40, 40]], point_id=[0, 0])
OPTIONS = TrackingOptions(support_grid=0)


class Losing(StagedOracle):
    """A point at rest that each direction loses after some frames, to its own side."""

    def __init__(self, ahead, back, confidence=(0.0, 0.0)):
        super().__init__(None, 8)
        self.lost_after = {True: ahead, False: back}
        self.logits = {True: confidence[0], False: confidence[1]}

    def refine(self, features, point_features, state, **_):
        t = features[0, :, 0, 0, 0].numpy()
        forward = bool(t[0] < t[-1])
        gone = np.arange(len(t)) > self.lost_after[forward]
        xy = state.xy.clone()
        xy[0, gone, :, 0] += 30 if forward else -30
        return [
            WindowState(xy, state.visibility, state.confidence + self.logits[forward])
        ]


def error(ahead, back, **kwargs):
    tracks = track(film(21), GAP, Losing(ahead, back, **kwargs), OPTIONS)
    return np.linalg.norm(tracks.xy[:, 0] - 40, axis=1)


def test_a_direction_that_has_lost_the_point_is_not_mixed_in():
    # Both are right from frame 8 to 12: before, back is wrong; after, ahead is.
    assert error(12, 12).max() < 1
    assert error(19, 5).max() < 1
    assert error(3, 19).max() < 1


def test_where_they_never_meet_both_are_heard():
    off = error(4, 4)
    assert off[10] < 1
    assert 5 < off[7] < 25


def test_the_more_confident_direction_weighs_more():
    sure = error(4, 4, confidence=(4.0, -2.0))
    even = error(4, 4)
    assert sure[2] < even[2]
    assert sure[18] > even[18]
