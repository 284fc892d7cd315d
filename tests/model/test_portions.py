"""Numbers of points that come and go leave few shapes behind, and the answers alone."""

import pytest
import torch

from napari_cotracker.model.build import build_network
from napari_cotracker.model.config import PRESETS
from napari_cotracker.model.portions import overwrite_in_portions, usual_size
from napari_cotracker.model.transformer import Attention

TOKENS = torch.zeros(1, dtype=torch.bfloat16)


def test_there_are_few_sizes_and_little_is_wasted():
    with torch.no_grad():
        sizes = [usual_size(n, TOKENS) for n in range(1, 2049)]
    assert len(set(sizes)) <= 80
    assert all(n <= size <= n * 1.125 for n, size in enumerate(sizes, 1))
    assert [usual_size(n, TOKENS.float()) for n in (17, 141)] == [17, 141]


def test_every_place_is_worked_on_once():
    x = torch.arange(300.0).reshape(1, 300, 1, 1).expand(-1, -1, 16, 8)
    x = x.to(torch.bfloat16).contiguous()
    sizes = []

    def work(part):
        sizes.append(part.shape[1])
        return part + 1

    with torch.no_grad():
        done = overwrite_in_portions(work, x.clone(), dim=1)
    assert torch.equal(done, x + 1)
    assert sizes == [128, 128, 44]


@pytest.mark.parametrize("n_keys", [17, 52, 141])
def test_zeros_after_the_points_are_not_attended_to(n_keys):
    torch.manual_seed(0)
    attention = Attention(32, 4).eval()
    x, context = torch.randn(3, 16, 32), torch.randn(3, n_keys, 32)
    longer = torch.cat([context, torch.zeros(3, 7, 32)], dim=1)
    mask = torch.zeros(1, 1, 1, n_keys + 7)
    mask[..., n_keys:] = -torch.inf
    with torch.inference_mode():
        torch.testing.assert_close(
            attention(x, longer, mask), attention(x, context), rtol=1e-5, atol=1e-6
        )


def test_bf16_stays_near_float32_for_any_number_of_points():
    torch.manual_seed(0)
    network = build_network(PRESETS["compact"]).eval()
    clip = torch.rand(16, 3, 64, 96) * 255
    queries_txy = torch.rand(21, 3) * torch.tensor([0.0, 95.0, 63.0])
    with torch.inference_mode():
        exact = network.predict(clip, queries_txy, iterations=1)
        network.arithmetic = torch.bfloat16
        reduced = network.predict(clip, queries_txy, iterations=1)
    moved = (exact.xy - queries_txy[:, 1:]).abs().mean()
    assert (reduced.xy - exact.xy).abs().mean() < 0.05 * moved
