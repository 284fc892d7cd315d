"""Print how long the dock keeps the GUI thread per interaction, in milliseconds.

Run with a display: ``xvfb-run -a python tests/widgets/gui_speed.py [TRACKS FRAMES]``.
Everything is kept on disk meanwhile, as of any session that nobody has saved.
Own time is processor time of our callbacks on the GUI thread, with all that napari does
inside the calls we make; painting comes on top.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import fields, replace
from functools import partial
from time import thread_time
from typing import TYPE_CHECKING

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_cotracker.project.recovery import FOLDER_VARIABLE
from napari_cotracker.tracking import Progress
from napari_cotracker.tracks import Source, Tracks
from napari_cotracker.widgets.engine import Engine
from napari_cotracker.widgets.layers.layer_looks import Scheduling
from napari_cotracker.widgets.layers.result_layers import ResultLayers
from napari_cotracker.widgets.runs.controller import TrackingController
from napari_cotracker.widgets.session.review import Review
from napari_cotracker.widgets.session.run import Request

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (480, 640)
REPEATS = 15
BUDGET_MS = 50


def motion(n_frames: int, n_tracks: int) -> Tracks:
    """Tracks that wander over the whole image."""
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, (n_tracks, 2))
    t = np.arange(n_frames)[:, None, None] / 100
    height, width = SIZE
    xy = np.sin(t + phase) * (width / 2 - 30, height / 2 - 30)
    xy += np.array([width / 2, height / 2])
    shape = (n_frames, n_tracks)
    empty = Tracks.empty(
        n_frames, np.arange(n_tracks), tuple(map(str, range(n_tracks))), size=SIZE
    )
    return replace(
        empty,
        xy=xy.astype(np.float32),
        visibility=rng.random(shape, np.float32),
        confidence=rng.random(shape, np.float32),
        visible=rng.random(shape) > 0.1,
        source=np.full(shape, Source.MODEL, np.uint8),
    )


class Window:
    """A finished window of the size that a real one of 100 tracks has."""

    def to_bytes(self) -> bytes:
        return bytes(30_000)


def until(tracks: Tracks, stop: int) -> Tracks:
    """The same tracks, known up to a frame."""
    source = tracks.source.copy()
    source[stop:] = Source.EMPTY
    xy = tracks.xy.copy()
    xy[stop:] = np.nan
    return replace(tracks, xy=xy, source=source)


class Clock:
    """Collects own milliseconds by name."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}
        self._late: dict[str, Callable[[], None]] = {}

    def time(self, name: str, call, *args, **kwargs):
        began = thread_time()
        answer = call(*args, **kwargs)
        self.spent.setdefault(name, []).append(1000 * (thread_time() - began))
        return answer

    def settle(self) -> None:
        """Do what was put off, and paint."""
        for name, call in self._late.items():
            self.time(name, call)
        self._late.clear()
        for _ in range(3):
            QApplication.processEvents()

    def throttled(self, name: str, call):
        """Put a call off until :meth:`settle`."""
        return lambda: self._late.__setitem__(name, call)

    def watch(self, owner: type, method: str, name: str) -> None:
        """Time a callback wherever it is called."""
        inner = getattr(owner, method)
        setattr(owner, method, lambda *args: self.time(name, inner, *args))

    def table(self) -> str:
        lines = [f"{'interaction':24s} {'median':>8s} {'worst':>8s}  ms of own time"]
        for name, spent in self.spent.items():
            late = "  over budget" if np.median(spent) > BUDGET_MS else ""
            lines.append(f"{name:24s} {np.median(spent):8.1f} {max(spent):8.1f}{late}")
        return "\n".join(lines)


def main(n_tracks: int = 100, n_frames: int = 2000) -> None:
    """Drive a session through every interaction."""
    truth, clock = motion(n_frames, n_tracks), Clock()
    viewer = napari.Viewer()
    frames = np.broadcast_to(np.zeros(SIZE, np.uint8), (n_frames, *SIZE))
    image = viewer.add_image(frames, name="clip", contrast_limits=(0, 255))
    start = np.column_stack([np.zeros(n_tracks), truth.xy[0, :, ::-1]])
    points = viewer.add_points(start, name="mine", visible=False)
    engine = Engine(*[lambda *args, **kwargs: ""] * len(fields(Engine)))
    controller = TrackingController(
        viewer,
        engine,
        schedule=Scheduling(throttled=partial(clock.throttled, "trails (5x/s)")),
    )
    clock.watch(ResultLayers, "_on_step", "other frame")
    run = clock.time("begin of a run", controller.start, Request(image, points))
    session = run.session

    for part in range(1, REPEATS):
        stop = part * n_frames // REPEATS
        progress = Progress(part, REPEATS, until(truth, stop), (0, stop), Window())

        def update(progress=progress):
            controller.receive(run, progress)
            session.show(at_once=False)

        clock.time("first layers" if part == 1 else "update while running", update)
        clock.settle()
    progress = Progress(REPEATS, REPEATS, truth, (0, n_frames - 1))
    clock.time("end of the run", controller.finish, run, progress, complete=True)

    layer = viewer.layers["clip tracked"]
    review = Review()
    for i in range(REPEATS):
        frame = (1 + i * 37) % n_frames
        viewer.dims.set_current_step(0, frame)
        clock.settle()
        (row,) = np.flatnonzero(
            (layer.data[:, 0] == frame) & (layer.features["track_id"] == i % n_tracks)
        )
        layer.data[row, 1:] += 3.0
        for name, call in (
            ("drag end", session.read_layer),
            ("undo", session.undo),
            ("redo", session.redo),
        ):
            clock.time(name, call)
            clock.settle()
        layer.selected_data = {int(row)}
        with layer.events.data.blocker():  # the deletion itself is napari's
            layer.remove_selected()
        clock.time("delete", session.read_layer)
        clock.settle()
        clock.time("undo of delete", session.undo)
        clock.settle()
        clock.time("next for review", lambda: review.next(session))
    print(f"{n_tracks} tracks x {n_frames} frames")
    print(clock.table())
    viewer.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER_VARIABLE] = folder
        main(*map(int, sys.argv[1:]))
