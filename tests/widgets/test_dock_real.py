"""The dock with the real engine: a network that knows the truth, and our own one."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from dock_window import Window
from tracking_oracle import StagedOracle, film, world_xy

from napari_cotracker.io import load_tracks
from napari_cotracker.sample import sample_clip
from napari_cotracker.tracks import Source
from napari_cotracker.weights import list_models
from napari_cotracker.widgets.engine import default_engine
from napari_cotracker.widgets.files.sample_data import sample_clip as sample_layers

N_FRAMES = 40


class GatedOracle(StagedOracle):
    """Waits for a permit before every window."""

    def __init__(self):
        super().__init__(window_len=8, window_step=4)
        self.gates = threading.Semaphore(10_000)

    def refine(self, *args, **kwargs):
        assert self.gates.acquire(timeout=20)
        return super().refine(*args, **kwargs)


@pytest.fixture
def shown(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    qtbot.waitExposed(viewer.window._qt_window)
    return viewer


def test_real_driver_puts_points_on_the_true_pixels(
    shown, qtbot, tmp_path, monkeypatch
):
    oracle = GatedOracle()
    engine = replace(default_engine(), load_model=lambda name, device: oracle)
    window = Window(shown, engine, qtbot)
    image = shown.add_image(film(N_FRAMES), rgb=True, name="film", scale=(1, 2, 2))
    window.place_points(image, [(3, 40, 50), (20, 50, 66)])
    clicked = shown.layers["film points"].data
    assert clicked[:, 0].tolist() == [3, 20]
    window.press("run")
    window.idle()
    assert window["progress"].value() == window["progress"].maximum() > 2

    tracked = shown.layers["film tracked"]
    assert len(tracked.data) == len(shown.layers["film trails"].data) == 2 * N_FRAMES
    for track_id, (t, y, x) in enumerate(clicked):
        rows = tracked.data[(tracked.features["track_id"] == track_id).to_numpy()]
        truth = world_xy(rows[:, 0], (x, y), t)
        assert np.abs(rows[:, :0:-1] - truth).max() < 1e-2

    before = tracked.data.copy()
    oracle.gates = threading.Semaphore(2)
    window.press("run")
    window.wait(lambda: window["progress"].value() == 2)
    done = len(oracle.windows)
    window.press("cancel")
    oracle.gates.release(1)
    window.idle()
    assert len(oracle.windows) <= done + 1, "cancel takes one window at most"
    assert np.allclose(tracked.data, before, atol=1e-2)

    oracle.gates = threading.Semaphore(10_000)
    session = window.dock.controller.session_of(image)
    shown.dims.set_current_step(0, 30)
    shown.layers.selection.active = tracked
    (row,) = np.flatnonzero(
        (tracked.data[:, 0] == 30) & (tracked.features["track_id"] == 0)
    )
    start = tracked.data[row, 1:].copy()
    window.canvas.drag(tracked, start, start + np.array([6, -9]))
    window.wait(lambda: session.document.edited.any())
    window.wait(lambda: not window.dock.runner.busy)
    placed = session.document.tracks.xy[30, 0]
    assert np.abs(placed - start[::-1]).max() > 4
    later = np.arange(31, N_FRAMES)
    truth = world_xy(later, placed, 30)
    assert np.abs(session.document.tracks.xy[31:, 0] - truth).max() < 1e-2
    other = tracked.features["track_id"] == 1
    assert np.array_equal(tracked.data[other], before[other]), "no other track moved"

    path = tmp_path / "film.csv"
    path.write_text("old")
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getSaveFileName", lambda *a, **k: (str(path), "")
    )
    window.press("export")
    tracks = load_tracks(path)
    assert np.array_equal(tracks.xy, session.document.tracks.xy)
    assert (tracks.source == Source.MANUAL).sum() == 3


@pytest.mark.skipif(
    not any(record.is_here and record.name == "compact" for record in list_models()),
    reason="the compact weights are not in this checkout",
)
def test_own_network_follows_the_sample_clip(shown, qtbot):
    window = Window(shown, None, qtbot)
    for data, look, kind in sample_layers():
        getattr(shown, f"add_{kind}")(data, **look)
    points = shown.layers["sample clip points"]
    early = points.data[:, 0] == points.data[:, 0].min()
    points.selected_data = set(np.flatnonzero(~early))
    points.remove_selected()
    window["last_frame"].setValue(15)
    window.press("run")
    qtbot.waitUntil(window["run"].isEnabled, timeout=120_000)
    session = window.dock.controller.session_of(shown.layers["sample clip"])
    truth = sample_clip().truth
    error = np.linalg.norm(
        session.document.tracks.xy[:16] - truth.xy[:16, np.flatnonzero(early)], axis=2
    )
    assert np.median(error) < 3
