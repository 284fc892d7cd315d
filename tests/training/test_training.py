"""The trainer: batches follow from their number, a resume is exact, export loads."""

import json
from dataclasses import replace
from functools import partialmethod

import numpy as np
import pytest
import torch

from napari_cotracker.cli import main
from napari_cotracker.errors import InputError, ModelError
from napari_cotracker.model.config import COTRACKER3_PRESETS
from napari_cotracker.model.interface import Prediction
from napari_cotracker.tracking.models import load_model
from napari_cotracker.training import run
from napari_cotracker.training.batches import make_batch
from napari_cotracker.training.export import export_weights
from napari_cotracker.training.loop import Limits, Trainer
from napari_cotracker.training.options import TrainOptions
from napari_cotracker.training.validation import bare, truths, validate

OPTIONS = TrainOptions(stage="smoke", workers=0)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # makes sums reproducible
    yield
    torch.set_num_threads(before)


def test_a_batch_follows_from_its_number():
    first, again = (make_batch(OPTIONS, 3, 16) for _ in range(2))
    other = make_batch(OPTIONS, 4, 16)
    assert torch.equal(first.video, again.video)
    assert torch.equal(first.queries_txy, again.queries_txy)
    assert not torch.equal(first.video, other.video)


def test_queries_lie_on_visible_points_of_their_track():
    batch = make_batch(OPTIONS, 0, 16)
    frame = batch.queries_txy[0, :, 0].long()
    points = torch.arange(len(frame))
    assert batch.visible[0, frame, points].all()
    torch.testing.assert_close(
        batch.queries_txy[0, :, 1:], batch.tracks_xy[0, frame, points]
    )
    assert (frame[: batch.n_early] < 16).all()


def test_interrupted_and_uninterrupted_runs_agree(tmp_path):
    whole = Trainer(OPTIONS)
    whole.run(Limits(steps=4), tmp_path / "whole")
    part = Trainer(OPTIONS)
    part.run(Limits(steps=2), tmp_path / "part")
    resumed = Trainer(OPTIONS)
    resumed.resume(tmp_path / "part")
    resumed.run(Limits(steps=2), tmp_path / "part")
    assert resumed.progress.step == 4
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[key]), key
    for key, value in whole.average.items():
        assert torch.equal(value, resumed.average[key]), key


def test_training_lowers_the_loss_on_one_batch():
    trainer = Trainer(OPTIONS)
    batch = make_batch(OPTIONS, 5, 16)
    keys = ("position", "visibility", "confidence")
    rows = [trainer.step(batch, 5e-4) for _ in range(20)]
    losses = [sum(row[key] for key in keys) for row in rows]
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])


def test_matching_stage_learns_one_batch():
    trainer = Trainer(TrainOptions(stage="match", workers=0))
    batch = make_batch(trainer.options, 0, 16)
    losses = [trainer.step(batch, 1e-3)["matching"] for _ in range(8)]
    assert losses[-1] < losses[0]


def test_cooldown_ends_at_rate_zero(tmp_path):
    trainer = Trainer(OPTIONS)
    trainer.run(Limits(steps=3, cooldown=True), tmp_path, log_every=1)
    rates = [json.loads(line)["rate"] for line in (tmp_path / "log.jsonl").open()]
    warm = [(i + 1) / OPTIONS.warmup_steps for i in range(3)]
    np.testing.assert_allclose(
        np.array(rates) / trainer.stage.learning_rate / warm, [1, 2 / 3, 1 / 3]
    )


def test_export_writes_weights_that_load_and_a_card(tmp_path):
    trainer = Trainer(OPTIONS)
    trainer.run(Limits(steps=1), tmp_path / "run")
    out = export_weights(
        tmp_path / "run",
        tmp_path / "tiny.safetensors",
        preset="compact",
        seed=0,
        metrics={"overall": {"delta_avg": 0.5}},
    )
    network = load_model(out, device="cpu")
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, trainer.average[key], atol=2e-3, rtol=1e-3)
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["steps"] == {"smoke": 1}
    assert card["clips"] == 1
    assert card["metrics"]["overall"]["delta_avg"] == 0.5


