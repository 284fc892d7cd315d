"""Edits that are tracked again: only what they touch, while the person goes on."""

import numpy as np
import pytest
from test_controller import SEEDS, Bench

from napari_cotracker.project.span_edits import delete_span, end_track, hide_span
from napari_cotracker.project.track_edits import split_track
from napari_cotracker.tracks import Source, Span


@pytest.fixture
def bench(clip, recorder):
    made = Bench(clip, recorder)
    made.add_points(SEEDS)
    return made


def renew(bench, session, windows=None):
    """Track again what is stale, to the end or some windows far."""
    run = bench.controller.retrack(session)
    progress, steps = None, bench.controller.steps(run)
    for number, progress in enumerate(steps, 1):  # noqa: B007
        if number == windows:
            break
    bench.controller.finish(run, progress, complete=windows is None)
    return run


def test_only_what_an_edit_touches_is_tracked_again(bench):
    session = bench.track()
    before = session.document.tracks
    bench.move(12, 1, y=50, x=60)
    assert session.memory.stale == (Span(1, 9, 19),), "up to the anchor on frame 8"
    renew(bench, session)
    (asked,) = bench.recorder.renewals
    assert asked["spans"] == (Span(1, 9, 19),)
    assert asked["queries"].txy.tolist() == [[3, 20, 10], [8, 40, 30], [12, 60, 50]]
    after = session.document.tracks
    assert np.array_equal(after.xy[:, 0], before.xy[:, 0])
    assert np.array_equal(after.xy[:9, 1], before.xy[:9, 1])
    assert after.xy[12, 1].tolist() == [60, 50]
    assert np.allclose(after.xy[13, 1], [60.5, 50.25])
    assert bench.tracked.data[bench.row(13, 1), 1:].tolist() == [50.25, 60.5]
    assert session.memory.stale == () == session.memory.renewing
    assert bench.controller.retrack(session) is None


def test_renewal_begins_where_the_person_looks(bench):
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.viewer.dims.set_current_step(0, 12)
    renew(bench, session)
    bench.viewer.dims.set_current_step(0, 2)
    bench.move(12, 1, y=51, x=60)
    renew(bench, session)
    assert [asked["focus_frame"] for asked in bench.recorder.renewals] == [12, 9]


def test_an_edit_made_while_renewing_stays_and_makes_more_stale(bench):
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    run = bench.controller.retrack(session)
    steps = bench.controller.steps(run)
    bench.controller.receive(run, next(steps))
    bench.move(15, 1, y=40, x=70)
    for progress in steps:
        bench.controller.receive(run, progress)
    bench.controller.finish(run, progress, complete=True)
    assert session.document.tracks.xy[15, 1].tolist() == [70, 40]
    assert session.memory.stale == (Span(1, 13, 19),)
    renew(bench, session)
    assert np.allclose(session.document.tracks.xy[16, 1], [70.5, 40.25])
    assert np.allclose(session.document.tracks.xy[11, 1], [59.5, 49.75])


def test_what_an_interrupted_renewal_did_not_get_to_stays_stale(bench):
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    renew(bench, session, windows=1)
    assert session.memory.stale == (Span(1, 9, 19),)
    renew(bench, session)
    assert session.memory.stale == ()
    assert np.allclose(session.document.tracks.xy[19, 1], [63.5, 51.75])


def test_undo_is_tracked_again_too(bench):
    session = bench.track()
    before = session.document.tracks.xy.copy()
    bench.move(12, 1, y=50, x=60)
    renew(bench, session)
    session.undo()
    assert session.memory.stale == (Span(1, 9, 19),)
    renew(bench, session)
    assert np.array_equal(session.document.tracks.xy, before)


def test_a_track_without_any_anchor_keeps_its_predictions(bench):
    session = bench.track()
    bench.tracked.selected_data = {bench.row(8, 1)}
    bench.tracked.remove_selected()
    assert bench.controller.retrack(session) is None
    known = session.document.tracks.source[:, 1] != Source.EMPTY
    assert known.sum() == 19


