"""The way through what is worth a look, while tracks come and go."""

import numpy as np
import pytest
from test_controller import Bench

from napari_cotracker.project.track_edits import remove_tracks
from napari_cotracker.widgets.session.review import Review


@pytest.fixture
def session(clip, recorder):
    """Three tracks, each with a jump."""
    bench = Bench(clip, recorder)
    bench.add_points([[3, 10, 20], [8, 30, 40], [5, 40, 20]])
    made = bench.track()
    for track_id, frame in ((0, 6), (1, 12), (2, 16)):
        bench.move(frame, track_id, y=55, x=75)
    return made


def looked_at(session):
    review = Review()
    ids = []
    while len(set(ids)) < 3:
        ids.append(review.next(session).point_id)
    return review, ids


def test_the_way_leads_back_and_forth(session):
    review, ids = looked_at(session)
    back = [review.previous(session).point_id for _ in ids[1:]]
    assert back == ids[-2::-1]
    assert review.previous(session) is None
    assert [review.next(session).point_id for _ in ids[1:]] == ids[1:]


def test_a_track_that_is_gone_is_passed_over(session):
    review, ids = looked_at(session)
    last = ids[-1]
    gone = next(i for i in ids[::-1] if i != last)
    session.edit(lambda document: remove_tracks(document, [gone]))
    left = [i for i in ids if i != gone]
    back = [review.previous(session).point_id for _ in left[1:]]
    assert back == left[-2::-1]
    assert [review.next(session).point_id for _ in left[1:]] == left[1:]


def test_what_came_before_the_track_that_is_gone_is_shown_once(session):
    review, ids = looked_at(session)
    gone = review.current.point_id
    session.edit(lambda document: remove_tracks(document, [gone]))
    assert review.previous(session).point_id == ids[-2]
    session.edit(lambda document: remove_tracks(document, np.unique(ids[:-1]).tolist()))
    assert review.previous(session) is None
    assert review.next(session) is None
