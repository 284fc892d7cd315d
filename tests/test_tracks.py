"""Queries and tracks: shapes are checked once, contradictions refused."""

import numpy as np
import pytest

from napari_cotracker.errors import InputError
from napari_cotracker.tracks import Queries, Source, Tracks


def test_rows_become_tracks_of_one_anchor():
    queries = Queries.from_txy([[3, 1.5, 2.5], [0, 4, 5]])
    assert queries.tracks.tolist() == [0, 1]
    assert queries.frame.tolist() == [3, 0]
    np.testing.assert_array_equal(queries.txy, [[3, 1.5, 2.5], [0, 4, 5]])


def test_several_anchors_may_share_a_track():
    queries = Queries([0, 9, 4], [[1, 2], [3, 4], [5, 6]], [7, 7, 3], ["a", "a", "b"])
    assert queries.tracks.tolist() == [7, 3]
    assert queries.name_of(3) == "b"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "No query points"),
        ([[0, 1]], "expected (N, 3)"),
        ([[0, np.nan, 1]], "NaN"),
        ([[0.5, 1, 1]], "whole numbers"),
        ([[np.nan, 1, 1]], "whole numbers"),
        ([["a", 1, 1]], "numbers"),
    ],
)
def test_bad_queries_get_one_clear_sentence(rows, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(").replace(")", r"\)")):
        Queries.from_txy(rows)


def test_one_track_cannot_be_in_two_places_at_once():
    with pytest.raises(InputError, match="two different points on frame 4"):
        Queries([4, 4], [[1, 1], [2, 2]], [0, 0])


@pytest.mark.parametrize("row", [[10, 1, 1], [-1, 1, 1], [0, 64, 1], [0, 1, -1]])
def test_points_outside_the_recording_are_refused_not_clamped(row):
    with pytest.raises(InputError, match="outside"):
        Queries.from_txy([row]).check_inside(10, (48, 64))


def test_points_on_the_rim_are_inside():
    queries = Queries.from_txy([[0, -0.4, 47.4], [9, 63.4, 0]])
    queries.check_inside(10, (48, 64))  # does not raise
    assert len(queries) == 2


def test_empty_tracks_say_so():
    tracks = Tracks.empty(5, [3, 4], ("a", "b"), size=(48, 64))
    assert (tracks.source == Source.EMPTY).all()
    assert np.isnan(tracks.xy).all()


def test_disagreeing_shapes_are_refused():
    empty = Tracks.empty(5, [3, 4], ("a", "b"), size=(48, 64))
    with pytest.raises(InputError, match="visibility"):
        Tracks(
            xy=empty.xy,
            visibility=empty.visibility[:3],
            confidence=empty.confidence,
            visible=empty.visible,
            source=empty.source,
            point_id=empty.point_id,
            name=empty.name,
        )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Queries([0], [["a", "b"]]), "cannot be read as numbers"),
        (lambda: Queries([0], [[1, 2]], [2**63]), "'point_id' goes from"),
        (lambda: Queries([1e300], [[1, 2]]), "'frame' goes from"),
        (lambda: Queries(["a"], [[1, 2]]), "'frame' must be whole numbers"),
        (lambda: Queries([0, 0], [[1, 2], [3]]), "cannot be read as numbers"),
        (lambda: Queries([0], [[1, 2j]]), "cannot be read as numbers .it is complex"),
        (lambda: Queries.from_txy(np.ma.masked_invalid([[0, np.nan, 1]])), "masked"),
        (lambda: Queries([0], np.ma.masked_array([[1, 2]], [[0, 1]])), "masked"),
    ],
)
def test_what_are_no_numbers_get_one_clear_sentence(make, words):
    with pytest.raises(InputError, match=words):
        make()
