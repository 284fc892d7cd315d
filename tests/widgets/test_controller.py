from contextlib import closing

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_cotracker.errors import InputError, TrackingError
from napari_cotracker.project.point_edits import accept
from napari_cotracker.project.span_edits import begin_track, end_track
from napari_cotracker.project.track_edits import remove_tracks
from napari_cotracker.tracks import Source
from napari_cotracker.widgets.runs.controller import TrackingController
from napari_cotracker.widgets.session.run import Request

VELOCITY_XY = np.array([0.5, 0.25])


class Bench:
    """A viewer model with a clip and points, and a controller run to the end."""

    def __init__(self, clip, recorder, **image_kwargs):
        self.viewer = ViewerModel()
        self.image = self.viewer.add_image(clip, name="clip", **image_kwargs)
        self.recorder = recorder
        self.said = []
        self.controller = self.new_controller()

    def new_controller(self):
        return TrackingController(
            self.viewer,
            self.recorder.engine,
            on_edit=lambda session, text: self.said.append(text),
        )

    def add_points(self, data, **kwargs):
        self.points = self.viewer.add_points(np.array(data, float), **kwargs)
        return self.points

    def start(self, **kwargs):
        return self.controller.start(Request(self.image, self.points, **kwargs))

    def track(self, **kwargs):
        run = self.start(**kwargs)
        progress = None
        for progress in self.controller.steps(run):  # noqa: B007
            pass
        self.controller.finish(run, progress, complete=True)
        return run.session

    def part(self, windows, **kwargs):
        """Run some windows, then cancel."""
        run = self.start(**kwargs)
        with closing(self.controller.steps(run)) as steps:
            for _ in range(windows):
                progress = next(steps)
                self.controller.receive(run, progress)
        self.controller.finish(run, progress, complete=False)
        return run.session

    @property
    def tracked(self):
        return self.viewer.layers["clip tracked"]

    @property
    def trails(self):
        return self.viewer.layers["clip trails"]

    def row(self, frame, track_id):
        layer = self.tracked
        at = (layer.data[:, 0] == frame) & (layer.features["track_id"] == track_id)
        (row,) = np.flatnonzero(at)
        return row

    def move(self, frame, track_id, y, x):
        data = self.tracked.data.copy()
        data[self.row(frame, track_id), -2:] = y, x
        self.tracked.data = data


@pytest.fixture
def bench(clip, recorder):
    return Bench(clip, recorder)


SEEDS = [[3, 10, 20], [8, 30, 40]]  # t, y, x


def test_results_are_two_layers_on_the_right_pixels(bench):
    bench.add_points(SEEDS)
    before = bench.points.data.copy()
    session = bench.track()
    layer = bench.tracked
    assert layer.data.shape == (40, 3) and layer.editable
    t = layer.data[:, 0]
    first = layer.features["track_id"] == 0
    assert np.allclose(layer.data[first, 1], 10 + 0.25 * (t[first] - 3))
    assert np.allclose(layer.data[first, 2], 20 + 0.5 * (t[first] - 3))
    assert list(layer.features) == [
        "track_id",
        "name",
        "source",
        "visibility",
        "confidence",
    ]
    assert bench.trails.data.shape == (40, 4)
    rows = bench.trails.data
    for track_id, *tyx in rows:
        assert np.array_equal(layer.data[bench.row(tyx[0], track_id)], tyx)
    assert np.array_equal(bench.points.data, before)
    assert layer.metadata["napari_cotracker"]["model"] == "compact"
    assert "napari_cotracker" in bench.trails.metadata
    assert session.document.tracks.source[3, 0] == Source.MANUAL


def test_engine_is_asked_in_pixels_and_with_the_options(bench):
    bench.add_points(SEEDS)
    bench.track(direction="forward", first_frame=2, last_frame=15, device="cpu")
    (call,) = bench.recorder.calls
    assert call["queries"].txy.tolist() == [[3, 20, 10], [8, 40, 30]]
    options = call["options"]
    assert (options.direction, options.first_frame, options.last_frame) == (
        "forward",
        2,
        15,
    )
    assert call["model"] == "compact on cpu"
    assert call["video"] is bench.image.data


