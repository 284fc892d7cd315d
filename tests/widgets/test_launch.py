"""``napari-cotracker --demo`` opens a real viewer with the dock and the sample."""

from collections import namedtuple

import napari
import pytest
import qtpy
from napari._app_model import get_app_model
from qtpy.QtWidgets import QPushButton

from napari_cotracker.cli import main
from napari_cotracker.errors import CoTrackerError
from napari_cotracker.widgets import launch
from napari_cotracker.widgets.dock.point_tracker import PointTracker

VersionInfo = namedtuple("VersionInfo", "major minor")


@pytest.mark.parametrize("demo", [False, True])
def test_the_command_opens_napari_with_the_dock(qapp, monkeypatch, demo, capsys):
    seen = []

    def look_instead_of_waiting():
        viewer = napari.current_viewer()
        window = viewer.window._qt_window
        seen.append(window.findChild(QPushButton, "run") is not None)
        seen.append({layer.name: type(layer).__name__ for layer in viewer.layers})
        viewer.close()

    monkeypatch.setattr(napari, "run", look_instead_of_waiting)
    assert main(["--demo"] if demo else []) == 0
    has_dock, layers = seen
    assert has_dock
    assert ("Image" in layers.values()) is demo


def test_the_menu_shows_the_dock_that_the_command_has_opened(qapp, monkeypatch):
    docks = []

    def choose_in_the_menu():
        viewer = napari.current_viewer()
        window = viewer.window._qt_window
        for _ in range(2):  # it hides it, and shows it again
            get_app_model().commands.execute_command(
                "napari-cotracker.point_tracker"
            ).result()
        docks.extend(window.findChildren(PointTracker))
        viewer.close()

    monkeypatch.setattr(napari, "run", choose_in_the_menu)
    assert main([]) == 0
    assert len(docks) == 1, "two would not know of each other's edits"


def test_without_a_qt_binding_the_way_to_one_is_told(monkeypatch):
    def no_binding(name, *rest):
        if name.startswith("qtpy"):
            raise ImportError("No Qt bindings could be found")
        return real(name, *rest)

    import builtins

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", no_binding)
    with pytest.raises(CoTrackerError, match=r"pip install 'napari-cotracker\[gui\]'"):
        launch._require_qt()


def test_a_qt_binding_that_ends_this_python_is_refused(monkeypatch):
    monkeypatch.setattr(qtpy, "PYSIDE_VERSION", "6.12.0")
    monkeypatch.setattr(launch.sys, "version_info", (3, 12))
    launch._require_qt()
    monkeypatch.setattr(launch.sys, "version_info", VersionInfo(3, 11))
    with pytest.raises(CoTrackerError, match=r"Python 3.11 .* 'PySide6!=6.12.0'"):
        launch._require_qt()