def test_a_run_keeps_what_was_decided_while_it_was_on_its_way(bench):
    run = bench.start()
    steps = bench.controller.steps(run)
    bench.controller.receive(run, next(steps))
    run.session.show()
    run.session.edit(lambda document: hide_span(document, 0, 5, 7))
    run.session.edit(lambda document: end_track(document, 1, 15))
    for progress in steps:
        bench.controller.receive(run, progress)
    bench.controller.finish(run, progress, complete=True)
    tracks = run.session.document.tracks
    assert (tracks.source[5:8, 0] == Source.EMPTY).all()
    assert (tracks.source[15:, 1] == Source.EMPTY).all()
    assert (tracks.source[8:, 0] != Source.EMPTY).all()


def test_a_whole_run_makes_nothing_stale_but_a_cancelled_one_leaves_it(bench):
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.part(1)
    assert session.memory.stale == (Span(1, 9, 19),)
    bench.track()
    assert session.memory.stale == ()


def test_a_run_that_found_nothing_does_not_decide_how_edits_are_tracked(bench):
    session = bench.track()
    bench.controller.finish(bench.start(model="other"), None, complete=False)
    bench.move(12, 1, y=50, x=60)
    assert renew(bench, session).settings.model == "compact"
    bench.part(1, model="other")
    bench.move(14, 1, y=50, x=60)
    assert renew(bench, session).settings.model == "other"


def test_decisions_go_to_the_tracker(bench):
    session = bench.track()
    session.edit(lambda document: hide_span(document, 0, 5, 7))
    bench.track()
    assert bench.recorder.calls[-1]["constraints"] == session.document.constraints
    assert session.document.constraints.hidden == (Span(0, 5, 7),)


def test_split_tracks_stay_split_in_later_runs(bench):
    session = bench.track()
    session.edit(lambda document: split_track(document, 0, 10, "new"))
    bench.track()
    queries = bench.recorder.calls[-1]["queries"]
    assert set(queries.tracks.tolist()) == {0, 1, 2}
    assert queries.name_of(2) == "new"
    assert session.document.tracks.name == ("point 0", "point 1", "new")
    assert bench.points.data.tolist() == SEEDS


def test_history_survives_a_run(bench):
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.track()
    session.undo()
    assert session.document.tracks.source[12, 1] == Source.MODEL
    session.redo()
    assert session.document.tracks.xy[12, 1].tolist() == [60, 50]


def test_old_predictions_that_come_back_are_tracked_again(bench):
    session = bench.track()
    session.edit(lambda document: delete_span(document, 1, 11, 14))
    bench.points.data = np.array([[3, 10, 20], [8, 40, 60]], float)
    wanted = bench.track().document.tracks.xy
    session.undo()
    assert session.memory.stale == (Span(1, 11, 14),)
    renew(bench, session)
    assert np.array_equal(session.document.tracks.xy, wanted)
    session.redo()
    assert session.memory.stale == (), "nothing came back"
    assert (session.document.tracks.source[11:15, 1] == Source.EMPTY).all()


def test_an_edit_taken_back_during_a_run_leaves_what_the_run_finds(bench):
    session = bench.track()
    bench.points.data = np.array([[3, 10, 20], [8, 40, 60]], float)
    run = bench.start()
    steps = bench.controller.steps(run)
    bench.controller.receive(run, next(steps))
    session.show()
    bench.move(12, 1, y=50, x=50)
    session.undo()
    for progress in steps:
        bench.controller.receive(run, progress)
    bench.controller.finish(run, progress, complete=True)
    assert np.allclose(session.document.tracks.xy[12, 1], [62, 41])
    assert session.memory.stale == ()


def test_what_is_deleted_during_a_run_stays_deleted_unless_it_is_taken_back(bench):
    bench.track()
    run = bench.start()
    steps = bench.controller.steps(run)
    bench.controller.receive(run, next(steps))
    session = run.session
    session.edit(lambda document: delete_span(document, 1, 11, 12))
    session.edit(lambda document: delete_span(document, 1, 14, 15))
    session.undo()
    for progress in steps:
        bench.controller.receive(run, progress)
    bench.controller.finish(run, progress, complete=True)
    known = session.document.tracks.source[11:16, 1] != Source.EMPTY
    assert known.tolist() == [False, False, True, True, True]
