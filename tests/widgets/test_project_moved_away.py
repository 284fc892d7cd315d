"""The project file is deleted under the dock: it says so, and Save… brings it back."""

import os
import threading

import numpy as np
import pytest

from napari_cotracker.project import read_document

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows keeps what is open where it is"
)


@pytest.fixture
def desk(desk, monkeypatch, tmp_path):
    desk.path = tmp_path / "mine.ctk"
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getSaveFileName",
        lambda *args: (str(desk.path), ""),
    )
    desk.press("save_project")
    desk.path.unlink()
    return desk


def test_an_edit_is_put_back_until_the_project_is_saved_again(desk):
    before = desk.tracks
    desk.drag(12, 1, (8, 6))
    desk.wait(lambda: "moved, deleted or replaced" in desk.dock.status.text())
    assert np.array_equal(desk.tracks.xy, before.xy)
    assert (
        desk.place_of(12, 1).tolist()
        == desk.tracked.data[
            (desk.tracked.data[:, 0] == 12) & (desk.tracked.features["track_id"] == 1)
        ][0, 1:].tolist()
    )
    desk.press("save_project")
    desk.drag(12, 1, (8, 6))
    desk.wait(desk["undo"].isEnabled)
    desk.quiet()
    wanted = desk.tracks.xy
    desk.dock.controller.close(for_good=True)
    assert np.array_equal(read_document(desk.path).tracks.xy, wanted)


def test_a_run_says_so(desk):
    desk.press("run")
    desk.quiet()
    assert "moved, deleted or replaced" in desk.dock.status.text()
    assert desk["run"].isEnabled()


def test_the_dock_is_closed_in_the_middle_of_a_run(desk):
    desk.press("save_project")
    desk.recorder.gates = threading.Semaphore(0)
    desk.press("run")
    desk.path.unlink()
    with desk.qtbot.captureExceptions() as raised:
        desk.holder.destroyOnClose()  # what its x does
        desk.recorder.gates.release(50)
        desk.qtbot.wait(100)
    assert raised == []
