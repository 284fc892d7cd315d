"""What scenes are made of: jointed bodies, dividing cells, occluders, blur, fading."""

from __future__ import annotations

import ast
import inspect
import itertools
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from napari_cotracker.training import scenes
from napari_cotracker.training.scenes import SceneOptions, render, render_clip
from napari_cotracker.training.scenes.bodies import body
from napari_cotracker.training.scenes.draw import Draw
from napari_cotracker.training.scenes.families import build_scene
from napari_cotracker.training.scenes.layers import Layer, Scene
from napari_cotracker.training.scenes.motion import unbent
from napari_cotracker.training.scenes.objects import Builder
from napari_cotracker.training.scenes.particles import colony
from napari_cotracker.training.scenes.paths import folded
from napari_cotracker.training.scenes.render import render_layers, top_layer_at

CPU = torch.device("cpu")


def builder(seed: int, **given: object) -> Builder:
    options = SceneOptions(frames=24)
    usual = Builder(Draw(seed, CPU), options, "articulated", 1, 3.0, 1.0)
    return replace(usual, **given)


def disc(moving: torch.Tensor) -> Layer:
    """Return a soft white spot that moves along (T, 2)."""
    line = torch.linspace(-3, 3, 31)
    alpha = torch.exp(-(line[None] ** 2) - line[:, None] ** 2)
    alpha = (alpha - alpha[0].max()).clamp_min(0)
    matrix = torch.eye(3, dtype=torch.float64).repeat(len(moving), 1, 1)
    matrix[:, :2, 2] = moving
    return Layer(torch.stack([torch.ones_like(alpha), alpha]), unbent(matrix))


def ground(frames: int) -> Layer:
    canvas = torch.stack([torch.zeros(80, 80), torch.ones(80, 80)])
    still = torch.eye(3, dtype=torch.float64).repeat(frames, 1, 1)
    return Layer(canvas, unbent(still))


def test_joints_hold_in_every_frame() -> None:
    chains = 0
    for seed in range(12):
        made = body(builder(seed), 30)
        by_canvas = {id(s.canvas): s.length for chain in made.chains for s in chain}
        for one, two in zip(made.layers, made.layers[1:], strict=False):
            lengths = by_canvas.get(id(one.canvas)), by_canvas.get(id(two.canvas))
            follows = any(
                a.canvas is one.canvas and b.canvas is two.canvas
                for chain in made.chains
                for a, b in itertools.pairwise(chain)
            )
            if not follows:
                continue
            chains += 1
            end = one.warp.matrix @ torch.tensor([lengths[0] / 2, 0, 1]).double()
            start = two.warp.matrix @ torch.tensor([-lengths[1] / 2, 0, 1]).double()
            assert (end - start).abs().max() < 1e-5
    assert chains > 20


def test_limbs_are_thin_and_those_of_a_pair_look_the_same() -> None:
    thinnest = math.inf
    for seed in range(12):
        made = body(builder(seed), 30)
        assert len(made.layers) <= 30
        canvases = [layer.canvas for layer in made.layers]
        legs = sum(root.group == 0 for root in made.roots)
        for segment in made.chains[0] if legs else ():
            assert sum(canvas is segment.canvas for canvas in canvases) == legs
            thinnest = min(thinnest, float((segment.canvas[-1] > 0.5).sum(0).max()))
    assert thinnest <= 3


def test_a_second_body_can_look_the_same_and_move_differently() -> None:
    bench = builder(3)
    first = body(bench, 12)
    second = body(bench, 12, first)
    assert {id(layer.canvas) for layer in first.layers} == {
        id(layer.canvas) for layer in second.layers
    }
    assert not torch.equal(first.layers[0].warp.matrix, second.layers[0].warp.matrix)


def test_before_a_division_one_daughter_hides_the_other_exactly() -> None:
    divisions = 0
    for seed in range(10):
        cells = colony(builder(seed, family="microscopy"), 6)
        for one, two in itertools.pairwise(cells):
            if one.canvas is not two.canvas or one.warp.wave is not two.warp.wave:
                continue
            apart = (one.warp.matrix - two.warp.matrix).abs().amax((1, 2))
            if apart[0] > 0 or apart[-1] < 3:
                continue
            divisions += 1
            spread = torch.rand(300, 2, dtype=torch.float64) * 2 - 1
            tracks = one.warp.frame_at(spread * one.half_xy)
            top = top_layer_at((ground(24), one, two), tracks)
            assert not (top[0] == 1).any()
            assert (top[-1] == 1).any()
    assert divisions > 1


