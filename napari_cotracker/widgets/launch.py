"""Open napari with the dock, for the command line."""

from __future__ import annotations

import os
import sys

from napari_cotracker.errors import CoTrackerError

PLUGIN = "napari-cotracker"
WIDGET = "Point tracker"
SAMPLE = "sample_clip"


def launch(*, demo: bool = False) -> None:
    """Open napari with the dock and return when the viewer is closed.

    Parameters
    ----------
    demo : bool
        Load the sample clip as well.

    Raises
    ------
    CoTrackerError
        There is no screen, or no Qt binding is installed.
    """
    _require_screen()
    _require_qt()
    import napari

    viewer = napari.Viewer()
    viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    if demo:
        viewer.open_sample(PLUGIN, SAMPLE)
    napari.run()


def _require_screen() -> None:
    """Say so where Qt would abort the whole process without a word in Python."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, named)):
        raise CoTrackerError(
            "There is no screen to open napari on (DISPLAY is not set); use "
            "'napari-cotracker track' or 'napari-cotracker demo', which need none."
        )


def _require_qt() -> None:
    try:
        import qtpy
        import qtpy.QtWidgets
    except ImportError as error:
        raise CoTrackerError(
            "napari needs a Qt binding to open a window and none can be used "
            f"({error}); install one with: pip install 'napari-cotracker[gui]'."
        ) from error
    # It loses references to None, True and False; Python 3.12 holds on to those anyway.
    if qtpy.PYSIDE_VERSION == "6.12.0" and sys.version_info < (3, 12):
        raise CoTrackerError(
            "PySide6 6.12.0 sooner or later ends Python "
            f"{sys.version_info.major}.{sys.version_info.minor} in the middle of work; "
            "install another with: pip install 'PySide6!=6.12.0'."
        )
