"""The generator's truth: pixels, tracks and visibility come from one equation."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from napari_cotracker.errors import InputError
from napari_cotracker.training.scenes import (
    FAMILIES,
    SPLITS,
    SceneOptions,
    photos,
    render_clip,
    surfaces,
    validation_clips,
)
from napari_cotracker.training.scenes.draw import Draw
from napari_cotracker.training.scenes.families import build_scene
from napari_cotracker.training.scenes.layers import Layer, Scene
from napari_cotracker.training.scenes.points import follow_points
from napari_cotracker.training.scenes.render import (
    inside,
    render_layers,
    top_layer_at,
)

CPU = torch.device("cpu")
SIZE = (128, 128)


def sampled(video: torch.Tensor, tracks_xy: torch.Tensor) -> torch.Tensor:
    """Bilinear samples of (T, C, H, W) at (T, N, 2), as (T, N, C)."""
    height, width = video.shape[-2:]
    grid = 2 * tracks_xy.float() / torch.tensor([width - 1.0, height - 1.0]) - 1
    found = F.grid_sample(video, grid[:, None], align_corners=True)
    return found[:, :, 0].transpose(1, 2)


def painted_with_position(layer: Layer) -> Layer:
    """Replace the texture by a smooth function of the place on the surface.

    Soft edges and veils become sharp or nothing: they would mix two surfaces.
    """
    _, height, width = layer.canvas.shape
    y, x = torch.meshgrid(
        torch.arange(height) / 25, torch.arange(width) / 25, indexing="ij"
    )
    colour = torch.stack([torch.sin(x), torch.cos(y), torch.sin(x + y)])
    alpha = ((layer.canvas[-1:] - 0.5) * 1e3 + 0.5).clamp(0, 1)
    return Layer(torch.cat([0.5 + 0.4 * colour, alpha]), layer.warp)


@pytest.mark.parametrize("family", FAMILIES)
def test_surface_looks_the_same_wherever_its_point_goes(family: str) -> None:
    for seed in range(4):
        draw = Draw(seed, CPU)
        built = build_scene(draw, SceneOptions(families=(family,)))
        layers = tuple(painted_with_position(layer) for layer in built.layers)
        scene = Scene(layers, family, 3)
        picture, top = render_layers(scene, SIZE)
        tracks, visible = follow_points(draw, scene, picture, top, 200)
        # Leave out places where bilinear sampling mixes two surfaces, and the rim.
        inner = inside(tracks + 2, SIZE) & inside(tracks - 2, SIZE)
        for dx in (-2, 2):
            for dy in (-2, 2):
                near = tracks + torch.tensor([dx, dy])
                same = top_layer_at(layers, near) == top_layer_at(layers, tracks)
                inner &= same
        soft = F.max_pool2d(top.float(), 7, 1, 3) + F.max_pool2d(-top.float(), 7, 1, 3)
        inner &= sampled(soft[:, None], tracks)[..., 0] < 1e-6
        good = visible & inner
        value = sampled(picture, tracks)
        first = good.float().argmax(0)
        start = value[first, torch.arange(value.shape[1])]
        error = (value - start).abs().amax(-1)[good]
        assert good.sum() > 200
        # The texture changes by 0.03 per pixel, so this is a tenth of a pixel.
        assert error.quantile(0.98) < 0.004


@pytest.mark.parametrize("family", FAMILIES)
def test_visibility_agrees_with_the_rendered_layers(family: str) -> None:
    draw = Draw(5, CPU)
    scene = build_scene(draw, SceneOptions(families=(family,), speed=(2, 8)))
    _, top = render_layers(scene, SIZE)
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    pixels = torch.stack([x, y], -1).view(1, -1, 2).expand(16, -1, -1).double()
    agreed = top_layer_at(scene.layers, pixels) == top.flatten(1)
    assert agreed.float().mean() > 0.9999


def test_points_solve_the_warp_to_a_thousandth_of_a_pixel() -> None:
    for seed in range(6):
        scene = build_scene(Draw(seed, CPU), SceneOptions(speed=(5, 12)))
        for layer in scene.layers:
            material = (torch.rand(50, 2, dtype=torch.float64) * 2 - 1) * layer.half_xy
            back = layer.warp.material_at(layer.warp.frame_at(material))
            assert (back - material).abs().max() < 1e-3


def test_same_seed_same_clip_and_global_randomness_untouched() -> None:
    before = torch.random.get_rng_state()
    first, second = render_clip(7), render_clip(7)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first.video, second.video)
    assert torch.equal(first.tracks_xy, second.tracks_xy)
    assert torch.equal(first.visible, second.visible)
    assert not torch.equal(first.video, render_clip(8).video)


def test_slow_scenes_move_by_fractions_of_a_pixel() -> None:
    clip = render_clip(3, SceneOptions(speed=(0.05, 0.1)))
    step = clip.tracks_xy.diff(dim=0).norm(dim=-1)
    assert 0 < step.max() < 0.5


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_keeps_the_contract(family: str) -> None:
    options = SceneOptions(frames=9, size=(64, 96), points=33, families=(family,))
    for seed in range(8):
        clip = render_clip(seed, options)
        assert clip.family == family
        assert clip.video.shape == (9, 3, 64, 96)
        assert clip.video.dtype == torch.float32
        assert torch.equal(clip.video, clip.video.round())
        assert clip.video.min() >= 0 and clip.video.max() <= 255
        assert clip.video.std() > 0.5
        assert clip.tracks_xy.shape == (9, 33, 2)
        assert clip.tracks_xy.dtype == torch.float32
        assert clip.tracks_xy.isfinite().all()
        assert clip.visible.shape == (9, 33)
        assert clip.visible.dtype == torch.bool
        assert (clip.visible.sum(0) >= 2).all()
        assert inside(clip.tracks_xy[clip.visible], (64, 96)).all()


def test_masks_and_veils_carry_no_points() -> None:
    found = 0
    for seed in range(60):
        draw = Draw(seed, CPU)
        options = SceneOptions(size=(48, 48), frames=4, families=("microscopy",))
        scene = build_scene(draw, options)
        barred = [i for i, layer in enumerate(scene.layers) if not layer.followed]
        if not barred:
            continue
        found += 1
        picture, top = render_layers(scene, (48, 48))
        tracks, visible = follow_points(draw, scene, picture, top, 40)
        owner = top_layer_at(scene.layers, tracks)[visible]
        assert not torch.isin(owner, torch.tensor(barred)).any()
    assert found > 3


@pytest.mark.parametrize("frames", [2, 3, 40])
def test_short_and_long_clips(frames: int) -> None:
    clip = render_clip(11, SceneOptions(frames=frames, size=(64, 64), points=16))
    assert clip.tracks_xy.shape == (frames, 16, 2)


def test_works_without_photos() -> None:
    clip = render_clip(1, SceneOptions(photos=False, families=("motion",)))
    assert clip.video.shape[0] == 16


def test_validation_sets_are_fixed_and_disjoint() -> None:
    sets = {split: list(validation_clips(split, 2, (64, 64), 6, 8)) for split in SPLITS}
    again = next(iter(validation_clips("occlusion", 1, (64, 64), 6, 8)))
    assert torch.equal(sets["occlusion"][0].video, again.video)
    assert all(clip.family == split for split, two in sets.items() for clip in two)


def test_validation_is_hard_for_a_point_that_never_moves() -> None:
    shares = []
    for split in SPLITS:
        for clip in validation_clips(split, 6, (96, 96)):
            first = clip.visible.float().argmax(0)
            start = clip.tracks_xy[first, torch.arange(clip.tracks_xy.shape[1])]
            later = clip.visible & (torch.arange(24)[:, None] > first)
            error = ((clip.tracks_xy - start) * 256 / 96).norm(dim=-1)[later]
            near = [(error < limit).float().mean() for limit in (1, 2, 4, 8, 16)]
            shares.append(torch.stack(near).mean())
    assert torch.stack(shares).mean() < 0.45


def test_training_never_sees_what_is_held_out() -> None:
    assert not set(photos.TRAINING) & set(photos.HELD_OUT)
    for pool in (surfaces.NATURAL, surfaces.MICROSCOPY, *surfaces.POOLS.values()):
        assert not set(pool) & set(surfaces.HELD_OUT)
    plain = render_clip(2, SceneOptions(frames=2, size=(64, 64)))
    other = render_clip(2, SceneOptions(frames=2, size=(64, 64), held_out=True))
    assert not torch.equal(plain.video, other.video)


@pytest.mark.parametrize("made", surfaces.HELD_OUT)
def test_held_out_patterns_have_structure(made) -> None:
    if made is photos.held_out_crop and not photos.photos(CPU, photos.HELD_OUT):
        pytest.skip("scikit-image is not installed")
    image = made(Draw(1, CPU), 64, 96, 1.25)
    assert image.shape[-2:] == (64, 96)
    assert image.min() >= 0 and image.max() <= 1
    assert image.std() > 0.03


def test_bad_options_are_explained() -> None:
    with pytest.raises(InputError, match="families"):
        SceneOptions(families=("dogs",))
    with pytest.raises(InputError, match="at least 2"):
        SceneOptions(frames=1)
    with pytest.raises(InputError, match="too small"):
        SceneOptions(size=(8, 8))
    with pytest.raises(InputError, match="split"):
        validation_clips("dogs")
