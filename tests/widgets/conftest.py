"""An engine with known motion, a clip, and ways to use a real canvas."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_cotracker.tracking import Progress
from napari_cotracker.tracks import Source, Tracks
from napari_cotracker.widgets.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path

VELOCITY_XY = np.array([0.5, 0.25], np.float32)
WINDOW = 4


@dataclass(frozen=True)
class Window:
    """What a project keeps of a window: where it starts."""

    start: int

    def to_bytes(self) -> bytes:
        return str(self.start).encode()


@dataclass
class Recorder:
    """Engine whose points move at VELOCITY_XY; remembers what it was asked."""

    calls: list[dict] = field(default_factory=list)
    renewals: list[dict] = field(default_factory=list)
    loaded: list[tuple[str, str]] = field(default_factory=list)
    saved: list[tuple[Tracks, Path]] = field(default_factory=list)
    gates: threading.Semaphore | None = None  # one permit per window
    error: Exception | None = None
    error_after: int = 1
    closed: threading.Event = field(default_factory=threading.Event)
    windows: int = 0

    def load_model(self, name: str, device: str) -> str:
        self.loaded.append((name, device))
        return f"{name} on {device}"

    def track_iter(self, video, queries, **asked):
        self.calls.append({"video": video, "queries": queries, **asked})
        try:
            yield from self._windows(video, queries, **asked)
        finally:
            self.closed.set()

    def retrack_iter(self, video, queries, tracks, spans, **asked):
        """Renew spans of a track one after the other, WINDOW frames at a time."""
        self.renewals.append({"queries": queries, "spans": spans, **asked})
        parts = [
            (span.point_id, first, min(first + WINDOW, span.last + 1))
            for span in spans
            for first in range(span.first, span.last + 1, WINDOW)
        ]
        for done, (point_id, start, stop) in enumerate(parts, 1):
            self._pass_gate(done)
            filled = _fill(tracks, queries, start, stop)
            mine = np.zeros(tracks.source.shape, bool)
            mine[start:stop, tracks.point_id == point_id] = True
            tracks = replace(
                tracks,
                **{
                    key: np.where(
                        mine[..., None] if key == "xy" else mine,
                        getattr(filled, key),
                        getattr(tracks, key),
                    )
                    for key in ("xy", "visibility", "confidence", "visible", "source")
                },
            )
            yield Progress(done, len(parts), tracks, (start, stop - 1))

    def _windows(self, video, queries, *, options, resume=(), **_):
        n_frames, height, width = video.shape[:3]
        first = options.first_frame or 0
        last = n_frames - 1 if options.last_frame is None else options.last_frame
        tracks = Tracks.empty(
            n_frames,
            queries.tracks,
            tuple(queries.name_of(i) for i in queries.tracks),
            size=(height, width),
        )
        starts = range(first, last + 1, WINDOW)
        known = {int(window) for window in resume}
        for done, start in enumerate(starts, 1):
            stop = min(start + WINDOW, last + 1)
            tracks = _fill(tracks, queries, start, stop)
            if start in known:
                continue
            self._pass_gate(done)
            self.windows += 1
            yield Progress(done, len(starts), tracks, (start, stop - 1), Window(start))

    def _pass_gate(self, done):
        if self.gates is not None:
            assert self.gates.acquire(timeout=20)
        if self.error is not None and done > self.error_after:
            raise self.error

    def save_tracks(self, tracks: Tracks, path: Path) -> tuple[str, ...]:
        self.saved.append((tracks, path))
        path.write_text("track,name,frame,x,y\n", encoding="utf-8")
        return ("the frame rate",)

    @property
    def engine(self) -> Engine:
        return Engine(
            lambda: ["compact", "other"],
            self.load_model,
            self.track_iter,
            self.retrack_iter,
            lambda stored: int(stored),
            lambda: "features",
            lambda name: f"hash of {name}",
            lambda name: None,
            lambda name, on_progress: None,
            self.save_tracks,
        )


def _fill(tracks: Tracks, queries, start: int, stop: int) -> Tracks:
    xy, source = tracks.xy.copy(), tracks.source.copy()
    t = np.arange(start, stop)
    for column, point_id in enumerate(queries.tracks):
        anchors = np.flatnonzero(queries.point_id == point_id)
        nearest = anchors[np.abs(t[:, None] - queries.frame[anchors]).argmin(axis=1)]
        away = (t - queries.frame[nearest])[:, None]
        xy[start:stop, column] = queries.xy[nearest] + away * VELOCITY_XY
        source[start:stop, column] = np.where(
            away[:, 0] == 0, Source.MANUAL, Source.MODEL
        )
    known = source != Source.EMPTY
    sure = known.astype(np.float32)
    visible = known.copy()
    visible[2:4, 0] = False
    return replace(
        tracks,
        xy=xy,
        source=source,
        visibility=sure * 0.9,
        confidence=sure,
        visible=visible & known,
    )


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def clip() -> np.ndarray:
    """20 frames of 60 x 80 grey pixels."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (20, 60, 80), np.uint8)


@pytest.fixture
def desk(make_napari_viewer, recorder, qtbot, clip):
    """The dock with a tracked clip."""
    from dock_window import Desk  # Qt, which most tests do without

    viewer = make_napari_viewer(show=True)
    qtbot.waitExposed(viewer.window._qt_window)
    made = Desk(viewer, recorder, qtbot, clip)
    yield made
    assert np.array_equal(made.user.data, made.placed), "the person's own layer"
