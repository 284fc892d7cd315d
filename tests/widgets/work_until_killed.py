"""Work in napari as a person does, without saving, until the process is killed.

``python work_until_killed.py VIDEO STATE.npz``: when STATE is written, everything in it
is promised to be safe; what comes after may be cut off anywhere. With ``clicks`` as a
third word points are clicked, and nothing is run.
"""

import sys
import time

import napari
import numpy as np
from conftest import Recorder
from dock_window import Window
from qtpy.QtWidgets import QApplication


class Waiting:
    """As much of pytest-qt's ``qtbot`` as a window needs."""

    def waitUntil(self, condition, timeout):
        end = time.monotonic() + timeout / 1000
        while not condition():
            assert time.monotonic() < end, "timed out"
            self.pause()

    @staticmethod
    def pause():
        QApplication.processEvents()
        time.sleep(0.005)


def drag(window, image, tracked, frame, track_id, by_yx):
    """Drag a tracked point; return when the edit was made."""
    session = window.dock.controller.session_of(image)
    done = session.annotations.journal.done
    window.viewer.dims.set_current_step(0, frame)
    start = session.document.tracks.xy[frame, track_id, ::-1].copy()
    window.canvas.drag(tracked, start, start + by_yx)
    window.wait(lambda: session.annotations.journal.done == done + 1)


def begin(video):
    viewer = napari.Viewer()
    window = Window(viewer, Recorder().engine, Waiting())
    (image,) = viewer.open(video, plugin="napari-cotracker")
    QApplication.processEvents()
    return viewer, window, image


def click(video, state):
    viewer, window, image = begin(video)
    window.place_points(image, [(2, 40, 60), (6, 90, 100), (9, 50, 30)])
    window.wait(lambda: window.dock.controller.session_of(image) is not None)
    np.savez(state, points=viewer.layers[f"{image.name} points"].data)
    print("safe", flush=True)
    while True:
        Waiting.pause()


def work(video, state):
    viewer, window, image = begin(video)
    window.press("auto_retrack")  # so that all that changes is what is dragged
    window.place_points(image, [(2, 40, 60), (6, 90, 100)])
    window.press("run")
    window.idle()
    tracked = viewer.layers[f"{image.name} tracked"]
    viewer.layers.selection.active = tracked
    drag(window, image, tracked, 12, 1, (8, 6))
    drag(window, image, tracked, 5, 0, (-7, 9))
    drag(window, image, tracked, 9, 0, (5, 5))
    window.press("undo")
    session = window.dock.controller.session_of(image)
    session.read_layer()
    kept = session.document.tracks
    np.savez(state, xy=kept.xy, source=kept.source)
    print("safe", flush=True)
    for frame in range(10, 1000):
        drag(window, image, tracked, frame % 20, 1, (frame % 5 - 2, 3))


if __name__ == "__main__":
    (click if "clicks" in sys.argv[3:] else work)(*sys.argv[1:3])