def test_the_model_is_loaded_once(bench):
    bench.add_points(SEEDS)
    bench.track()
    bench.track()
    bench.track(model="other")
    assert bench.recorder.loaded == [("compact", "auto"), ("other", "auto")]


def test_layers_are_placed_like_the_image(clip, recorder):
    bench = Bench(
        clip,
        recorder,
        scale=(0.1, 0.65, 0.65),
        translate=(5, -3, 7),
        units=("s", "um", "um"),
        axis_labels=("t", "y", "x"),
    )
    points = bench.controller.new_points(bench.image)
    world = bench.image.data_to_world((3, 10, 20))
    points.add(points.world_to_data(world))
    bench.points = points
    bench.track()
    for layer in (bench.tracked, bench.trails):
        place = layer.scale[-3:], layer.translate[-3:]
        assert np.allclose(place, ((0.1, 0.65, 0.65), (5, -3, 7)))
        assert layer.units[-3:] == bench.image.units
        assert layer.axis_labels[-3:] == ("t", "y", "x")
    assert np.allclose(bench.tracked.data_to_world(bench.tracked.data[3]), world)


def test_a_stack_is_tracked_in_the_slice_shown(recorder):
    data = np.random.default_rng(0).integers(0, 255, (6, 3, 60, 80), np.uint8)
    bench = Bench(data, recorder)
    bench.viewer.dims.set_current_step(1, 2)
    bench.add_points([[1, 2, 10, 20]])
    run = bench.start()
    assert "axis -3 at 2" in run.source.remark
    bench.controller.abandon()
    bench.track()
    assert np.array_equal(bench.recorder.calls[0]["video"][2], data[2, 2])
    assert bench.tracked.data[0].tolist() == [0, 2, 9.75, 19.5]
    bench.viewer.dims.set_current_step(1, 0)
    with pytest.raises(InputError, match="were made with axis -3 at 2"):
        bench.start()


def test_what_is_undone_or_reviewed_comes_into_view_in_its_slice(recorder):
    bench = Bench(np.zeros((6, 3, 60, 80), np.uint8), recorder, scale=(1, 5, 2, 2))
    bench.viewer.dims.set_current_step(1, 2)
    bench.add_points([[1, 2, 10, 20]], scale=(1, 5, 2, 2))
    session = bench.track()
    bench.move(3, 0, y=30, x=30)
    bench.viewer.dims.set_current_step(1, 0)
    session.undo()
    assert bench.viewer.dims.current_step[:2] == (3, 2)
    bench.viewer.dims.set_current_step(1, 0)
    session.layers.look_at(3, 0)
    assert bench.viewer.dims.current_step[:2] == (3, 2)


def test_points_of_another_slice_than_the_one_shown_are_refused(recorder):
    bench = Bench(np.zeros((6, 3, 60, 80), np.uint8), recorder)
    bench.add_points([[1, 2, 10, 20]])
    with pytest.raises(InputError, match="another slice"):
        bench.start()


def test_channels_before_time_share_one_result(recorder):
    data = np.zeros((2, 6, 60, 80), np.uint8)
    bench = Bench(data, recorder, axis_labels=("c", "t", "y", "x"))
    bench.add_points([[0, 1, 10, 20]])
    bench.track()
    assert bench.tracked.data.shape == (6, 3)
    assert bench.recorder.calls[0]["video"].shape == (6, 60, 80)


def test_lazy_data_stays_lazy(clip, recorder):
    bench = Bench(da.from_array(clip, chunks=(1, 60, 80)), recorder)
    bench.add_points(SEEDS)
    bench.track()
    assert isinstance(bench.recorder.calls[0]["video"], da.Array)


def test_points_with_one_name_are_one_track(bench):
    bench.add_points(
        [[3, 10, 20], [8, 30, 40], [12, 12, 22]],
        features={"name": ["nose", "tail", "nose"]},
    )
    bench.track()
    queries = bench.recorder.calls[0]["queries"]
    assert queries.point_id.tolist() == [0, 0, 1]
    assert queries.frame.tolist() == [3, 12, 8]
    assert queries.name == ("nose", "nose", "tail")
    assert set(bench.tracked.features["name"]) == {"nose", "tail"}


