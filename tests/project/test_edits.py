"""Edits: what each does, and that any sequence of them can be taken back exactly."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project.random_edits import N_FRAMES, document, edit_makers

from napari_cotracker.errors import FormatError, InputError
from napari_cotracker.project import Annotations, Cells, Document, History, together
from napari_cotracker.project import point_edits as points
from napari_cotracker.project import span_edits as spans
from napari_cotracker.project import track_edits as whole
from napari_cotracker.project.encoding import edit_from_bytes, edit_to_bytes
from napari_cotracker.tracks import Queries, Source, Span, Tracks

A, B, C = 3, 13, 23  # identities of the drawn document


def made(doc, makers):
    """Make the edits that can be made; return what they left, one per step."""
    desk, states, edits = Annotations(doc), [doc], []
    for maker in makers:
        if desk.document.tracks.n_tracks == 0:
            break
        try:
            edit = maker(desk.document)
        except InputError:
            continue
        if edit:
            desk.edit(edit)
            states.append(desk.document)
            edits.append(edit)
    return desk, states, edits


@settings(max_examples=300, deadline=None)
@given(st.lists(edit_makers, max_size=12), st.integers(0, 3))
def test_any_edits_undone_and_redone_give_the_same_documents(makers, seed):
    desk, states, _ = made(document(seed=seed), makers)
    for state in reversed(states):
        assert desk.document.same_as(state)
        desk.undo()
    assert not desk.can_undo
    for state in states:
        assert desk.document.same_as(state)
        desk.redo()
    assert not desk.can_redo


@settings(max_examples=200, deadline=None)
@given(st.lists(edit_makers, max_size=8))
def test_edits_survive_as_bytes_and_as_one_group(makers):
    start = document()
    _, states, edits = made(start, makers)
    again = Annotations(start, History())
    for edit in edits:
        again.edit(edit_from_bytes(edit_to_bytes(edit)))
    assert again.document.same_as(states[-1])
    group = edit_from_bytes(edit_to_bytes(together("group", "Many.", edits)))
    assert group.apply(start).same_as(states[-1])
    assert group.inverse().apply(states[-1]).same_as(start)


@settings(max_examples=200, deadline=None)
@given(st.lists(edit_makers, max_size=8))
def test_no_edit_leaves_a_document_that_contradicts_itself(makers):
    doc = made(document(), makers)[0].document
    tracks, cells = doc.tracks, doc.cells
    assert (tracks.source[doc.edited] == Source.MANUAL).all()
    assert np.array_equal(np.isnan(tracks.xy[..., 0]), ~cells.known)
    ended = doc.constraints.ended_mask(tracks.point_id, N_FRAMES)
    hidden = doc.constraints.hidden_mask(tracks.point_id, N_FRAMES)
    assert not (ended & cells.known).any()
    assert not (ended & hidden).any()
    assert not (hidden & tracks.visible).any()
    assert set(doc.constraints.hidden) <= set(
        doc.constraints.of(tracks.point_id.tolist()).hidden
    )


def test_placing_moves_adds_and_makes_anchors():
    doc = document()
    t = int(np.flatnonzero(doc.tracks.source[:, 0] == Source.MODEL)[0])
    after = points.place_points(doc, t, A, (4.5, 6)).apply(doc)
    assert after.tracks.xy[t, 0].tolist() == [4.5, 6]
    assert after.edited[t, 0] and after.tracks.visible[t, 0]
    anchors = after.anchors()
    assert (t, A) in zip(anchors.frame.tolist(), anchors.point_id.tolist(), strict=True)
    assert len(anchors) == len(doc.anchors()) + 1
    empty = int(np.flatnonzero(~doc.cells.known[:, 0])[0])
    assert points.place_points(doc, t, A, (1, 1)).kind == "move"
    assert points.place_points(doc, empty, A, (1, 1)).kind == "add"


def test_a_point_placed_in_a_hidden_or_ended_frame_is_seen_there():
    doc = document()
    doc = spans.hide_span(doc, A, 2, 6).apply(doc)
    doc = spans.end_track(doc, A, 9).apply(doc)
    for t in (4, 10):
        doc = points.place_points(doc, t, A, (1, 2)).apply(doc)
        assert doc.tracks.visible[t, 0]
    assert doc.constraints.hidden_mask([A], N_FRAMES)[:, 0].nonzero()[0].tolist() == [
        *(2, 3, 5, 6)
    ]
    assert doc.constraints.ended_mask([A], N_FRAMES)[:, 0].nonzero()[0].tolist() == [
        *(9, 11)
    ]


def test_hiding_keeps_anchors_and_drops_predictions():
    doc = document()
    anchor = int(np.flatnonzero(doc.tracks.source[:, 0] == Source.MANUAL)[0])
    after = spans.hide_span(doc, A, 0, N_FRAMES - 1).apply(doc)
    assert after.cells.known[:, 0].nonzero()[0].tolist() == [anchor]
    assert not after.tracks.visible[:, 0].any()
    shown = spans.show_span(after, A, 0, N_FRAMES - 1).apply(after)
    assert shown.tracks.visible[:, 0].nonzero()[0].tolist() == [anchor]
    assert not shown.constraints


def test_accepting_keeps_the_position_and_whether_it_is_seen():
    doc = document()
    model = doc.tracks.source[:, 0] == Source.MODEL
    seen = int(np.flatnonzero(model & doc.tracks.visible[:, 0])[0])
    unseen = int(np.flatnonzero(model & ~doc.tracks.visible[:, 0])[0])
    after = points.accept(doc, [seen, unseen], A).apply(doc)
    at = [seen, unseen]
    np.testing.assert_array_equal(after.tracks.xy[at, 0], doc.tracks.xy[at, 0])
    assert after.tracks.visible[at, 0].tolist() == [True, False]
    assert (after.tracks.source[at, 0] == Source.MANUAL).all()
    assert after.constraints.hidden == ((A, unseen, unseen),)
    assert not points.accept(after, [seen, unseen], A)


def test_interpolation_goes_straight_through_the_anchors():
    doc = document()
    doc = spans.delete_span(doc, B, 0, N_FRAMES - 1).apply(doc)
    doc = points.place_points(doc, [2, 4, 8], B, [(0, 0), (10, 0), (10, 40)]).apply(doc)
    after = spans.interpolate_span(doc, B, 2, 8).apply(doc)
    assert after.tracks.xy[2:9, 1].tolist() == [
        *([0, 0], [5, 0], [10, 0], [10, 10], [10, 20], [10, 30], [10, 40])
    ]
    assert after.edited[2:9, 1].all() and after.edited[:, 1].sum() == 7


def test_merging_prefers_anchors_and_pins_what_comes_from_the_other():
    doc = document()
    doc = spans.delete_forward(doc, A, 4).apply(doc)
    doc = spans.delete_backward(doc, B, 5).apply(doc)
    doc = points.place_points(doc, [0, 11], [A, B], [(1, 1), (9, 9)]).apply(doc)
    after = whole.merge_tracks(doc, A, B).apply(doc)
    assert after.tracks.point_id.tolist() == [A, C]
    known = after.cells.known[:, 0]
    assert np.array_equal(known[:4], doc.cells.known[:4, 0])
    assert np.array_equal(known[6:], doc.cells.known[6:, 1])
    assert after.tracks.xy[11, 0].tolist() == [9, 9]
    both = points.place_points(doc, [7, 7], [A, B], [(1, 2), (3, 4)]).apply(doc)
    merged = whole.merge_tracks(both, B, A).apply(both)
    assert merged.tracks.xy[7, 0].tolist() == [3, 4]
    assert merged.tracks.name == ("p1", "p2")


def test_splitting_ends_both_tracks_where_the_other_begins():
    doc = document()
    after = whole.split_track(doc, B, 5).apply(doc)
    assert after.tracks.name == ("p0", "p1", "p2", "p1 (2)")
    new = int(after.tracks.point_id[3])
    assert after.constraints.ends == ((B, 5, 11), (new, 0, 4))
    np.testing.assert_array_equal(after.tracks.xy[:5, 1], doc.tracks.xy[:5, 1])
    np.testing.assert_array_equal(after.tracks.xy[5:, 3], doc.tracks.xy[5:, 1])
    # A later run can follow both: each has an anchor.
    assert (after.tracks.source[:, [1, 3]] == Source.MANUAL).any(axis=0).all()


def test_swapping_exchanges_values_and_pins_the_ends_of_the_span():
    doc = spans.hide_span(document(), A, 0, 3).apply(document())
    after = whole.swap_tracks(doc, A, C, 2, 8).apply(doc)
    np.testing.assert_array_equal(after.tracks.xy[2:9, 0], doc.tracks.xy[2:9, 2])
    np.testing.assert_array_equal(after.tracks.xy[2:9, 2], doc.tracks.xy[2:9, 0])
    np.testing.assert_array_equal(after.tracks.xy[9:], doc.tracks.xy[9:])
    assert after.constraints.hidden == ((A, 0, 1), (C, 2, 3))
    seen = np.flatnonzero(after.tracks.visible[2:9, 0]) + 2
    assert (after.tracks.source[seen[[0, -1]], 0] == Source.MANUAL).all()


def test_what_a_swap_leaves_empty_is_not_filled_from_outside_of_it():
    """The run would bring back what the track was freed from."""
    frames, ids = np.tile(range(12), 2), np.repeat([A, C], 12)
    doc = points.place_points(document(), frames, ids, [(9, 9)] * 24).apply(document())
    lost = spans.delete_span(doc, C, 5, 8).apply(doc)
    edit = whole.swap_tracks(lost, A, C, 5, 8)
    assert edit.apply(lost).constraints.ends == ((A, 5, 8),)
    assert edit.sentence.endswith("On frames 5 to 8 there is nothing for 'p0'.")
    # Between what is known within the span a run may find it.
    assert not whole.swap_tracks(lost, A, C, 3, 10).apply(lost).constraints.ends
    late = whole.swap_tracks(lost, A, C, 7, 10).apply(lost)
    assert late.constraints.ends == ((A, 7, 8),)
    early = whole.swap_tracks(lost, A, C, 3, 6).apply(lost)
    assert early.constraints.ends == ((A, 5, 6),)
    # No anchor lies before or behind the whole recording.
    begins = spans.delete_backward(doc, C, 5).apply(doc)
    assert not whole.swap_tracks(begins, A, C, 0, 11).apply(begins).constraints.ends


def test_imported_labels_find_their_track_by_name():
    doc = document()
    labels = Queries([1, 2, 3], [[1, 2], [3, 4], [5, 6]], [0, 0, 9], ["p1", "p1", "x"])
    after = points.import_labels(doc, labels).apply(doc)
    assert after.tracks.name == ("p0", "p1", "p2", "x")
    assert after.tracks.xy[1:3, 1].tolist() == [[1, 2], [3, 4]]
    assert after.tracks.xy[3, 3].tolist() == [5, 6]
    assert points.import_labels(doc, labels).tracks == [B, 24]


def test_a_track_can_be_added_to_a_document_without_any():
    doc = Document(Tracks.empty(5, [], (), size=(10, 10)))
    assert doc.anchors() is None
    after = points.add_track(doc, "nose", [1, 4], [(2, 3), (4, 5)]).apply(doc)
    assert after.anchors().name == ("nose", "nose")


def test_an_edit_after_undo_forgets_what_was_undone():
    desk = Annotations(document())
    desk.edit(whole.rename_track(desk.document, A, "one"))
    desk.undo()
    desk.edit(whole.rename_track(desk.document, A, "two"))
    assert not desk.can_redo
    assert desk.redo() is None
    desk.undo()
    assert desk.document.tracks.name[0] == "p0"
    assert desk.undo() is None


def test_undo_leaves_tracks_alone_that_a_run_has_added():
    desk = Annotations(document(3))
    desk.edit(whole.merge_tracks(desk.document, A, B))
    more = points.add_track(desk.document, "new", 2, (5, 5)).apply(desk.document)
    desk.take(more)
    desk.undo()
    assert desk.document.tracks.name == ("p0", "p1", "p2", "new")
    assert desk.document.tracks.xy[2, 3].tolist() == [5, 5]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda d: points.place_points(d, 12, A, (1, 1)), "frames 0 to 11"),
        (lambda d: points.place_points(d, 0, 99, (1, 1)), "no track 99"),
        (lambda d: points.place_points(d, 0, A, (np.nan, 1)), "NaN"),
        (lambda d: points.delete_points(d, -1, A), "frame -1"),
        (
            lambda d: points.accept(d, int((~d.cells.known[:, 0]).argmax()), A),
            "could be accepted",
        ),
        (lambda d: points.import_labels(d, Queries.from_txy([[0, 500, 1]])), "outside"),
        (lambda d: spans.hide_span(d, A, 5, 4), "first <= last"),
        (lambda d: spans.delete_forward(d, A, 12), "0 to 11"),
        (
            lambda d: spans.interpolate_span(
                d, A, int((~d.cells.known[:, 0]).argmax()), 11
            ),
            "Nothing is known of 'p0'",
        ),
        (lambda d: whole.rename_track(d, A, " "), "give a name"),
        (lambda d: whole.merge_tracks(d, A, A), "itself"),
        (lambda d: whole.swap_tracks(d, A, A, 0, 1), "itself"),
        (lambda d: whole.split_track(d, A, 0), "1 to 11"),
        (lambda d: whole.remove_tracks(d, [A, 4]), "no track 4"),
        (lambda d: Document(d.tracks, np.zeros((1, 1), bool)), "shape"),
    ],
)
def test_edits_that_make_no_sense_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make(document())


@pytest.mark.parametrize(
    "data",
    [b"", b"abc", edit_to_bytes(points.delete_points(document(), [0, 1], A))[:-9]],
)
def test_damaged_bytes_are_told(data):
    with pytest.raises(FormatError, match="damaged"):
        edit_from_bytes(data)


def own(doc, frame, point_id, xy):
    """Return a document in which a person's own point has come since."""
    at = ([frame], [doc.column_of(point_id)])
    placed = Cells.placed(np.array([xy], np.float32))
    placed.edited[:] = False
    doc = doc.with_cells(doc.cells.with_values(at, placed))
    span = Span(point_id, frame, frame)
    decided = doc.constraints.without_hidden(span).without_ends(span)
    return replace(doc, constraints=decided)


