"""A published network chosen in the dock: licence, download, cancel (needs Xvfb)."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checkpoint_site import BYTES, NAME
from qtpy.QtWidgets import QMessageBox

from napari_cotracker.errors import ModelError
from napari_cotracker.weights import find_model
from napari_cotracker.widgets.engine import default_engine

sys.path.append(str(Path(__file__).parents[1] / "widgets"))
from dock_window import Window

YES, NO = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No


class Chooser(Window):
    """A window in which the network of the test site is chosen from the list."""

    def __init__(self, viewer, qtbot, monkeypatch):
        self.loaded, self.questions, self.answer = [], [], YES
        engine = replace(default_engine(), load_model=self.load)
        super().__init__(viewer, engine, qtbot)
        monkeypatch.setattr("qtpy.QtWidgets.QMessageBox.question", self.ask)

    def ask(self, parent, title, text):
        self.questions.append(text)
        return self.answer

    def load(self, name, device):
        self.loaded.append(name)
        raise ModelError("far enough")

    def choose(self):
        box = self["model"]
        box.setCurrentIndex(box.findText(NAME))
        box.activated.emit(box.currentIndex())

    def quiet(self):
        self.wait(lambda: not self.dock.downloads.busy)


@pytest.fixture
def window(site, make_napari_viewer, qtbot, monkeypatch):
    viewer = make_napari_viewer(show=True)
    qtbot.waitExposed(viewer.window._qt_window)
    made = Chooser(viewer, qtbot, monkeypatch)
    yield made
    site.over.set()


def test_the_licence_is_shown_and_the_weights_come(window, home):
    window.choose()
    assert "CC-BY-NC-4.0" in window.questions[0] and "102 MB" in window.questions[0]
    window.quiet()
    assert find_model(NAME).where.read_bytes() == BYTES
    assert "is here now" in window.dock.status.text()
    window.choose()
    assert len(window.questions) == 1


def test_nothing_is_downloaded_without_acceptance(window, site):
    window.answer = NO
    window.choose()
    assert not window.dock.downloads.busy and site.asked == []
    assert window["run"].isEnabled()


def test_run_goes_on_after_the_download(window):
    window["model"].setCurrentText(NAME)
    image = window.viewer.add_image(np.zeros((20, 60, 80), np.uint8), name="clip")
    window.place_points(image, [(2, 15, 20)])
    window.press("run")
    assert not window["run"].isEnabled()
    window.wait(lambda: window.loaded)
    window.idle()
    assert window.loaded == [NAME]


def test_cancel_keeps_what_has_arrived(window, site, home):
    site.silent_after = 300_000
    window.choose()
    window.wait(lambda: window["progress"].value() >= 200)
    assert window["progress"].maximum() == len(BYTES) // 1000
    assert not window["run"].isEnabled()
    window.press("cancel")
    site.over.set()
    window.quiet()
    assert not find_model(NAME).is_here
    site.silent_after = None
    window.choose()
    window.quiet()
    assert find_model(NAME).is_here
    assert site.asked[-1][1] is not None, "the rest only"


def test_a_server_that_refuses_is_said_in_a_sentence(window, site):
    site.status = 503
    window.choose()
    window.quiet()
    assert "HTTP 503" in window.dock.status.text()
    assert window["run"].isEnabled()


@pytest.mark.parametrize("how", ["viewer", "dock"])
def test_closing_while_downloading_stops_it(window, site, home, how):
    site.silent_after = 300_000
    window.choose()
    window.wait(lambda: window["progress"].value() >= 200)
    if how == "dock":
        window.holder.destroyOnClose()
    else:
        window.viewer.close()
    site.over.set()
    window.qtbot.waitUntil(lambda: (home / f"{NAME}.pth.part").exists())
    assert not find_model(NAME).is_here
