"""Optical flow suggests and refines; it must never make an exact answer worse."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from napari_cotracker.model.interface import Prediction, WindowState
from napari_cotracker.tracking import TrackingOptions, track
from napari_cotracker.tracking.frames.model_frame import Box, choose_model_frame
from napari_cotracker.tracking.sharpening.flow import GreyFrames, follow
from napari_cotracker.tracking.sharpening.likeness import likeness
from napari_cotracker.tracking.sharpening.sharpen import Known, Sharpener
from napari_cotracker.tracking.sharpening.tiles import SIDE, cut_tiles, lay_out
from napari_cotracker.tracking.windows.look import Entry, Look
from napari_cotracker.tracks import Queries

HEIGHT, WIDTH = 160, 200
N_FRAMES = 16


def texture(seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(400, 400)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.2) + cv2.GaussianBlur(noise, (0, 0), 6)
    span = smooth.max() - smooth.min()
    return ((smooth - smooth.min()) / span * 255).astype(np.uint8)


def where(t, xy, speed=(1.3, -0.7), turn=0.01):
    """What is at ``xy`` on frame 0 is here on frame ``t``."""
    centre = np.array([WIDTH, HEIGHT]) / 2
    z = (np.asarray(xy, float) - centre) @ np.array([1, 1j])
    z = z * np.exp(1j * turn * t) + complex(*speed) * t
    return np.stack([z.real, z.imag], -1) + centre


def film(n_frames=N_FRAMES, **motion):
    """A textured plane that moves and turns, (T, H, W, 3) uint8."""
    whole, frames = texture(), []
    corners = np.array([[0, 0], [100, 0], [0, 100]], np.float32)
    for t in range(n_frames):
        there = where(t, corners, **motion).astype(np.float32)
        lift = cv2.getAffineTransform(corners + 100, there)
        grey = cv2.warpAffine(whole, lift, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
        frames.append(np.repeat(grey[..., None], 3, 2))
    return np.stack(frames)


class Source:
    def __init__(self, frames):
        self.frames = frames

    def read(self, start, stop):
        return self.frames[start:stop]


POINTS = np.array([[70, 60], [110, 80], [90, 100], [120, 60]], np.float32)


def sharpener(frames):
    frame = choose_model_frame(frames.shape[1:3], stride=4)
    return Sharpener(Source(frames), frame), frame


def truth(frame, points=POINTS, **motion):
    native = np.stack([where(t, points, **motion) for t in range(N_FRAMES)])
    return frame.to_model(native).astype(np.float32)


def known(xy):
    n = xy.shape[1]
    return Known(np.zeros(n, np.int64), xy[0], np.zeros(n, np.int64), xy[0])


def sharpened(frames, answers, visible=None):
    made, _ = sharpener(frames)
    visible = np.ones(answers.shape[:2], bool) if visible is None else visible
    before = known(truth(made._frame))
    return made.sharpen(range(N_FRAMES), N_FRAMES, before, answers, visible)


def test_noisy_answers_become_sharp():
    frames = film()
    exact = truth(sharpener(frames)[1])
    noisy = exact + np.random.default_rng(1).normal(0, 0.8, exact.shape)
    got = sharpened(frames, noisy.astype(np.float32))
    before, after = (np.linalg.norm(xy - exact, axis=2) for xy in (noisy, got))
    assert np.median(before[1:]) > 0.7
    assert np.median(after[1:]) < 0.6 * np.median(before[1:])


def test_exact_answers_stay_exact_to_a_tenth_of_a_pixel():
    frames = film()
    exact = truth(sharpener(frames)[1])
    assert np.abs(sharpened(frames, exact) - exact).max() < 0.1


def test_where_the_network_sees_nothing_its_answer_stands():
    frames = film()
    exact = truth(sharpener(frames)[1])
    answers = exact + np.float32(0.6)
    visible = np.ones(exact.shape[:2], bool)
    visible[5:8, 2] = False
    got = sharpened(frames, answers, visible)
    np.testing.assert_allclose(got[5:8, 2], answers[5:8, 2], atol=1e-4)
    assert np.abs(got[4, 2] - exact[4, 2]).max() < 0.3


def test_an_answer_far_from_the_patch_stands():
    frames = film()
    answers = truth(sharpener(frames)[1])
    answers[6:, 1] += 30
    got = sharpened(frames, answers)
    assert np.linalg.norm(got[6:, 1] - answers[6:, 1], axis=1).max() <= 3
    assert np.abs(got[:6, 1] - answers[:6, 1]).max() < 0.2


def test_pictures_without_structure_change_nothing():
    answers = truth(sharpener(film())[1]) + np.float32(0.4)
    flat = np.full((N_FRAMES, HEIGHT, WIDTH, 3), 90, np.uint8)
    got = sharpened(flat, answers)
    np.testing.assert_allclose(got[1:], answers[1:], atol=1e-4)


def test_a_way_is_suggested_until_the_patch_is_lost():
    motion = {"speed": (-6.0, 4.0), "turn": 0.0}
    frames = film(**motion)
    frames[6:] = 90
    made, frame = sharpener(frames)
    exact = truth(frame, **motion)
    resting = np.repeat(exact[:1], N_FRAMES, axis=0)
    start = np.zeros(len(POINTS), np.int64)
    got = made.suggest(range(N_FRAMES), N_FRAMES, start, resting)
    np.testing.assert_allclose(got[:6], exact[:6], atol=0.3)
    np.testing.assert_allclose(got[8:], got[7:8].repeat(N_FRAMES - 8, 0))


class Obstinate:
    """Stays near where it began, and trusts what is near the truth."""

    stride, window_len, window_step, has_confidence = 4, N_FRAMES, 8, True

    def __init__(self, exact):
        self.exact = torch.from_numpy(exact)

    def start(self, xy, n_frames):
        xy = xy.reshape(1, 1, -1, 2).expand(-1, n_frames, -1, -1)
        return WindowState(xy, xy[..., 0] * 0, xy[..., 0] * 0)

    def sample(self, features, queries_txy):
        return queries_txy[..., :1]

    def refine(self, features, point_features, state, **_):
        off = (state.xy[0] - self.exact[:, :1]).norm(dim=-1)
        return [state._replace(confidence=5 - off[None])]


@pytest.mark.parametrize("is_good", [True, False])
def test_a_suggestion_is_taken_where_the_network_trusts_it_more(is_good):
    exact = truth(sharpener(film())[1])[:, :1] * [[[3, 1]]]
    exact = exact.astype(np.float32)
    resting = np.repeat(exact[:1], N_FRAMES, axis=0)
    suggested = exact if is_good else 2 * resting - exact
    network = Obstinate(exact if is_good else resting)
    begin = network.start(torch.from_numpy(exact[:1, 0]), N_FRAMES)
    zero = np.zeros(1, np.int64)
    entry = Entry(begin, torch.zeros(1, 1, 1), zero, zero, suggested)
    features = torch.zeros(1, N_FRAMES, 1, 8, 8)
    look = Look(network, 0, 1)
    asking = look.at(features, Box(0, 0, 32, 32), entry, 0, N_FRAMES)
    answer = look.answer_all([asking])[0].xy[0].numpy()
    np.testing.assert_allclose(answer, exact if is_good else resting)


def test_without_sharpening_the_networks_own_answers_are_returned():
    frames, queries = film(), np.array([[0, 70, 60], [9, 100, 80]], np.float32)

    class Constant:
        window_len, window_step, stride = 8, 4, 4

        def predict(self, video, queries_txy, iterations=6):
            n = len(video)
            xy = queries_txy[None, :, 1:].expand(n, -1, -1) + 0.7
            seen = torch.full(xy.shape[:2], 0.9)
            return Prediction(xy, seen, seen)

    still = np.repeat(frames[:1], N_FRAMES, axis=0)
    plain = track(still, queries, Constant(), TrackingOptions(sharpen=False))
    sharp = track(still, queries, Constant())
    assert np.linalg.norm(plain.xy[5, 0] - [70, 60]) > 0.6
    free = np.ones(plain.xy.shape[:2], bool)
    for column, (t, x, y) in enumerate(queries):
        assert (sharp.xy[int(t), column] == (x, y)).all()
        free[int(t), column] = False
        off = np.linalg.norm(sharp.xy[:, column] - (x, y), axis=1)
        assert off.max() < 0.05
    assert np.array_equal(sharp.visibility, plain.visibility)
    again = track(still, queries, Constant())
    assert np.array_equal(again.xy, sharp.xy)


def test_sharpening_works_towards_the_past():
    frames = film(24)
    exact = np.stack([where(t, POINTS) for t in range(24)])
    queries = Queries(frame=[23] * 4, xy=exact[23])

    class Off:
        window_len, window_step, stride = 8, 4, 4

        def predict(self, video, queries_txy, iterations=6):
            pictures = frames[..., 0]
            t = [
                int(np.abs(pictures - now.numpy()).reshape(24, -1).sum(1).argmin())
                for now in video[:, 0].byte()
            ]
            xy = torch.from_numpy(exact[t].astype(np.float32)) + 0.8
            nearest = torch.cdist(
                queries_txy[:, 1:], xy[queries_txy[0, 0].long()]
            ).argmin(1)
            seen = torch.full((len(t), len(nearest)), 0.9)
            return Prediction(xy[:, nearest], seen, seen)

    options = TrackingOptions(direction="backward", support_grid=0)
    tracks = track(frames, queries, Off(), options)
    off = np.linalg.norm(tracks.xy - exact, axis=2)
    assert np.median(off) < 0.4 and (off < 1.2).all()


def test_flow_is_exact_and_says_where_it_is_lost():
    frames = film(3)[..., 0]
    found = follow(frames[0], frames[1], POINTS)
    np.testing.assert_allclose(found.xy, where(1, POINTS), atol=0.1)
    assert (found.error < 0.1).all()
    flat = np.zeros_like(frames[0])
    assert not (follow(flat, flat, POINTS).error < 1).any()
    assert follow(frames[0], frames[1], POINTS[:0]).xy.shape == (0, 2)


def test_grey_frames_are_read_once_and_forgotten():
    class Counting(Source):
        reads = 0

        def read(self, start, stop):
            Counting.reads += 1
            return self.frames[start:stop]

    grey = GreyFrames(Counting(film(6)), budget=3 * HEIGHT * WIDTH)
    for frame in (0, 1, 0, 1, 2):
        assert grey[frame].shape == (HEIGHT, WIDTH)
    assert Counting.reads == 3
    assert grey[3] is grey[3] and Counting.reads == 4
    grey[0]
    assert Counting.reads == 5


def test_tiles_know_where_they_come_from():
    picture = film(1)[0, ..., 0]
    xy = np.array([[70.4, 60.2], [0, 0], [WIDTH + 50, HEIGHT - 1]], np.float32)
    mosaic = lay_out(cut_tiles(picture, xy))
    assert mosaic.picture.shape == (2 * SIDE, 2 * SIDE)
    inside = xy[:2] + mosaic.shift_xy[:2]
    alike = likeness(picture, xy[:2], mosaic.picture, inside.astype(np.float32))
    np.testing.assert_allclose(alike, 1, atol=1e-6)


def test_likeness_ignores_brightness_and_contrast():
    picture = film(1)[0, ..., 0]
    darker = (picture * 0.4 + 20).astype(np.uint8)
    assert (likeness(picture, POINTS, darker, POINTS) > 0.99).all()
    assert (np.abs(likeness(picture, POINTS, picture, POINTS[::-1])) < 0.9).all()
    assert (likeness(picture, POINTS, np.zeros_like(picture), POINTS) == 0).all()
