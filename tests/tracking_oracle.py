"""A world whose true motion is known, films of it, and networks that know it.

Every pixel of a film says where and when it was taken: red = 3 * frame, green = x,
blue = y. A network that is shown a crop, resized, of such frames can therefore tell
the frame number and the geometry, and answer with the truth in its own pixels.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch

from napari_cotracker.model.interface import Prediction, WindowState

RED_STEP = 3
CENTRE = np.array([60.0, 45.0])


def world_xy(t, xy, t0):
    """Where what is at ``xy`` on frame ``t0`` is on frame ``t`` (turn, zoom, drift)."""
    t, t0, xy = (np.asarray(v, np.float64) for v in (t, t0, xy))

    def pose(time):
        turn = np.exp(0.02j * time) * (1 + 0.1 * np.sin(0.3 * time))
        return turn, 0.7 * time + 3j * np.cos(0.2 * time)

    (turn0, shift0), (turn, shift) = pose(t0), pose(t)
    z = (xy - CENTRE) @ np.array([1, 1j])
    z = (z - shift0) / turn0 * turn + shift
    return np.stack([z.real, z.imag], -1) + CENTRE


def film(n_frames, height=96, width=128):
    """(T, H, W, 3) uint8 frames that code their own place and time."""
    frames = np.empty((n_frames, height, width, 3), np.uint8)
    frames[..., 0] = (RED_STEP * np.arange(n_frames))[:, None, None]
    frames[..., 1] = np.arange(width)
    frames[..., 2] = np.arange(height)[:, None]
    return frames


def decode(frames, native_size=None):
    """Read (n, 3, H, W) model frames: (n,) frame numbers, origin (2,), step (2,).

    Grey films only code the frame; their geometry follows from ``native_size``.
    """
    pixels = frames.double().cpu().numpy()
    t = np.rint(pixels[:, 0].mean((1, 2)) / RED_STEP).astype(int)
    rows, columns = pixels.shape[2:]
    if native_size is not None:
        height, width = native_size
        return (
            t,
            np.zeros(2),
            np.array([(width - 1) / (columns - 1), (height - 1) / (rows - 1)]),
        )
    along_x, along_y = pixels[0, 1].mean(0), pixels[0, 2].mean(1)
    lines = [np.polyfit(np.arange(len(v)), v, 1) for v in (along_x, along_y)]
    return t, np.array([v[1] for v in lines]), np.array([v[0] for v in lines])


class ClipOracle:
    """Predict-only: the truth for whatever is at (t, x, y) of the clip."""

    def __init__(self, window_len=None, window_step=None, native_size=None):
        if window_len is not None:
            self.window_len, self.window_step = window_len, window_step
        self.native_size = native_size
        self.clips = []
        self.iterations = set()

    def predict(self, video, queries_txy, iterations=6):
        self.iterations.add(iterations)
        t, origin, step = decode(video, self.native_size)
        self.clips.append(t.tolist())
        queries = queries_txy.double().cpu().numpy()
        asked = t[queries[:, 0].astype(int)]
        native = world_xy(t[:, None], queries[:, 1:] * step + origin, asked)
        xy = torch.from_numpy((native - origin) / step).float()
        seen = torch.full(xy.shape[:2], 0.8)
        return Prediction(xy, seen, seen * 0.5)


class StagedOracle:
    """Window by window, checking what the driver hands over on the way."""

    stride = 4
    has_confidence = True

    def __init__(self, window_len=16, window_step=8, native_size=None):
        self.window_len, self.window_step = window_len, window_step
        self.native_size = native_size
        self.encoded = Counter()
        self.windows = []
        self.n_points = []

    def predict(self, video, queries_txy, iterations=6):
        raise AssertionError("the stages are there to be used")

    def encode(self, frames):
        features = []
        for picture in frames[0]:
            t, origin, step = decode(picture[None], self.native_size)
            self.encoded[int(t[0])] += 1
            features.append(torch.tensor([t[0], *origin, *step], dtype=torch.float64))
        rows, columns = (side // self.stride for side in frames.shape[-2:])
        planes = torch.stack(features)[None, :, :, None, None]
        return planes.expand(-1, -1, -1, rows, columns)

    def sample(self, features, queries_txy):
        now = features[0, queries_txy[0, :, 0].long(), :, 0, 0]
        native = queries_txy[0, :, 1:].double() * now[:, 3:] + now[:, 1:3]
        return torch.cat([now[:, :1], native], 1)[None]

    def start(self, queries_xy, n_frames):
        xy = queries_xy[:, None].expand(-1, n_frames, -1, -1)
        return WindowState(
            xy, torch.zeros_like(xy[..., 0]), torch.zeros_like(xy[..., 0])
        )

    def refine(
        self,
        features,
        point_features,
        state,
        *,
        query_frame,
        overlap,
        n_real,
        iterations,
    ):
        now = features[0, :, :, 0, 0].numpy()
        origin, step = now[0, 1:3], now[0, 3:]
        points = point_features[0].numpy()
        native = world_xy(now[:, :1], points[:, 1:], points[:, 0])
        xy = torch.from_numpy((native - origin) / step).float()[None]
        assert state.xy.shape == xy.shape
        assert 0 < n_real <= self.n_places(features)
        assert (query_frame < self.n_places(features)).all(), "not yet active"
        carried = (query_frame[0] < 0).nonzero()[:, 0]
        kept = state.xy[0, :overlap, carried]
        assert torch.allclose(kept, xy[0, :overlap, carried], atol=1e-2), "carry-over"
        self.windows.append(now[:, 0].astype(int).tolist())
        self.n_points.append(xy.shape[2])
        seen = torch.full(xy.shape[:3], 1.5)
        return [WindowState(xy * 0, seen, seen)] * (iterations - 1) + [
            WindowState(xy, seen, seen * 0)
        ]

    @staticmethod
    def n_places(features):
        return features.shape[1]


def expected(tracks, queries, options, n_frames):
    """Compare tracks with the truth: largest error in pixels; checks what is empty."""
    first = 0 if options.first_frame is None else options.first_frame
    last = n_frames - 1 if options.last_frame is None else options.last_frame
    worst = 0.0
    for column, point_id in enumerate(queries.tracks):
        mine = queries.point_id == point_id
        anchors = queries.frame[mine]
        t = np.arange(n_frames)
        known = (t >= first) & (t <= last)
        if options.direction == "forward":
            known &= t >= anchors.min()
        if options.direction == "backward":
            known &= t <= anchors.max()
        got = tracks.xy[:, column]
        assert np.isnan(got[~known]).all(), (
            "touched frames that are none of its business"
        )
        assert (tracks.source[~known, column] == 0).all()
        assert not tracks.visible[~known, column].any()
        truth = world_xy(t, queries.xy[mine][0], anchors[0])
        assert np.isfinite(got[known]).all(), "frames left empty"
        worst = max(worst, float(np.abs(got[known] - truth[known]).max()))
        assert np.array_equal(got[anchors], queries.xy[mine])
        assert (tracks.source[anchors, column] == 2).all()
        free = known.copy()
        free[anchors] = False
        assert (tracks.source[free, column] == 1).all()
    return worst