def test_points_without_a_name_are_tracks_of_their_own(bench):
    bench.add_points(
        [[3, 10, 20], [8, 30, 40], [9, 1, 1]], features={"name": ["", "a", None]}
    )
    bench.track()
    assert bench.recorder.calls[0]["queries"].point_id.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.empty((0, 3)), "has no points"),
        ([[25, 10, 20]], "outside the time range"),
        ([[3, 10, 80]], "outside the image"),
        ([[3, np.nan, 20]], "NaN"),
        ([[10, 20]], "lie on no frame"),
    ],
)
def test_unusable_points_are_refused_and_nothing_changes(bench, data, sentence):
    bench.points = bench.viewer.add_points(
        np.array(data, float), ndim=np.shape(data)[1]
    )
    with pytest.raises(InputError, match=sentence):
        bench.start()
    assert bench.controller.run is None
    assert [layer.name for layer in bench.viewer.layers][:1] == ["clip"]
    assert len(bench.viewer.layers) == 2


def test_missing_choices_are_refused(bench):
    with pytest.raises(InputError, match="No image"):
        bench.controller.start(Request(None, None))
    with pytest.raises(InputError, match="New points"):
        bench.controller.start(Request(bench.image, None))
    with pytest.raises(InputError, match="open a recording"):
        bench.controller.new_points(None)
    bench.add_points(SEEDS)
    with pytest.raises(InputError, match="comes after"):
        bench.start(first_frame=9, last_frame=4)
    bench.start()
    with pytest.raises(InputError, match="running"):
        bench.start()


def test_torch_errors_become_our_own(bench):
    bench.add_points(SEEDS)
    bench.recorder.error = RuntimeError("CUDA out of memory")
    run = bench.start()
    with pytest.raises(TrackingError, match="out of memory"):
        list(bench.controller.steps(run))
    assert bench.recorder.closed.is_set()


def test_a_late_result_is_dropped(bench):
    bench.add_points(SEEDS)
    old = bench.start()
    progress = next(bench.controller.steps(old))
    bench.controller.abandon()
    new = bench.start()
    assert new.number > old.number
    assert not bench.controller.receive(old, progress)
    assert not bench.controller.finish(old, progress, complete=True)
    assert "clip tracked" not in bench.viewer.layers
    assert bench.controller.run is new


def test_own_layers_are_not_offered_as_points(bench):
    bench.add_points(SEEDS)
    bench.track()
    assert bench.controller.points_layers() == [bench.points]
    assert bench.controller.image_layers() == [bench.image]


def test_running_leaves_the_chosen_layer_alone(bench):
    bench.add_points(SEEDS)
    bench.viewer.layers.selection.active = bench.points
    bench.track()
    assert bench.viewer.layers.selection.active is bench.points


