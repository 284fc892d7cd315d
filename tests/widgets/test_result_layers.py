"""Long recordings: the layers hold what is in view only, the tracks everything."""

import numpy as np
import pytest
from test_controller import SEEDS, Bench

from napari_cotracker.tracks import Source
from napari_cotracker.widgets.layers import result_layers
from napari_cotracker.widgets.layers.layer_looks import Scheduling


@pytest.fixture
def bench(clip, recorder, monkeypatch):
    monkeypatch.setattr(result_layers, "MAX_ROWS", 10)
    made = Bench(clip, recorder)
    made.viewer.dims.set_current_step(0, 5)
    made.add_points(SEEDS)
    return made


def test_the_points_of_the_frame_in_view_are_shown(bench):
    tracks = bench.track().document.tracks
    layer = bench.tracked
    for frame in (5, 6, 0, 19):
        bench.viewer.dims.set_current_step(0, frame)
        assert layer.data[:, 0].tolist() == [frame, frame]
        assert np.array_equal(layer.data[:, 1:], tracks.xy[frame, :, ::-1])
        assert layer.features["track_id"].tolist() == [0, 1]
        assert np.allclose(layer.features["confidence"], tracks.confidence[frame])
    assert layer.metadata["napari_cotracker"]["annotations"].document.tracks is tracks


def test_trails_cover_what_is_drawn_around_the_frame_in_view(recorder, monkeypatch):
    monkeypatch.setattr(result_layers, "MAX_ROWS", 10)
    bench = Bench(np.zeros((200, 60, 80), np.uint8), recorder)
    bench.add_points([[3, 3, 3]])
    bench.track()
    layer = bench.trails
    colour = layer.track_colors[0].copy()
    for frame in (0, 40, 199, 100):
        bench.viewer.dims.set_current_step(0, frame)
        first = max(frame - layer.tail_length, 0)
        assert set(range(first, frame + 1)) <= set(layer.data[:, 1].astype(int))
        assert len(layer.data) < 60
        assert np.array_equal(layer.track_colors[0], colour)


def test_colours_of_tracks_do_not_depend_on_the_others(bench):
    bench.track()
    before = bench.tracked.face_color[1].copy()
    assert np.array_equal(bench.trails.track_colors[-1], before)
    bench.points.data = np.array([*SEEDS, [5, 2, 2]], float)
    bench.track()
    assert len(bench.tracked.data) == 3
    assert np.array_equal(bench.tracked.face_color[1], before)


def test_edits_on_several_frames_are_kept_and_undone(bench):
    session = bench.track()
    for frame in (5, 12):
        bench.viewer.dims.set_current_step(0, frame)
        bench.move(frame, 1, y=33, x=44)
    tracks = session.document.tracks
    assert tracks.xy[[5, 12], 1].tolist() == [[44, 33], [44, 33]]
    assert (tracks.source == Source.MANUAL).sum() == 4
    assert (tracks.source != Source.EMPTY).all()
    bench.viewer.dims.set_current_step(0, 5)
    session.undo()
    session.undo()
    assert session.document.tracks.source[5, 1] == Source.MODEL
    assert bench.tracked.data[1, 1:].tolist() != [33, 44]


def test_a_change_that_nobody_told_of_is_read_before_the_frame_goes(bench):
    session = bench.track()
    bench.tracked.data[0, 1:] = 33, 44  # in place: napari tells nobody
    bench.viewer.dims.set_current_step(0, 6)
    assert session.document.tracks.xy[5, 0].tolist() == [44, 33]


def test_points_are_added_and_deleted_on_the_frame_in_view(bench):
    session = bench.track()
    layer = bench.tracked
    layer.selected_data = {1}
    layer.remove_selected()
    assert session.document.tracks.source[5, 1] == Source.EMPTY
    assert (session.document.tracks.source != Source.EMPTY).sum() == 39
    layer.feature_defaults["track_id"] = 1
    layer.add([5, 31, 41])
    assert session.document.tracks.xy[5, 1].tolist() == [41, 31]


def test_the_selected_track_stays_selected_while_stepping(bench):
    bench.track()
    layer = bench.tracked
    layer.selected_data = {1}
    bench.viewer.dims.set_current_step(0, 6)
    assert set(layer.selected_data) == {1}
    assert layer.feature_defaults["track_id"][0] == 1


def test_a_frame_on_which_nothing_is_known_shows_nothing(bench):
    session = bench.part(2)
    bench.viewer.dims.set_current_step(0, 15)
    assert len(bench.tracked.data) == 0
    bench.tracked.feature_defaults["track_id"] = 1
    bench.tracked.add([15, 31, 41])
    assert session.document.tracks.xy[15, 1].tolist() == [41, 31]
    bench.viewer.dims.set_current_step(0, 5)
    assert len(bench.tracked.data) == 2


def test_results_that_come_during_a_drag_wait_for_its_end(bench):
    session = bench.track()
    layer = bench.tracked

    class Event:
        type = "mouse_press"

    drag = session.layers._on_drag(layer, Event)
    next(drag)
    Event.type = "mouse_move"
    layer._move([0], (5, 20, 30))
    layer._move([0], (5, 30, 40))
    held = layer.data[0].tolist()
    assert held[1:] != session.document.tracks.xy[5, 0, ::-1].tolist()
    run = bench.start()
    for progress in bench.controller.steps(run):
        assert bench.controller.receive(run, progress)
        session.show()
    assert layer.data[0].tolist() == held
    Event.type = "mouse_release"
    with pytest.raises(StopIteration):
        next(drag)
    tracks = session.document.tracks
    assert layer.data[0, 1:].tolist() == tracks.xy[5, 0, ::-1].tolist() == held[1:]
    assert (tracks.source == Source.MANUAL).sum() == 3


def test_a_dock_opened_later_reads_what_was_moved_meanwhile(bench):
    bench.track()
    bench.controller.close()
    bench.viewer.dims.set_current_step(0, 9)
    bench.move(5, 1, y=33, x=44)
    bench.controller = bench.new_controller()
    session = bench.controller.session_of(bench.image)
    assert session.document.tracks.xy[5, 1].tolist() == [44, 33]
    assert bench.tracked.data[:, 0].tolist() == [9, 9]


def test_trails_of_results_still_coming_wait_for_the_throttle(clip, recorder):
    waiting = []
    bench = Bench(clip, recorder)
    bench.controller._schedule = Scheduling(
        throttled=lambda call: lambda: waiting.append(call)
    )
    bench.add_points(SEEDS)
    run = bench.start()
    progress = next(bench.controller.steps(run))
    bench.controller.receive(run, progress)
    run.session.show(at_once=False)
    assert len(bench.trails.data) == 2 < len(bench.tracked.data)
    waiting[-1]()
    assert len(bench.trails.data) == len(bench.tracked.data)
