"""The review queue: planted errors come first, accepted frames never."""

from dataclasses import replace

import numpy as np
import pytest

from napari_cotracker.tracks import Constraints, Source, Span, Tracks
from napari_cotracker.tracks.review import review_queue, suspicion


def smooth(n_frames=120, n_tracks=3, size=(256, 256)):
    """Tracks without a fault, anchored on the first frame."""
    t = np.arange(n_frames)[:, None]
    x = 20 + 0.5 * t + 10 * np.arange(n_tracks)
    y = 40 + 5 * np.sin(t / 15) + np.zeros(n_tracks)
    shape = (n_frames, n_tracks)
    source = np.full(shape, Source.MODEL)
    source[0] = Source.MANUAL
    return Tracks(
        xy=np.stack([x, y], -1),
        visibility=np.ones(shape),
        confidence=np.full(shape, 0.9),
        visible=np.ones(shape, bool),
        source=source,
        point_id=10 + np.arange(n_tracks),
        name=tuple("abc"[:n_tracks]),
        size=size,
        disagreement=np.zeros(shape),
    )


def with_values(tracks, key, at, value):
    values = getattr(tracks, key).copy()
    values[at] = value
    return replace(tracks, **{key: values})


def test_nothing_is_worth_a_look_where_nothing_is_wrong():
    assert review_queue(smooth()) == []
    everything = review_queue(smooth(), at_least=0)
    assert [(i.first, i.last, i.frame) for i in everything] == 3 * [(1, 119, 119)]
    assert "119 frames" in everything[0].reason


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("disagreement", 30.0, "disagree by 30.0 px"),
        ("confidence", 0.0, "confidence 0.00"),
    ],
)
def test_a_planted_fault_comes_first_with_its_reason(key, value, words):
    tracks = with_values(smooth(), key, (slice(60, 64), 1), value)
    (item,) = review_queue(tracks)
    assert (item.point_id, item.first, item.last) == (11, 60, 63)
    assert words in item.reason


def test_a_jump_is_found_where_it_happens():
    tracks = smooth()
    xy = tracks.xy.copy()
    xy[70:, 2] += 60
    (item,) = review_queue(replace(tracks, xy=xy))
    assert item.point_id == 12 and item.frame in (69, 70)
    assert "jumps" in item.reason


def test_a_larger_fault_comes_before_a_smaller_one():
    tracks = with_values(smooth(), "disagreement", (20, 0), 8.0)
    tracks = with_values(tracks, "disagreement", (90, 2), 80.0)
    assert [i.point_id for i in review_queue(tracks)] == [12, 10]


def test_neighbouring_frames_are_one_item_and_distant_ones_two():
    tracks = smooth()
    for t in (30, 33, 38, 60):
        tracks = with_values(tracks, "disagreement", (t, 0), 20.0 + t)
    found = [(i.first, i.last, i.frame) for i in review_queue(tracks)]
    assert found == [(60, 60, 60), (30, 38, 38)]


@pytest.mark.parametrize("kind", ["anchor", "hidden", "empty"])
def test_what_a_person_has_decided_is_not_asked_again(kind):
    tracks = with_values(smooth(), "disagreement", (50, 1), 90.0)
    constraints = Constraints.none()
    if kind == "anchor":
        tracks = with_values(tracks, "source", (50, 1), Source.MANUAL)
    elif kind == "hidden":
        constraints = constraints.with_hidden(Span(11, 50, 50))
    else:
        tracks = with_values(tracks, "source", (50, 1), Source.EMPTY)
    assert review_queue(tracks, constraints) == []
    listed = review_queue(tracks, constraints, at_least=0)
    assert all(i.frame != 50 or i.point_id != 11 for i in listed)


def test_the_same_fault_counts_the_same_in_a_larger_recording():
    small = with_values(smooth(), "disagreement", (50, 1), 12.0)
    large = replace(
        small, xy=small.xy * 4, disagreement=small.disagreement * 4, size=(1024, 1024)
    )
    one, two = review_queue(small), review_queue(large)
    assert one[0].score == pytest.approx(two[0].score)


def test_an_unseen_position_waits_behind_a_seen_one():
    tracks = with_values(smooth(), "disagreement", (50, slice(0, 2)), 40.0)
    tracks = with_values(tracks, "visible", (50, 0), False)
    scores = suspicion(tracks).score[50]
    assert scores[0] < scores[1]


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (1, 0), (1, 2), (2, 2)])
def test_small_and_empty_tracks_have_a_queue(shape):
    tracks = Tracks.empty(shape[0], range(shape[1]), ("x",) * shape[1], size=(0, 0))
    assert review_queue(tracks, at_least=0) == []
