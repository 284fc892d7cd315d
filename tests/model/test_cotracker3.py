"""The compact network: stages with explicit state, any resolution."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from napari_cotracker.errors import InputError
from napari_cotracker.model.config import PRESETS
from napari_cotracker.model.correlation import build_pyramid, correlate, sample_support
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.model.interface import WindowTracker


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return CoTracker3(PRESETS["compact"]).eval()


def clip(n_frames, height, width, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return 255 * torch.rand(n_frames, 3, height, width, generator=generator)


def naive_sample(maps, xy):
    """Bilinear sampling with border padding, the slow and obvious way."""
    height, width = maps.shape[-2:]
    size = torch.tensor([width - 1, height - 1])
    grid = 2 * xy / size - 1
    return F.grid_sample(maps, grid, padding_mode="border", align_corners=True)


def test_compact_is_the_size_that_ships(network):
    millions = sum(p.numel() for p in network.parameters()) / 1e6
    assert 5 <= millions <= 7
    assert isinstance(network, WindowTracker)


@pytest.mark.parametrize("size", [(64, 64), (40, 120), (136, 72)])
@pytest.mark.parametrize("n_frames", [1, 2, 15, 16, 17, 40])
def test_any_resolution_and_length(network, size, n_frames):
    queries_txy = torch.tensor([[0, 5, 6], [n_frames - 1, 30.5, 20]])
    with torch.inference_mode():
        answer = network.predict(clip(n_frames, *size), queries_txy, iterations=1)
    assert answer.xy.shape == (n_frames, 2, 2)
    assert torch.isfinite(answer.xy).all()
    assert ((answer.visibility > 0) & (answer.visibility < 1)).all()
    assert answer.confidence.shape == (n_frames, 2)


def test_frames_are_encoded_independently(network):
    video = clip(5, 64, 64)
    with torch.inference_mode():
        together = network.encode(video[None])
        alone = network.encode(video[None, 3:4])
    torch.testing.assert_close(together[:, 3], alone[:, 0], atol=1e-5, rtol=0)


def test_points_queried_later_do_not_disturb_earlier_windows(network):
    video = clip(24, 64, 64)
    early = torch.tensor([[0.0, 20, 30], [3, 40, 10]])
    late = torch.tensor([[20.0, 50, 50]])
    with torch.inference_mode():
        alone = network.predict(video, early, iterations=2).xy
        joined = network.predict(video, torch.cat([early, late]), iterations=2).xy
    torch.testing.assert_close(joined[:8, :2], alone[:8], atol=1e-4, rtol=0)


def test_nothing_is_remembered_between_calls(network):
    video, queries_txy = clip(20, 64, 64), torch.tensor([[0.0, 20, 30]])
    with torch.inference_mode():
        first = network.predict(video, queries_txy, iterations=2).xy
        network.predict(clip(20, 64, 64, seed=2), queries_txy, iterations=2)
        again = network.predict(video, queries_txy, iterations=2).xy
    torch.testing.assert_close(first, again, atol=0, rtol=0)


@pytest.mark.parametrize("shape", [(2, 3, 30, 64), (2, 3, 8, 64), (2, 1, 64, 64)])
def test_frames_the_network_cannot_take_are_refused(network, shape):
    with pytest.raises(InputError, match="expected|multiples"):
        network.predict(torch.zeros(shape), torch.tensor([[0.0, 1, 1]]))


def test_gathered_correlation_equals_sampling_every_neighbour():
    torch.manual_seed(3)
    features = torch.randn(1, 4, 8, 12, 17)
    query = torch.tensor([[[2.0, 6.3, 4.8], [0.0, -1.5, 13.2]]])
    xy = torch.rand(1, 2, 4, 2) * 24 - 4  # (B, N, S, 2), also outside the map
    level = build_pyramid(features.permute(0, 1, 3, 4, 2), 1)[0]
    support = sample_support(level, query[..., 0].long(), query[..., 1:], 3)
    offset = torch.arange(-3, 4.0)
    offsets_xy = torch.stack(torch.meshgrid(offset, offset, indexing="ij"), -1)
    for n in range(2):
        t = int(query[0, n, 0])
        patch = naive_sample(features[0, t : t + 1], query[0, n, 1:] + offsets_xy[None])
        torch.testing.assert_close(
            support[0, n], patch[0].flatten(1).T, atol=1e-5, rtol=0
        )
    volume = correlate(level, support, xy, 3)
    for t in range(4):
        for n in range(2):
            patch = naive_sample(features[0, t : t + 1], xy[0, n, t] + offsets_xy[None])
            expected = patch[0].flatten(1).T @ support[0, n].T
            torch.testing.assert_close(
                volume[0, n, t], expected.flatten(), atol=1e-4, rtol=0
            )


def test_positions_far_outside_do_not_crash():
    level = build_pyramid(torch.randn(1, 1, 8, 8, 4), 1)[0]
    support = torch.randn(1, 1, 49, 4)
    far = torch.tensor([[[[1e12, -1e12]]]])
    assert torch.isfinite(correlate(level, support, far, 3)).all()


@pytest.mark.parametrize("unit", [True, False])
def test_looks_of_several_frames_become_one_of_their_length(network, unit):
    taken = CoTracker3(replace(network.config, unit_looks=unit))
    features = network.encode(clip(3, 64, 80)[None])
    queries_txy = torch.tensor([[[t, 30.3 + t, 20.4]] for t in range(3)])
    looks = torch.stack([taken.sample(features, q[None])[0, 0] for q in queries_txy])
    length = looks.norm(dim=-1)  # (K, L, P)
    assert length.max() <= 1 + 1e-5
    assert bool(length.min() > 1 - 1e-5) is unit
    joined = taken.join(looks)
    assert joined.shape == looks.shape[1:]
    torch.testing.assert_close(joined.norm(dim=-1), length.mean(dim=0))
    to_all = F.cosine_similarity(joined, looks, dim=-1)
    assert (to_all.min(dim=0).values >= pairwise(looks) - 1e-5).all(), "among them"
    torch.testing.assert_close(taken.join(looks[:1].repeat(3, 1, 1, 1)), looks[0])


def pairwise(looks):
    """Least similarity of any two of (K, ...) looks."""
    alike = [F.cosine_similarity(looks[[i]], looks, dim=-1) for i in range(len(looks))]
    return torch.cat(alike).min(dim=0).values
