"""Renewing parts of a result: exact, nothing else touched, the focus first."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_driver import small_network
from test_resume import same
from tracking_oracle import ClipOracle, StagedOracle, film, world_xy

from napari_cotracker.errors import InputError
from napari_cotracker.tracking import (
    FeatureStore,
    TrackingOptions,
    invalid_spans,
    retrack_iter,
    track,
)
from napari_cotracker.tracks import Constraints, Limit, Queries, Span

N_FRAMES = 40
VIDEO = film(N_FRAMES)
NO_SUPPORT = TrackingOptions(support_grid=0)


def on_world(anchors, jump=None):
    """Anchors (point_id, frame) on the true paths of their tracks; one may jump."""
    ids, frames = (np.array(column) for column in zip(*sorted(anchors), strict=True))
    start = np.stack([40.0 + 8 * ids, 48.0 - 3 * ids], 1)
    xy = np.stack(
        [world_xy(t, at, 0) for t, at in zip(frames, start, strict=True)]
    ).astype(np.float32)
    if jump is not None:
        xy[sorted(anchors).index(jump)] += 4
    return Queries(frames, xy, ids)


def reference(queries, constraints, options):
    """What every cell must be: the truth seen from the anchors, NaN where none is."""
    ids = queries.tracks
    known = np.zeros((N_FRAMES, len(ids)), bool)
    for column, point_id in enumerate(ids):
        at = np.sort(queries.frame[queries.point_id == point_id])
        limit = constraints.limit_of(int(point_id))
        gone = constraints.ended_mask([point_id], N_FRAMES)[:, 0]
        t = np.arange(N_FRAMES)
        if limit.first is not None:
            gone |= t < limit.first
        if limit.last is not None:
            gone |= t > limit.last
        for sign, side in ((1, "forward"), (-1, "backward")):
            if {limit.direction, options.direction} - {"both", side}:
                continue
            for frame in at[~gone[at]]:
                here = frame
                while 0 <= here < N_FRAMES and not gone[here]:
                    known[here, column] = True
                    here += sign
                    if here in at:
                        break
        known[at, column] = True
    return known


anchors_of = st.sets(
    st.tuples(st.integers(0, 2), st.integers(0, N_FRAMES - 1)), min_size=1, max_size=7
)
spans_of = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, N_FRAMES - 1), st.integers(0, N_FRAMES - 1)
    ).map(lambda s: Span(s[0], min(s[1:]), max(s[1:]))),
    max_size=2,
)


@st.composite
def constraints_of(draw):
    limits = [
        Limit(
            i,
            draw(st.sampled_from(["both", "forward", "backward"])),
            draw(st.none() | st.integers(0, 20)),
            draw(st.none() | st.integers(20, N_FRAMES - 1)),
        )
        for i in draw(st.sets(st.integers(0, 2), max_size=2))
    ]
    return Constraints(tuple(draw(spans_of)), tuple(draw(spans_of)), tuple(limits))


def check_exact(tracks, queries, constraints, options):
    known = reference(queries, constraints, options)
    columns = [tracks.point_id.tolist().index(i) for i in queries.tracks]
    got = tracks.xy[:, columns]
    assert np.array_equal(np.isfinite(got).all(2), known)
    start = np.stack([40.0 + 8 * queries.tracks, 48.0 - 3 * queries.tracks], 1)
    truth = np.stack([world_xy(t, start, 0) for t in range(N_FRAMES)])
    assert np.abs(got - truth)[known].max() < 2e-3
    hidden = constraints.hidden_mask(queries.tracks, N_FRAMES)
    assert not tracks.visible[:, columns][hidden | ~known].any()
    assert not tracks.visibility[:, columns][hidden].any()
    source = tracks.source[:, columns]
    assert np.array_equal(source > 0, known)
    order = {i: column for column, i in enumerate(queries.tracks.tolist())}
    mine = [order[i] for i in queries.point_id.tolist()]
    assert np.array_equal(got[queries.frame, mine], queries.xy)
    assert (source[queries.frame, mine] == 2).all()
    assert (source == 2).sum() == len(set(zip(queries.frame, mine, strict=True)))


@pytest.mark.parametrize(
    "constraints",
    [
        Constraints(hidden=(Span(7, 0, 3),)),
        Constraints(ends=(Span(7, 0, 3),)),
        Constraints(directions=(Limit(7, "forward"),)),
    ],
)
def test_constraints_of_no_track_are_refused(constraints):
    queries = on_world([(0, 5), (1, 9)])
    with pytest.raises(InputError, match=r"track 7, .* have point_id 0, 1"):
        track(VIDEO, queries, StagedOracle(), constraints=constraints)


WINDOWS = st.sampled_from([(16, 8), (6, 3), (5, 1), (None, 8)])
DIRECTIONS = st.sampled_from(["both", "both", "forward", "backward"])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(anchors_of, constraints_of(), WINDOWS, DIRECTIONS)
def test_any_constraints_are_exact(anchors, constraints, windows, direction):
    queries = on_world(anchors)
    options = TrackingOptions(support_grid=2, direction=direction)
    oracle = StagedOracle(*windows)
    constraints = constraints.of(queries.tracks.tolist())
    tracks = track(VIDEO, queries, oracle, options, constraints=constraints)
    check_exact(tracks, queries, constraints, options)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    anchors_of,
    anchors_of,
    constraints_of(),
    constraints_of(),
    WINDOWS,
    st.none() | st.integers(0, N_FRAMES - 1),
    st.booleans(),
)
def test_any_edit_is_exact_and_touches_nothing_else(
    first, second, decided, redecided, windows, focus, stored
):
    options = TrackingOptions(support_grid=2)
    store = FeatureStore() if stored else None
    before, after = on_world(first), on_world(second)
    oracle = StagedOracle(*windows)
    mine = decided.of(before.tracks.tolist())
    old = track(VIDEO, before, oracle, options, constraints=mine, features=store)
    spans = invalid_spans(
        before,
        after,
        N_FRAMES,
        constraints_before=decided,
        constraints_after=redecided,
        options=options,
    )
    steps = list(
        retrack_iter(
            VIDEO,
            after,
            old,
            spans,
            oracle,
            options,
            focus_frame=focus,
            constraints=redecided,
            features=store,
        )
    )
    check_exact(steps[-1].tracks_so_far, after, redecided, options)
    for step in steps:
        check_untouched(old, step.tracks_so_far, spans)
    assert [s.done for s in steps] == list(range(1, len(steps) + 1)) or len(steps) == 1


def check_untouched(old, new, spans):
    inside = np.zeros(old.source.shape, bool)
    for point_id, first, last in spans:
        inside[first : last + 1, old.point_id == point_id] = True
    n = old.n_tracks
    for key in ("xy", "visibility", "confidence", "visible", "source", "disagreement"):
        one, two = getattr(old, key)[~inside], getattr(new, key)[:, :n][~inside]
        assert np.array_equal(one, two, equal_nan=one.dtype.kind == "f"), key


def test_a_moved_anchor_invalidates_up_to_its_neighbours():
    anchors = [(0, 5), (0, 20), (0, 30), (1, 10)]
    spans = invalid_spans(on_world(anchors), on_world(anchors, (0, 20)), N_FRAMES)
    assert spans == (Span(0, 6, 29),)
    spans = invalid_spans(on_world(anchors), on_world(anchors, (0, 30)), N_FRAMES)
    assert spans == (Span(0, 21, N_FRAMES - 1),)
    without = on_world(anchors[1:])
    assert invalid_spans(on_world(anchors), without, N_FRAMES) == (Span(0, 0, 19),)
    forward = TrackingOptions(direction="forward")
    spans = invalid_spans(on_world(anchors), without, N_FRAMES, options=forward)
    assert spans == (Span(0, 5, 19),)
    assert invalid_spans(None, on_world([(1, 10)]), 12) == (Span(1, 0, 11),)
    assert invalid_spans(on_world(anchors), on_world(anchors), N_FRAMES) == ()


def test_hiding_invalidates_what_is_hidden_and_ending_what_is_beyond():
    anchors = on_world([(0, 5), (0, 30)])
    hidden = Constraints(hidden=(Span(0, 10, 12),))
    spans = invalid_spans(anchors, anchors, N_FRAMES, constraints_after=hidden)
    assert spans == (Span(0, 10, 12),)
    ended = Constraints(ends=(Span(0, 10, 12),))
    spans = invalid_spans(anchors, anchors, N_FRAMES, constraints_before=ended)
    assert spans == (Span(0, 6, 29),)


def test_the_focus_comes_first_and_both_sides_take_turns():
    anchors = [(0, 0), (0, 20), (0, 39)]
    before, after = on_world(anchors), on_world(anchors, (0, 20))
    oracle = StagedOracle(6, 3)
    old = track(VIDEO, before, oracle, NO_SUPPORT)
    spans = invalid_spans(before, after, N_FRAMES)
    steps = list(retrack_iter(VIDEO, after, old, spans, oracle, NO_SUPPORT))
    assert [s.span for s in steps[:4]] == [(20, 25), (15, 20), (23, 28), (12, 17)]
    # From the neighbours towards the focus afterwards.
    low, high = steps[-1].span
    assert low - 1 <= 20 <= high + 1
    far = list(
        retrack_iter(VIDEO, after, old, spans, oracle, NO_SUPPORT, focus_frame=0)
    )
    assert far[0].span == (0, 5)


def test_with_a_store_only_the_moved_anchor_is_asked_again():
    anchors = [(0, 0), (0, 20), (0, 39), (1, 7)]
    before, after = on_world(anchors), on_world(anchors, (0, 20))
    store, oracle = FeatureStore(), StagedOracle(6, 3)
    old = track(VIDEO, before, oracle, NO_SUPPORT, features=store)
    spans = invalid_spans(before, after, N_FRAMES)
    oracle.encoded.clear()
    plain = list(retrack_iter(VIDEO, after, old, spans, oracle, NO_SUPPORT))
    assert oracle.encoded
    oracle.encoded.clear()
    steps = list(
        retrack_iter(VIDEO, after, old, spans, oracle, NO_SUPPORT, features=store)
    )
    assert not oracle.encoded
    assert len(steps) == len(plain) // 2
    one, two = plain[-1].tracks_so_far, steps[-1].tracks_so_far
    np.testing.assert_allclose(one.xy, two.xy, atol=1e-3)
    # Undo: everything has been answered before.
    steps = list(
        retrack_iter(VIDEO, before, two, spans, oracle, NO_SUPPORT, features=store)
    )
    assert [(s.done, s.total, s.window) for s in steps] == [(1, 1, None)]
    assert same(steps[0].tracks_so_far, old)


def test_tracks_appear_and_disappear():
    before, after = on_world([(0, 5), (1, 9)]), on_world([(1, 9), (2, 30)])
    oracle = StagedOracle()
    old = track(VIDEO, before, oracle)
    spans = invalid_spans(before, after, N_FRAMES)
    assert spans == (Span(0, 0, 39), Span(2, 0, 39))
    new = list(retrack_iter(VIDEO, after, old, spans, oracle))[-1].tracks_so_far
    assert new.point_id.tolist() == [0, 1, 2]
    assert new.name == (*old.name, "point 2")
    assert not new.source[:, 0].any() and np.isnan(new.xy[:, 0]).all()
    assert (new.source[:, 2] > 0).all()


def test_nothing_to_do_says_so_at_once():
    queries, oracle = on_world([(0, 5)]), StagedOracle()
    old = track(VIDEO, queries, oracle)
    steps = list(retrack_iter(VIDEO, queries, old, [], oracle))
    assert len(steps) == 1 and same(steps[0].tracks_so_far, old)


def test_closing_keeps_what_was_renewed():
    anchors = [(0, 0), (0, 20), (0, 39)]
    before, after = on_world(anchors), on_world(anchors, (0, 20))
    oracle = StagedOracle(6, 3)
    old = track(VIDEO, before, oracle, NO_SUPPORT)
    spans = invalid_spans(before, after, N_FRAMES)
    steps = retrack_iter(VIDEO, after, old, spans, oracle, NO_SUPPORT)
    part = next(steps).tracks_so_far
    steps.close()
    assert np.abs(part.xy - old.xy)[21:26].min() > 2
    assert np.array_equal(part.xy[:20], old.xy[:20])
    assert np.array_equal(part.xy[20, 0], after.xy[1])


@pytest.mark.parametrize(
    ("spans", "change", "words"),
    [
        ([(7, 0, 5)], {}, "cannot be tracked again"),
        ([(0, 5, 4)], {}, "cannot be tracked again"),
        ([(0, 0, 5)], {"video": film(12)}, "outside the time range|12"),
        ([(0, 0, 5)], {"options": TrackingOptions(reference=True)}, "whole recordings"),
    ],
)
def test_bad_input_says_what_is_wrong(spans, change, words):
    queries, oracle = on_world([(0, 5)]), StagedOracle()
    old = track(VIDEO, queries, oracle)
    arguments = {"video": VIDEO, "options": NO_SUPPORT} | change
    with pytest.raises(InputError, match=words):
        list(
            retrack_iter(
                arguments["video"], queries, old, spans, oracle, arguments["options"]
            )
        )


def test_disagreement_is_what_the_two_directions_are_apart():
    anchors = [(0, 5), (0, 30)]
    agree = track(VIDEO, on_world(anchors), StagedOracle())
    assert np.isnan(agree.disagreement[:5, 0]).all()
    assert np.isnan(agree.disagreement[31:, 0]).all()
    assert (agree.disagreement[[5, 30], 0] == 0).all()
    assert np.nanmax(agree.disagreement) < 1e-2
    torn = track(VIDEO, on_world(anchors, (0, 30)), StagedOracle())
    assert (torn.disagreement[6:30, 0] > 2).all()
    only = track(
        VIDEO, on_world(anchors), StagedOracle(), TrackingOptions(direction="forward")
    )
    assert np.isnan(np.delete(only.disagreement[:, 0], [5, 30])).all()


def test_the_real_network_renews_what_a_full_run_gives():
    video = np.random.default_rng(1).integers(0, 255, (30, 64, 72, 3), np.uint8)
    network, store = small_network(), FeatureStore()
    options = TrackingOptions(iterations=2, support_grid=2)
    before = Queries(
        [0, 14, 29, 5], [[20, 30], [24, 31], [30, 28], [50, 40]], [0] * 3 + [1]
    )
    moved = before.xy.copy()
    moved[1] += 2
    after = Queries(before.frame, moved, before.point_id)
    old = track(video, before, network, options, features=store)
    spans = invalid_spans(before, after, 30)
    new = list(
        retrack_iter(video, after, old, spans, network, options, features=store)
    )[-1].tracks_so_far
    full = track(video, after, network, options)
    # Other companions in the windows: the same answer but for what they add.
    assert np.isfinite(new.xy).all()
    assert (
        np.abs(new.xy - full.xy)[:, 1].max()
        < 1e-3 * 72 + np.abs(old.xy - full.xy)[:, 1].max()
    )
    check_untouched(old, new, spans)
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("answers_together", [True, False])
def test_both_sides_of_an_edit_are_asked_in_one_call(answers_together, monkeypatch):
    video = np.random.default_rng(1).integers(0, 255, (60, 64, 72, 3), np.uint8)
    network = small_network()
    options = TrackingOptions(iterations=2, support_grid=2, sharpen=False)
    before = Queries([30, 5], [[24, 31], [50, 40]], [0, 1])
    after = Queries([30, 5], [[26, 33], [50, 40]], [0, 1])
    old = track(video, before, network, options)
    spans = invalid_spans(before, after, 60)
    asked = []
    refine = network.refine

    def counted(features, *arguments, **named):
        asked.append(len(arguments[0]))
        return refine(features, *arguments, **named)

    monkeypatch.setattr(network, "refine", counted)
    network.answers_together = answers_together
    steps = list(retrack_iter(video, after, old, spans, network, options))
    pairs, alone = ([2] * 6, [1, 1]) if answers_together else ([], [1] * 14)
    assert sorted(asked) == sorted(pairs + alone)
    assert len(steps) == 14
    network.answers_together = False
    one_by_one = list(retrack_iter(video, after, old, spans, network, options))
    off = steps[-1].tracks_so_far.xy - one_by_one[-1].tracks_so_far.xy
    assert np.abs(off).max() < 1e-3


def test_a_network_that_only_predicts_can_renew():
    anchors = [(0, 0), (0, 20), (0, 39)]
    before, after = on_world(anchors), on_world(anchors)
    old = track(VIDEO, before, ClipOracle(8, 4))
    steps = list(retrack_iter(VIDEO, after, old, [(0, 1, 38)], ClipOracle(8, 4)))
    check_exact(steps[-1].tracks_so_far, after, Constraints(), TrackingOptions())
