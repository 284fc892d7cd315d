"""What a point is known by: the anchors of its track, but not the next one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from test_retrack import (
    N_FRAMES,
    NO_SUPPORT,
    VIDEO,
    anchors_of,
    check_exact,
    on_world,
)
from tracking_oracle import StagedOracle, world_xy

from napari_cotracker.tracking import (
    FeatureStore,
    TrackingOptions,
    invalid_spans,
    retrack_iter,
    track,
)
from napari_cotracker.tracking.further_anchors import MOST_OTHERS, others_of
from napari_cotracker.tracks import Constraints, Queries, Span


class Acquainted(StagedOracle):
    """Follows what was first of several sightings, once it has seen that all agree."""

    def __init__(self, *sizes, agree=True):
        super().__init__(*sizes)
        self.agree = agree
        self.joined = []

    def join(self, looks):
        t, xy = looks[:, 0].numpy(), looks[:, 1:].numpy()
        self.joined.append(tuple(t.astype(int).tolist()))
        if self.agree:
            off = world_xy(t[0], xy, t[:, None][:, 0]) - xy[0]
            assert np.abs(off).max() < 1e-2, "not the same point"
        return looks[0]


@pytest.mark.parametrize(
    ("own", "sign", "expected"),
    [
        (0, 1, [20, 30, 40, 50]),  # not 10, which it walks towards
        (30, 1, [20, 10, 50, 0]),
        (30, -1, [40, 10, 50, 0]),
        (60, 1, [50, 40, 30, 20]),
        (60, -1, [40, 30, 20, 10]),
    ],
)
def test_the_nearest_count_but_not_the_one_ahead(own, sign, expected):
    frames = np.arange(0, 70, 10)
    found = frames[others_of(frames, own, sign, np.ones(7, bool))]
    assert found.tolist() == expected
    assert len(found) == MOST_OTHERS


def test_alone_or_hidden_there_is_nothing_else_to_know_it_by():
    assert not len(others_of(np.array([5, 5]), 5, 1, np.ones(2, bool)))
    shown = np.array([True, False, True])
    assert others_of(np.array([0, 10, 20]), 20, 1, shown).tolist() == [0]


@settings(max_examples=25, deadline=None)
@given(anchors=anchors_of)
def test_every_sighting_is_of_the_same_point(anchors):
    queries, oracle = on_world(anchors), Acquainted(6, 3)
    check_exact(
        track(VIDEO, queries, oracle, NO_SUPPORT), queries, Constraints(), NO_SUPPORT
    )
    # Frames are encoded once, also those that are looked up long before or after.
    assert max(oracle.encoded.values()) == 1
    for seen in oracle.joined:
        assert len(set(seen)) == len(seen) <= 1 + MOST_OTHERS


def test_sightings_in_hidden_spans_are_of_something_else():
    queries = on_world([(0, 0), (0, 10), (0, 20), (0, 39)])
    oracle = Acquainted(6, 3)
    hidden = Constraints(hidden=(Span(0, 8, 12),))
    track(VIDEO, queries, oracle, NO_SUPPORT, constraints=hidden)
    assert oracle.joined
    assert {t for seen in oracle.joined for t in seen[1:]} == {0, 20, 39}


def test_moving_an_anchor_leaves_what_its_neighbours_say():
    anchors = [(0, 0), (0, 10), (0, 20), (0, 39)]
    before, after = on_world(anchors), on_world(anchors, (0, 20))
    store, oracle = FeatureStore(), Acquainted(6, 3, agree=False)
    old = track(VIDEO, before, oracle, NO_SUPPORT, features=store)
    oracle.joined.clear()
    new = renewed(old, before, after, oracle, store)
    # Only the one that moved is asked again, and nobody else is known by it.
    assert {seen[0] for seen in oracle.joined} == {20}
    # What follows the last anchor was not next to the edit.
    assert np.array_equal(old.xy[39:], new.xy[39:])
    oracle.joined.clear()
    # Now its neighbour moves: what 0 said while it knew the old 20 is worth nothing.
    xy = after.xy.copy()
    xy[1] += 4
    last = type(after)(after.frame, xy, after.point_id)
    renewed(new, after, last, oracle, store)
    assert {seen[0] for seen in oracle.joined} == {0, 10}


def renewed(old, before, after, oracle, store, hidden=None):
    spans = invalid_spans(
        before, after, N_FRAMES, constraints_before=hidden, constraints_after=hidden
    )
    steps = retrack_iter(
        VIDEO,
        after,
        old,
        spans,
        oracle,
        NO_SUPPORT,
        features=store,
        constraints=hidden,
    )
    return list(steps)[-1].tracks_so_far


def test_what_was_known_by_an_anchor_hidden_since_is_asked_again():
    anchors = [(0, 0), (0, 10), (0, 20), (0, 39)]
    before, after = on_world(anchors), on_world(anchors, (0, 0))
    store, oracle = FeatureStore(), Acquainted(6, 3, agree=False)
    old = track(VIDEO, before, oracle, NO_SUPPORT, features=store)
    oracle.joined.clear()
    hidden = Constraints(hidden=(Span(0, 18, 22),))
    renewed(old, before, after, oracle, store, hidden)
    assert set(oracle.joined) == {(0, 39), (10, 39)}


def test_an_anchor_given_twice_counts_once():
    once = on_world([(0, 0), (0, 10), (0, 20)])
    twice = Queries(*(np.concatenate([v, v]) for v in (once.frame, once.xy)), [0] * 6)
    told = []
    for queries in (once, twice):
        oracle = Acquainted(6, 3)
        track(VIDEO, queries, oracle, NO_SUPPORT)
        told.append(oracle.joined)
    assert told[0] == told[1]


def test_one_way_the_anchors_behind_are_known():
    queries = on_world([(0, 0), (0, 10), (0, 20)])
    oracle = Acquainted(6, 3)
    forward = TrackingOptions(direction="forward", support_grid=0)
    track(VIDEO, queries, oracle, forward)
    assert set(oracle.joined) == {(0, 20), (10, 0), (20, 10, 0)}