def test_weights_that_are_trained_further_keep_their_history(tmp_path):
    flags = ["train", "--stage", "smoke", "--steps", "1", "--workers", "0"]
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    assert main([*flags, "--out", str(tmp_path / "1"), "--export", str(first)]) == 0
    more = [*flags, "--out", str(tmp_path / "2"), "--weights", str(first)]
    assert main([*more, "--export", str(second)]) == 0
    card = json.loads(second.with_suffix(".json").read_text())
    assert (card["steps"], card["clips"]) == ({"smoke": 2}, 2)
    first.with_suffix(".json").write_text("{}")
    assert main([*flags, "--out", str(tmp_path / "3"), "--weights", str(first)]) == 2


def test_resume_without_or_with_a_broken_checkpoint(tmp_path):
    with pytest.raises(ModelError, match="no checkpoint"):
        Trainer(OPTIONS).resume(tmp_path)
    (tmp_path / "last.pt").write_bytes(b"half a file")
    with pytest.raises(ModelError, match="damaged"):
        Trainer(OPTIONS).resume(tmp_path)


def test_an_earlier_run_is_not_overwritten(tmp_path):
    import argparse

    from napari_cotracker.training.run import add_arguments

    (tmp_path / "last.pt").write_bytes(b"precious")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    arguments = ["--out", str(tmp_path), "--steps", "1", "--stage", "smoke"]
    with pytest.raises(InputError, match="--resume"):
        run.run(parser.parse_args(arguments))
    with pytest.raises(InputError, match="--minutes or --steps"):
        run.run(parser.parse_args(["--out", str(tmp_path / "new")]))
    assert (tmp_path / "last.pt").read_bytes() == b"precious"


def test_the_bare_network_answers_what_its_predict_says():
    class Says(torch.nn.Module):
        def predict(self, video, queries_txy, iterations):
            assert video.shape == (24, 3, 96, 96)
            start = queries_txy[:, 1:].expand(24, -1, -1)
            half = torch.full(start.shape[:2], 0.4)
            return Prediction(start, half, half)

    truth = next(truths("motion", 1, (96, 96)))
    answer = bare(Says(), 1)(truth)
    np.testing.assert_array_equal(answer.xy[5], truth.query_xy)
    assert not answer.visible.any()
    assert answer.confidence.max() == pytest.approx(0.4)


@pytest.mark.slow
def test_validation_covers_every_split():
    report = validate(Trainer(OPTIONS).model, clips=1, size=(64, 64), iterations=1)
    table = report.summary()
    assert set(table) == {
        "motion",
        "occlusion",
        "texture",
        "microscopy",
        "articulated",
        "overall",
    }
    assert all(0 <= row["delta_avg"] <= 1 for row in table.values())


@pytest.mark.slow
def test_a_compiled_network_learns_the_same_and_keeps_its_names(monkeypatch):
    # Generating machine code takes minutes on a CPU; capturing the graph is ours, and
    # that of one layer is like that of three.
    compiled = partialmethod(torch.nn.Module.compile, backend="aot_eager")
    monkeypatch.setattr(torch.nn.Module, "compile", compiled)
    shallow = replace(COTRACKER3_PRESETS[OPTIONS.preset], depth=1)
    monkeypatch.setitem(COTRACKER3_PRESETS, OPTIONS.preset, shallow)
    batch = make_batch(OPTIONS, 5, 16)
    plain, fast = Trainer(OPTIONS), Trainer(replace(OPTIONS, compile=True))
    assert list(plain.model.state_dict()) == list(fast.model.state_dict())
    rows = [[one.step(batch, 2e-4) for _ in range(2)] for one in (plain, fast)]
    for key in ("position", "visibility", "confidence"):
        for before, after in zip(*rows, strict=True):
            assert after[key] == pytest.approx(before[key], rel=1e-3)


def test_an_accelerator_gets_a_renderer_per_core(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert run._workers("cuda:0") == 15
    assert run._workers("cpu") == 1