def test_moving_a_point_is_an_undoable_edit(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    model_xy = session.document.tracks.xy[5, 1].copy()
    bench.move(5, 1, y=33, x=44)
    tracks = session.document.tracks
    assert tracks.xy[5, 1].tolist() == [44, 33]
    assert tracks.source[5, 1] == Source.MANUAL
    assert (tracks.source == Source.MANUAL).sum() == 3
    assert bench.tracked.features["source"][bench.row(5, 1)] == Source.MANUAL
    assert [1, 5, 33, 44] in bench.trails.data.tolist()
    assert bench.said[-1] == "1 point of 'point 1' on frame 5 moved."
    session.undo()
    assert np.array_equal(session.document.tracks.xy[5, 1], model_xy)
    assert bench.tracked.data[bench.row(5, 1), 1:].tolist() == model_xy[::-1].tolist()
    assert not session.document.edited.any()
    session.redo()
    assert bench.tracked.data[bench.row(5, 1), 1:].tolist() == [33, 44]
    session.redo()  # nothing left: no harm
    assert session.document.tracks.xy[5, 1].tolist() == [44, 33]


def test_deleting_and_adding_tracked_points_are_edits(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    bench.tracked.selected_data = {bench.row(5, 1)}
    bench.tracked.remove_selected()
    assert session.document.tracks.source[5, 1] == Source.EMPTY
    assert len(bench.tracked.data) == len(bench.trails.data) == 39
    bench.tracked.feature_defaults["track_id"] = 1
    bench.tracked.add([5, 31, 41])
    assert session.document.tracks.xy[5, 1].tolist() == [41, 31]
    assert len(bench.tracked.data) == 40
    session.undo()
    session.undo()
    assert session.document.tracks.source[5, 1] == Source.MODEL
    assert len(bench.tracked.data) == 40


def test_a_point_dragged_out_of_the_image_is_put_back(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    xy = session.document.tracks.xy[5, 1].tolist()
    bench.move(5, 1, y=33, x=500)
    assert session.document.tracks.xy[5, 1].tolist() == xy
    assert bench.tracked.data[bench.row(5, 1), 1:].tolist() == xy[::-1]
    assert "put back: outside the image" in bench.said[-1]
    assert "your own Points layer" not in bench.said[-1]
    assert not session.annotations.can_undo


def test_predictions_outside_the_image_are_not_put_back(bench):
    bench.add_points([[2, 10, 76]])
    session = bench.track()
    assert session.document.tracks.xy[15, 0, 0] > 80
    bench.said.clear()
    session.read_layer()
    assert bench.said == []
    bench.move(4, 0, 12, 70)
    assert bench.said == ["1 point of 'point 0' on frame 4 moved."]


def test_a_position_accepted_outside_the_image_is_kept_but_not_followed(bench):
    bench.add_points([[2, 10, 76]])
    session = bench.track()
    there = session.document.tracks.xy[15, 0].tolist()
    session.edit(lambda document: accept(document, 15, 0))
    session = bench.track()
    assert bench.recorder.calls[-1]["queries"].frame.tolist() == [2]
    assert session.document.tracks.xy[15, 0].tolist() == there
    assert session.document.tracks.source[15, 0] == Source.MANUAL


def test_points_are_added_to_a_track_that_is_there(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    session.layers.choose(0)
    session.edit(lambda document: end_track(document, 1, 15))
    session.edit(lambda document: remove_tracks(document, [0]))
    assert session.layers.chosen == 1
    bench.tracked.add([17, 31, 41])
    assert session.document.tracks.xy[17, 0].tolist() == [41, 31]
    session.edit(lambda document: remove_tracks(document, [1]))
    assert session.layers.chosen is None
    session.undo()
    assert session.layers.chosen == 1


def test_the_same_points_stay_selected_when_others_go(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    bench.tracked.selected_data = {bench.row(5, 0), bench.row(7, 1)}
    session.edit(lambda document: end_track(document, 0, 3))
    assert set(bench.tracked.selected_data) == {bench.row(7, 1)}
    session.undo()
    bench.tracked.selected_data = {bench.row(5, 0), bench.row(7, 1)}
    session.edit(lambda document: end_track(document, 0, 18))
    selected = {bench.row(5, 0), bench.row(7, 1)}
    assert set(bench.tracked.selected_data) == selected


def test_one_drag_is_one_edit(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    layer, row = bench.tracked, bench.row(5, 1)

    class Event:
        type = "mouse_press"

    drag = session.layers._on_drag(layer, Event)
    next(drag)
    Event.type = "mouse_move"
    for step in range(5):
        layer._move([row], (5, 30 + step, 40 + step))
        next(drag)
    assert not session.annotations.can_undo
    Event.type = "mouse_release"
    with pytest.raises(StopIteration):
        next(drag)
    assert session.document.tracks.source[5, 1] == Source.MANUAL
    session.undo()
    assert not session.annotations.can_undo


def test_edits_are_anchors_of_the_next_run_and_of_those_after(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    bench.move(12, 1, y=50, x=60)
    for _ in range(2):
        assert bench.track() is session
        queries = bench.recorder.calls[-1]["queries"]
        assert queries.txy.tolist() == [[3, 20, 10], [8, 40, 30], [12, 60, 50]]
        assert queries.point_id.tolist() == [0, 1, 1]
        assert session.document.tracks.xy[12, 1].tolist() == [60, 50]
        assert np.allclose(session.document.tracks.xy[13, 1], [60.5, 50.25])
    assert len([x for x in bench.viewer.layers if "tracked" in x.name]) == 1


def test_an_edit_made_while_tracking_is_kept(bench):
    bench.add_points(SEEDS)
    run = bench.start()
    steps = bench.controller.steps(run)
    for _ in range(2):
        progress = next(steps)
    bench.controller.receive(run, progress)
    run.session.show()
    bench.move(1, 0, y=5, x=6)
    for progress in steps:
        bench.controller.receive(run, progress)
    bench.controller.finish(run, progress, complete=True)
    assert run.session.document.tracks.xy[1, 0].tolist() == [6, 5]
    assert run.session.document.tracks.n_frames == 20
    assert bench.tracked.data[bench.row(1, 0)].tolist() == [1, 5, 6]


def test_cancel_keeps_the_finished_part_and_the_old_rest(bench):
    bench.add_points(SEEDS)
    session = bench.part(2)
    assert set(bench.tracked.data[:, 0]) == {*range(8), 8}, "8 is an anchor"
    bench.track()
    bench.points.data = np.array([[3, 11, 21], [8, 30, 40]], float)
    bench.part(1)
    tracks = session.document.tracks
    assert np.allclose(tracks.xy[3, 0], [21, 11])
    assert np.allclose(tracks.xy[10, 0], [20 + 3.5, 10 + 1.75])
    assert (tracks.source != Source.EMPTY).all()


def test_an_edit_of_the_users_own_anchor_counts_until_they_move_it(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    bench.move(3, 0, y=12, x=22)
    bench.track()
    assert bench.recorder.calls[-1]["queries"].txy.tolist() == [
        [3, 22, 12],
        [8, 40, 30],
    ]
    bench.points.data = np.array([[3, 15, 25], [8, 30, 40]], float)
    bench.track()
    assert bench.recorder.calls[-1]["queries"].txy.tolist() == [
        [3, 25, 15],
        [8, 40, 30],
    ]
    assert session.document.tracks.xy[3, 0].tolist() == [25, 15]


def test_tracks_keep_their_identity_when_points_come_and_go(bench):
    bench.add_points(SEEDS)
    bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.points.data = np.array([[8, 30, 40], [9, 9, 9]], float)  # first removed
    session = bench.track()
    queries = bench.recorder.calls[-1]["queries"]
    assert queries.point_id.tolist() == [1, 1, 2]
    assert queries.txy.tolist() == [[8, 40, 30], [12, 60, 50], [9, 9, 9]]
    assert set(session.document.tracks.point_id) == set(queries.point_id)


def test_a_recording_is_tracked_in_stages_from_one_layer_of_points(bench):
    bench.add_points([[3, 10, 20], [8, 30, 40], [15, 30, 40]])
    with pytest.raises(InputError, match="no point on the frames 16 to 19; add one"):
        bench.start(first_frame=16)
    assert bench.controller.session_of(bench.image) is None
    session = bench.track(last_frame=9)
    assert bench.recorder.calls[-1]["queries"].frame.tolist() == [3, 8]
    known = session.document.tracks.source != Source.EMPTY
    assert known[:10].tolist() == [[True, True, False]] * 10
    assert np.argwhere(known[10:]).tolist() == [[5, 2]], "kept, and not followed"
    first = session.document.tracks.xy[:10].copy()
    bench.move(9, 0, y=12, x=24)  # where the second part is to begin
    bench.move(15, 2, y=31, x=41)
    run = bench.start(first_frame=9)
    assert (run.queries.frame.tolist(), run.n_beyond) == ([9, 15], 2)
    bench.controller.abandon()
    tracks = bench.track(first_frame=9).document.tracks
    assert np.array_equal(tracks.xy[:9], first[:9], equal_nan=True)
    assert (tracks.source[9:, [0, 2]] != Source.EMPTY).all()
    assert tracks.xy[15, 2].tolist() == [41, 31]


def test_an_edit_outside_the_frame_range_is_neither_sent_nor_lost(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    bench.move(18, 1, y=50, x=60)
    bench.track(first_frame=2, last_frame=10)
    assert len(bench.recorder.calls[-1]["queries"]) == 2
    assert session.document.tracks.xy[18, 1].tolist() == [60, 50]
    assert session.document.edited[18, 1]


def test_deleting_the_tracked_layer_starts_afresh(bench):
    bench.add_points(SEEDS)
    bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.viewer.layers.remove("clip tracked")
    bench.viewer.layers.remove("clip trails")
    assert bench.controller.session_of(bench.image) is None
    bench.track()
    assert len(bench.recorder.calls[-1]["queries"]) == 2
    assert len(bench.viewer.layers) == 4


def test_trails_whose_points_were_deleted_show_the_next_results(bench):
    bench.add_points(SEEDS)
    bench.track()
    trails = bench.trails
    bench.viewer.layers.remove("clip tracked")
    bench.image.scale = (1, 2, 2)
    bench.points.data = np.array([[3, 5, 6]], float)
    bench.track()
    assert bench.trails is trails and len(bench.viewer.layers) == 4
    assert trails.scale.tolist() == [1, 2, 2]
    assert trails.data[:, 2:].tolist() == bench.tracked.data[:, 1:].tolist()
    session = bench.controller.session_of(bench.image)
    bench.controller.close()
    bench.controller = bench.new_controller()
    assert bench.controller.session_of(bench.image).layers.trails is trails
    assert session.image is bench.image


def test_deleted_trails_stay_away_until_the_next_run(bench):
    bench.add_points(SEEDS)
    bench.track()
    bench.viewer.layers.remove("clip trails")
    bench.move(12, 1, y=50, x=60)
    assert "clip trails" not in bench.viewer.layers
    bench.controller.close()
    bench.controller = bench.new_controller()
    session = bench.controller.session_of(bench.image)
    bench.move(14, 1, y=40, x=70)
    assert session.document.tracks.xy[[12, 14], 1].tolist() == [[60, 50], [70, 40]]
    bench.controller.finish(bench.controller.retrack(session), None, complete=False)
    assert "clip trails" not in bench.viewer.layers
    bench.track()
    assert bench.trails.data.shape == (40, 4)
    assert len(bench.viewer.layers) == 4


def test_removing_the_image_drops_the_run(bench):
    bench.add_points(SEEDS)
    run = bench.start()
    progress = next(bench.controller.steps(run))
    bench.controller.receive(run, progress)
    run.session.show()
    bench.viewer.layers.remove(bench.image)
    assert bench.controller.run is None
    assert not bench.controller.receive(run, progress)


def test_a_new_dock_takes_up_the_results_of_a_closed_one(bench):
    bench.add_points(SEEDS)
    bench.track()
    bench.move(12, 1, y=50, x=60)
    bench.controller.close()
    bench.move(13, 1, y=51, x=61)  # while no dock is open
    bench.controller = bench.new_controller()
    session = bench.track()
    assert bench.recorder.calls[-1]["queries"].txy[2:].tolist() == [
        [12, 60, 50],
        [13, 61, 51],
    ]
    assert session.layers.points is bench.tracked
    assert len(bench.viewer.layers) == 4


@pytest.mark.parametrize("points", [SEEDS, [*SEEDS, [30, 50, 70]]])
def test_an_image_whose_data_was_replaced_is_refused(bench, clip, points):
    bench.add_points(SEEDS)
    session = bench.track()
    bench.image.data = np.concatenate([clip, clip])
    bench.points.data = np.array(points, float)
    with pytest.raises(InputError, match="about 20 frames .* now has 40"):
        bench.start()
    bench.move(12, 1, y=50, x=60)
    with pytest.raises(InputError, match="about 20 frames"):
        bench.controller.retrack(session)
    bench.image.data, bench.points.data = clip, np.array(SEEDS, float)
    assert bench.track() is session


def test_results_stay_with_their_image_under_another_name(bench):
    bench.add_points(SEEDS)
    bench.track()
    bench.controller.close()
    bench.image.name = "mouse"
    bench.controller = bench.new_controller()
    session = bench.controller.session_of(bench.image)
    assert session.layers.points is bench.tracked
    assert session.layers.trails is bench.trails


@pytest.mark.parametrize("same", [True, False])
def test_another_image_of_the_same_name_has_the_results_of_its_recording_only(
    bench, clip, same
):
    bench.add_points(SEEDS)
    bench.track()
    bench.controller.close()
    bench.viewer.layers.remove(bench.image)
    shown = clip if same else clip[::-1]
    bench.image = bench.viewer.add_image(shown, name="clip")
    bench.controller = bench.new_controller()
    assert (bench.controller.session_of(bench.image) is not None) is same
    assert len(bench.tracked.data) == 40


def test_a_duplicate_of_results_is_not_taken_for_them(bench):
    bench.add_points(SEEDS)
    bench.track()
    for layer in (bench.tracked, bench.trails):
        bench.viewer.add_layer(type(layer)(layer.data, metadata=layer.metadata))
    bench.controller.close()
    bench.controller = bench.new_controller()
    session = bench.controller.session_of(bench.image)
    assert session.layers.points is bench.tracked
    assert session.layers.trails is bench.trails


def test_results_whose_image_was_removed_are_left_alone(bench, clip):
    bench.add_points(SEEDS)
    bench.track()
    bench.viewer.layers.remove(bench.image)
    bench.controller.close()
    bench.image = bench.viewer.add_image(clip, name="clip")
    bench.controller = bench.new_controller()
    assert bench.controller.session_of(bench.image) is None


def test_a_new_dock_can_bring_back_tracks_that_were_all_removed(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    session.edit(lambda document: remove_tracks(document, [0, 1]))
    bench.controller.close()
    bench.controller = bench.new_controller()
    session = bench.controller.session_of(bench.image)
    assert not session.has_tracks and session.annotations.can_undo
    session.undo()
    assert session.document.tracks.n_tracks == 2
    assert len(bench.tracked.data) == 40


def test_export_writes_what_is_shown(bench, tmp_path):
    bench.add_points(SEEDS)
    with pytest.raises(InputError, match="no tracks to export"):
        bench.controller.export(bench.image, tmp_path / "x.csv")
    session = bench.track()
    bench.tracked.data[bench.row(5, 1), 1:] = 33, 44  # in place: napari tells nobody
    bench.controller.export(bench.image, tmp_path / "x.csv")
    ((tracks, path),) = bench.recorder.saved
    assert path == tmp_path / "x.csv"
    assert tracks.xy[5, 1].tolist() == [44, 33]
    assert tracks is session.document.tracks


def test_occluded_points_are_hollow_and_placed_ones_white(bench):
    bench.add_points(SEEDS)
    bench.track()
    layer = bench.tracked
    assert layer.face_color[bench.row(2, 0), 3] == 0
    assert layer.face_color[bench.row(5, 0), 3] == 1
    assert layer.border_color[bench.row(2, 0), 3] == 1
    assert layer.border_color[bench.row(8, 1)].tolist() == [1, 1, 1, 1]


def test_a_run_that_ends_before_its_first_window_shows_what_it_was_about(recorder):
    bench = Bench(np.zeros((6, 3, 60, 80), np.uint8), recorder)
    bench.add_points([[1, 0, 10, 20]])
    bench.viewer.dims.set_current_step(1, 0)
    bench.controller.finish(bench.start(), None, complete=False)
    assert bench.tracked.data.tolist() == [[1, 0, 10, 20]]
    bench.viewer.dims.set_current_step(1, 2)
    with pytest.raises(InputError, match="delete 'clip tracked'"):
        bench.start()
    bench.viewer.layers.remove("clip tracked")
    bench.viewer.layers.remove("clip trails")
    bench.points.data = [[1, 2, 10, 20]]
    bench.track()


def test_points_whose_tracks_were_removed_say_so(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    session.edit(lambda document: remove_tracks(document, [0, 1]))
    with pytest.raises(InputError, match="'Points' .* were removed as tracks; undo"):
        bench.start()
    session.undo()
    bench.track()


def test_a_track_that_begins_on_the_first_frame_changes_nothing(bench):
    bench.add_points(SEEDS)
    session = bench.track()
    session.edit(lambda document: begin_track(document, 0, 0))
    assert bench.said[-1] == "Before frame 0 there is nothing of 'point 0' to end."
    assert not session.annotations.can_undo