def test_cutting_time_into_runs_changes_no_pixel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed in range(6):
        scene = build_scene(Draw(seed, CPU), SceneOptions(frames=12, speed=(4, 20)))
        picture, top = render_layers(scene, (96, 128))
        with monkeypatch.context() as patch:
            patch.setattr(render, "CALL_COST", math.inf)
            whole, whole_top = render_layers(scene, (96, 128))
        assert (picture - whole).abs().max() < 1e-5
        assert (top == whole_top).float().mean() > 0.9999


def test_motion_blur_is_centred_on_the_truth_and_as_long_as_the_exposure() -> None:
    time = torch.arange(9, dtype=torch.float64)
    moving = torch.stack([8 + 6 * time, 30 + 0 * time], 1)
    layers = (ground(9), disc(moving))
    sharp, _ = render_layers(Scene(layers, "motion", 1), (64, 64))
    soft, _ = render_layers(Scene(layers, "motion", 1, exposure=1.0), (64, 64))
    x = torch.arange(64.0)
    for frame in range(2, 7):
        rows = [image[frame, 0].sum(0) for image in (sharp, soft)]
        centres = [float((row * x).sum() / row.sum()) for row in rows]
        widths = [
            float((row * (x - c) ** 2).sum() / row.sum())
            for row, c in zip(rows, centres, strict=True)
        ]
        assert centres[1] == pytest.approx(float(moving[frame, 0]), abs=0.05)
        # A box of 6 px has the variance 36 / 12.
        assert widths[1] - widths[0] == pytest.approx(3, rel=0.25)
        assert float(rows[0].sum()) == pytest.approx(float(rows[1].sum()), rel=0.02)


def test_a_fading_layer_shows_its_two_looks() -> None:
    looks = torch.cat([torch.full((1, 80, 80), 0.9), torch.full((1, 80, 80), 0.2)])
    canvas = torch.cat([looks, torch.ones(1, 80, 80)])
    fade = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    layer = replace(ground(3), canvas=canvas, fade=fade)
    picture, _ = render_layers(Scene((layer,), "texture", 1), (32, 32))
    means = picture.mean((1, 2, 3)).tolist()
    assert means == pytest.approx([0.9, 0.2, 0.55], abs=1e-4)


def test_what_is_fast_turns_back_at_full_speed() -> None:
    path = torch.arange(-50, 50, dtype=torch.float64) * 7.0
    back = folded(path, 20)
    assert back.abs().max() <= 20
    assert folded(torch.tensor([0.0, 3.0, -19.0]), 20).tolist() == [0, 3, -19]
    assert (back.diff().abs() <= 7 + 1e-9).all()


def test_scenes_hide_points_long_and_move_them_far_and_hardly() -> None:
    options = SceneOptions(frames=32, size=(64, 64), points=32, photometry=False)
    longest, steps = [], []
    for seed in range(200, 240):
        clip = render_clip(seed, options)
        hidden = torch.zeros(clip.visible.shape[1])
        for seen in clip.visible:
            hidden = torch.where(seen, 0.0, hidden + 1)
            longest.append(hidden)
        steps.append(clip.tracks_xy.diff(dim=0).norm(dim=-1).flatten() * 256 / 64)
    longest, steps = torch.cat(longest), torch.cat(steps)
    assert (longest >= 10).any()
    assert (steps > 20).float().mean() > 0.01
    assert ((steps > 0) & (steps < 0.2)).float().mean() > 0.05


CREATES = {"arange", "empty", "eye", "full", "linspace", "ones", "tensor", "zeros"}
CREATES |= {"rand", "randn", "randint", "randperm", "fftfreq", "rfftfreq"}


def test_every_new_tensor_names_its_device() -> None:
    """A GPU cannot be had here; a tensor built on the CPU would only fail there."""
    folder = Path(inspect.getfile(scenes)).parent
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        # Decisions are drawn on the CPU and moved at once: torch.rand(...).to(device).
        moved = {
            id(call.func.value)
            for call in calls
            if isinstance(call.func, ast.Attribute) and call.func.attr == "to"
        }
        for call in calls:
            home, _, name = ast.unparse(call.func).rpartition(".")
            if home not in ("torch", "torch.fft") or name not in CREATES:
                continue
            named = {word.arg for word in call.keywords}
            is_seed = "generator" in named and ast.unparse(call).startswith("torch.ra")
            assert "device" in named or id(call) in moved or is_seed, (
                f"{path.name}:{call.lineno}"
            )
