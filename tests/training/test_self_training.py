"""Learning from recordings: only what agrees both ways becomes a target."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_cotracker.errors import InputError
from napari_cotracker.model.interface import Prediction
from napari_cotracker.training import loop
from napari_cotracker.training.batches import make_batch
from napari_cotracker.training.lessons import Lessons, taught_batch
from napari_cotracker.training.loop import Limits, Trainer
from napari_cotracker.training.options import STAGES, TrainOptions
from napari_cotracker.training.scenes.draw import Draw
from napari_cotracker.training.teacher import (
    for_the_student,
    pseudo_truth,
)
from napari_cotracker.training.unlabelled import (
    Recordings,
    _forth_and_back,
    find_recordings,
)
from napari_cotracker.training.windows import tracking_loss
from napari_cotracker.video import write_video

CPU = torch.device("cpu")
SPEED = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recording of a random pattern that slides right, 3 px per frame."""
    folder = tmp_path_factory.mktemp("recordings") / "deep"
    folder.mkdir()
    coarse = torch.rand(1, 3, 24, 48, generator=torch.Generator().manual_seed(0))
    wide = torch.nn.functional.interpolate(coarse, (96, 192), mode="bicubic")[0]
    wide = (wide.clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
    views = [wide[:, 60 - SPEED * t :][:, :128] for t in range(20)]
    write_video(map(np.ascontiguousarray, views), folder / "a.mp4", fps=25)
    (folder / "notes.txt").write_text("not a video")
    return folder.parent


class Slides(torch.nn.Module):
    """Knows that everything moves 3 px per frame; the lower half only one way."""

    def __init__(self, honest: bool = True) -> None:
        super().__init__()
        self.honest = honest

    def predict(self, video, queries_txy, iterations=4):
        frames = len(video)
        right = bool((video[1, :, :, 3:] - video[0, :, :, :-3]).abs().mean() < 12)
        time = torch.arange(frames)[:, None]
        xy = queries_txy[None, :, 1:].repeat(frames, 1, 1)
        xy[..., 0] += (SPEED if right else -SPEED) * time
        if not right and not self.honest:
            xy[..., 0] += time * (queries_txy[:, 2] > video.shape[2] / 2)
        sure = torch.full(xy.shape[:2], 0.9)
        return Prediction(xy, sure, sure)


def sliding():
    wide = torch.rand(3, 16, 40, generator=torch.Generator().manual_seed(1))
    wide = torch.nn.functional.interpolate(wide[None], (64, 160), mode="bilinear")[0]
    return torch.stack([wide[:, :, 60 - SPEED * t :][..., :64] for t in range(8)]) * 255


def test_recordings_are_found_at_any_depth(folder, tmp_path):
    assert [path.name for path in find_recordings(folder)] == ["a.mp4"]
    with pytest.raises(InputError, match="No recording"):
        find_recordings(tmp_path)


def test_clips_have_the_wanted_shape_and_follow_their_seed(folder):
    recordings = Recordings(find_recordings(folder))
    clips = [
        recordings.clip(torch.Generator().manual_seed(7), 30, (48, 64)) for _ in "ab"
    ]
    assert clips[0].shape == (30, 3, 48, 64)
    assert torch.equal(clips[0], clips[1])
    assert 0 <= clips[0].min() and clips[0].max() <= 255
    assert clips[0].std() > 5


def test_short_recordings_play_forth_and_back():
    assert _forth_and_back(3, 7).tolist() == [0, 1, 2, 1, 0, 1, 2]
    assert _forth_and_back(9, 3).tolist() == [0, 1, 2]
    assert _forth_and_back(1, 3).tolist() == [0, 0, 0]


def test_what_agrees_both_ways_becomes_a_target_at_the_students_size():
    clip = pseudo_truth(Slides(), sliding(), Draw(0, CPU), 20)
    assert clip.video.shape == (8, 3, 32, 32)
    assert len(clip.tracks_xy[0]) >= 8
    steps = clip.tracks_xy.diff(dim=0)[clip.visible[1:] & clip.visible[:-1]]
    assert (steps[..., 0] - SPEED / 2).abs().max() < 0.1
    assert steps[..., 1].abs().max() < 0.1


def test_what_disagrees_is_not_trained_on():
    clip = pseudo_truth(Slides(honest=False), sliding(), Draw(0, CPU), 40)
    # The lower half drifts by a pixel per frame of the large clip, one way only.
    assert not clip.visible[:4, clip.tracks_xy[0, :, 1] > 17].any()
    assert clip.visible[:, clip.tracks_xy[0, :, 1] < 15].float().mean() > 0.5


def test_a_teacher_that_trusts_nothing_gives_no_clip():
    class Unsure(Slides):
        def predict(self, video, queries_txy, iterations=4):
            said = super().predict(video, queries_txy, iterations)
            return Prediction(said.xy, said.visibility, 0 * said.visibility)

    assert pseudo_truth(Unsure(), sliding(), Draw(0, CPU), 20) is None


def test_the_student_sees_the_same_points_mirrored():
    clip = pseudo_truth(Slides(), sliding(), Draw(0, CPU), 30)
    turned = 0
    for seed in range(12):
        seen = for_the_student(Draw(seed, CPU), clip)
        inner = clip.tracks_xy[0].round().long().clamp(0, 31)
        moved = seen.tracks_xy[0].round().long().clamp(0, 31)
        before = clip.video[0, 0][inner[:, 1], inner[:, 0]]
        after = seen.video[0, 0][moved[:, 1], moved[:, 0]]
        turned += not torch.equal(seen.tracks_xy, clip.tracks_xy)
        # A camera changes brightness, at times its sign, but not the order of places.
        assert abs(np.corrcoef(before, after)[0, 1]) > 0.5
    assert turned > 4


def test_real_batches_are_kept_and_train_positions_only(folder, tmp_path, monkeypatch):
    stage = replace(STAGES["self"], shapes=((20, 32, 32),), points=12, iterations=1)
    monkeypatch.setitem(STAGES, "self", stage)
    options = TrainOptions(stage="self", workers=0, unlabelled=folder)
    recordings = Recordings(find_recordings(folder))

    class Anything(Slides):
        def predict(self, video, queries_txy, iterations=4):
            xy = queries_txy[None, :, 1:].repeat(len(video), 1, 1)
            sure = torch.full(xy.shape[:2], 0.9)
            return Prediction(xy, sure, sure)

    lessons = Lessons(options, Anything(), recordings, tmp_path)
    batch = taught_batch(lessons, 16, 1)
    assert batch.video.shape == (1, 20, 3, 32, 32)
    (kept,) = tmp_path.glob("*.pt")
    made_at = kept.stat().st_mtime_ns
    again = taught_batch(lessons, 16, 1)
    assert torch.equal(again.video, batch.video)
    assert torch.equal(again.tracks_xy, batch.tracks_xy)
    assert kept.stat().st_mtime_ns == made_at
    trainer = Trainer(options)
    _, numbers = tracking_loss(trainer.model, batch, 1)
    assert set(numbers) == {"position", "median_px"}
    _, numbers = tracking_loss(trainer.model, make_batch(options, 0, 16), 1)
    assert {"visibility", "confidence"} <= set(numbers)


def test_self_training_runs_and_resumes_with_the_same_teacher(
    folder, tmp_path, monkeypatch
):
    stage = replace(STAGES["self"], shapes=((17, 32, 32),), points=8, iterations=1)
    monkeypatch.setitem(STAGES, "self", stage)
    monkeypatch.setattr(loop, "calibrate", lambda model, clips: (1.5, 0.25))
    options = TrainOptions(stage="self", workers=0, unlabelled=folder)
    first = Trainer(options)
    first.run(Limits(steps=2), tmp_path)
    teacher = (tmp_path / "teacher.pt").read_bytes()
    # It says how sure it is in the terms that users see.
    assert torch.load(tmp_path / "teacher.pt")["confidence_fit"] == (1.5, 0.25)
    again = Trainer(options)
    again.resume(tmp_path)
    again.run(Limits(steps=1), tmp_path)
    assert again.progress.step == 3
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").open()]
    assert [line["step"] for line in logged] == [2, 3]
    assert all(line["position"] >= 0 for line in logged)
    assert (tmp_path / "teacher.pt").read_bytes() == teacher
    with pytest.raises(InputError, match="--unlabelled"):
        Trainer(TrainOptions(stage="self", workers=0)).run(Limits(steps=1), tmp_path)
