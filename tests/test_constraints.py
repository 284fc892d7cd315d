"""Decisions about tracks: equal if they decide the same, and nothing else is kept."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cotracker.errors import InputError
from napari_cotracker.tracks import Constraints, Limit, Span

N_FRAMES = 20
spans = st.builds(
    lambda i, a, b: Span(i, min(a, b), max(a, b)),
    st.integers(-1, 2),
    st.integers(0, N_FRAMES - 1),
    st.integers(0, N_FRAMES - 1),
)
IDS = [-1, 0, 1, 2]


@given(st.lists(spans), st.lists(spans))
def test_hiding_and_showing_is_what_it_is_frame_by_frame(hide, show):
    wanted = np.zeros((N_FRAMES, len(IDS)), bool)
    for answer, group in ((True, hide), (False, show)):
        for point_id, first, last in group:
            wanted[first : last + 1, IDS.index(point_id)] = answer
    got = Constraints().with_hidden(*hide).without_hidden(*show)
    np.testing.assert_array_equal(got.hidden_mask(IDS, N_FRAMES), wanted)
    ended = Constraints().with_ends(*hide).without_ends(*show)
    np.testing.assert_array_equal(ended.ended_mask(IDS, N_FRAMES), wanted)


@given(st.lists(spans))
def test_the_same_decisions_are_equal_however_they_were_made(hide):
    one = Constraints().with_hidden(*hide)
    frames = [Span(i, t, t) for i, a, b in hide for t in range(a, b + 1)]
    assert one == Constraints().with_hidden(*reversed(frames))
    assert one == one.of([-1, 0]).joined(one.without([-1, 0]))


@given(st.lists(spans), st.lists(spans), st.booleans())
def test_constraints_survive_json(hide, ends, limited):
    limits = (Limit(2, "forward", None, 7), Limit(-1)) if limited else ()
    one = Constraints(tuple(hide), tuple(ends), limits)
    assert Constraints.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_a_limit_replaces_the_one_before_and_goes_away():
    one = Constraints().with_limit(Limit(3, "forward")).with_limit(Limit(1, last=5))
    assert one.with_limit(Limit(3, "backward")).limit_of(3).direction == "backward"
    assert one.with_limit(Limit(3)).directions == (Limit(1, last=5),)
    assert one.limit_of(99) == Limit(99)
    assert not Constraints.none()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Constraints(hidden=(Span(0, 5, 4),)), "first <= last"),
        (lambda: Constraints(ends=(Span(0, -1, 4),)), "0 <= first"),
        (lambda: Constraints(directions=(Limit(0), Limit(0, last=3))), "two limits"),
        (lambda: Constraints(directions=(Limit(0, "up"),)), "'both', 'forward'"),
        (lambda: Constraints(directions=(Limit(0, "both", 4, 3),)), "4 to 3"),
        (lambda: Constraints.from_dict({"hidden": [[1, 2]]}), "something else"),
        (lambda: Constraints.from_dict([1]), "something else"),
    ],
)
def test_contradictions_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
