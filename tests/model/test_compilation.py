"""A compiled network says what it says uncompiled, and runs where nothing compiles."""

from dataclasses import replace
from functools import partialmethod

import pytest
import torch
import torch._dynamo.config
import torch._inductor.config

from napari_cotracker.model.build import build_network
from napari_cotracker.model.compilation import compile_network, obstacle_to_compiling
from napari_cotracker.model.config import PRESETS
from napari_cotracker.tracking.models import load_model

QUERIES = torch.tensor([[0.0, 30.0, 20.0], [0.0, 50.0, 41.0], [3.0, 10.5, 7.25]])


@pytest.fixture(autouse=True)
def _as_before():
    frozen = torch._inductor.config.patch(freezing=False)
    with frozen, torch._dynamo.config.patch(recompile_limit=8):
        yield
    torch._dynamo.reset()


def predicted(network, n_frames=8):
    # One window, one step: networks with random weights blow up what differs later.
    generator = torch.Generator().manual_seed(2)
    clip = torch.rand(n_frames, 3, 64, 96, generator=generator) * 255
    with torch.inference_mode():
        return network.predict(clip, QUERIES, iterations=1)


def assert_alike(preset, pixels):
    torch.manual_seed(0)
    # Every kind of block is there once; more of them are only compiled once more.
    network = build_network(replace(PRESETS[preset], depth=1)).eval()
    before = predicted(network)
    compile_network(network)
    after = predicted(network)
    assert (after.xy - before.xy).abs().max() < pixels
    assert (after.visibility - before.visibility).abs().max() < 1e-3


@pytest.mark.parametrize(
    "preset", ["compact", pytest.param("cotracker2", marks=pytest.mark.slow)]
)
def test_compiled_blocks_answer_as_before(preset, monkeypatch):
    # Machine code takes its time (the slow test); what is captured is ours.
    compiled = partialmethod(torch.nn.Module.compile, backend="aot_eager")
    monkeypatch.setattr(torch.nn.Module, "compile", compiled)
    assert_alike(preset, pixels=1e-3)


@pytest.mark.slow
def test_machine_code_answers_as_before():
    if obstacle_to_compiling(torch.device("cpu")) is not None:
        pytest.skip("torch cannot compile here")
    assert_alike("compact", pixels=1e-2)


def test_without_a_compiler_the_network_runs_as_it_is(monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr(torch, "compile", fails)
    with pytest.warns(UserWarning, match=r"g\+\+.*or leave compiling out"):
        network = load_model("compact", "cpu", compiled=True)
    assert torch.isfinite(predicted(network, n_frames=3).xy).all()