def predicted(doc, point_id):
    """Return some frame on which a track is predicted."""
    return int(np.flatnonzero(doc.tracks.source[:, doc.column_of(point_id)] == 1)[4])


@pytest.mark.parametrize(
    "make",
    [
        lambda d, t: points.place_points(d, t, A, [7, 8]),
        lambda d, t: points.delete_points(d, t, A),
        lambda d, t: spans.hide_span(d, A, t - 1, t + 1),
        lambda d, t: spans.end_span(d, A, t - 1, t + 1),
        lambda d, t: whole.split_track(d, A, t),
        lambda d, t: whole.merge_tracks(d, B, A),
        lambda d, t: whole.swap_tracks(d, A, B, t - 1, t + 1),
    ],
)
@pytest.mark.parametrize("redone", [False, True])
def test_a_step_leaves_own_points_that_came_since(make, redone):
    desk = Annotations(document())
    frame = predicted(desk.document, A)
    desk.edit(make(desk.document, frame))
    if redone:
        desk.undo()
    gone = A not in desk.document.tracks.point_id  # merged
    there = B if gone else A
    desk.take(own(desk.document, frame, there, [5.5, 6.5]))
    step = desk.redo if redone else desk.undo
    assert step()
    doc, column = desk.document, desk.document.column_of(there)
    assert doc.tracks.xy[frame, column].tolist() == [5.5, 6.5]
    assert doc.tracks.source[frame, column] == Source.MANUAL
    assert doc.tracks.visible[frame, column] and not doc.edited[frame, column]
    assert not doc.constraints.hidden_mask([there], N_FRAMES)[frame]
    assert not doc.constraints.ended_mask([there], N_FRAMES)[frame]


def test_identities_are_never_used_again():
    desk = Annotations(document())
    desk.edit(whole.split_track(desk.document, A, 6))
    desk.undo()
    desk.edit(points.add_track(desk.document, "new", 2, [1, 2]))
    desk.edit(whole.remove_tracks(desk.document, [25]))
    desk.edit(whole.split_track(desk.document, A, 6))
    assert desk.document.tracks.point_id.tolist() == [A, B, C, 26]
