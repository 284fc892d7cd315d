"""The map of half the stride travels within the features and comes out as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_cotracker.model.config import COMPACT
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.model.encoder import FrameEncoder
from napari_cotracker.model.fine_map import fine_level, packed, parted


def unpacked(features, channels):
    """Part features into both maps."""
    coarse, rows = parted(features, channels)
    n_clips, n_frames, height, width, _ = features.shape
    return coarse, rows.reshape(n_clips, n_frames, 2 * height, 2 * width, -1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return CoTracker3(COMPACT).eval().requires_grad_(False)


def test_what_is_packed_comes_out_pixel_by_pixel():
    features, fine = torch.randn(3, 5, 7, 8), torch.randn(3, 10, 14, 2)
    rows = packed([features, fine])[None]
    assert rows.shape == (1, 3, 5, 7, 16)
    coarse, again = unpacked(rows, 8)
    assert torch.equal(coarse[0], features)
    assert torch.equal(again[0], fine)


def test_without_a_fine_map_features_are_left_alone():
    rows = torch.randn(1, 3, 5, 7, 8)
    assert packed([rows]) is rows
    coarse, fine = parted(rows, 8)
    assert torch.equal(coarse, rows)
    assert fine is None


def test_the_fine_map_is_found_where_it_lies():
    fine = torch.randn(6, 8, 12, 2)
    features = packed([torch.randn(6, 4, 6, 10), fine]).unflatten(0, (2, 3))
    _, rows = parted(features, 10)
    with torch.no_grad():
        lying = fine_level(features, rows)
    copied = fine_level(features, rows)
    assert (lying.beside, copied.beside) == (5, 0)
    frame, row, column = (
        values.flatten()
        for values in torch.meshgrid(
            torch.arange(6), torch.arange(8), torch.arange(12), indexing="ij"
        )
    )
    for level in (lying, copied):
        found = level.rows[level.find(frame, row, column)]
        assert torch.equal(found, fine.reshape(-1, 2))


def test_every_pixel_of_both_maps_has_unit_length(network):
    features = network.encode(255 * torch.rand(1, 2, 3, 64, 80))
    coarse, fine = unpacked(features, COMPACT.encoder.channels)
    assert coarse.shape == (1, 2, 16, 20, 64)
    assert fine.shape == (1, 2, 32, 40, 32)
    for rows in (coarse, fine):
        torch.testing.assert_close(rows.norm(dim=-1), torch.ones(rows.shape[:-1]))


def test_a_point_is_looked_up_in_the_fine_map_where_it_lies(network):
    features = network.encode(255 * torch.rand(1, 1, 3, 64, 64))
    _, fine = unpacked(features, COMPACT.encoder.channels)
    looks = network.sample(features, torch.tensor([[[0.0, 20.0, 32.0]]]))
    side = COMPACT.corr_side
    patch = looks[0, 0, -1].reshape(side, side, -1)  # x-major
    found = fine[0, 0, 16 - 3 : 16 + 4, 10 - 3 : 10 + 4].transpose(0, 1)
    torch.testing.assert_close(patch[..., :32], found)
    assert not patch[..., 32:].any()


def test_features_of_the_coarse_map_do_not_depend_on_the_fine_one():
    torch.manual_seed(1)
    both = FrameEncoder(COMPACT.encoder).eval()
    alone = FrameEncoder(replace(COMPACT.encoder, fine_channels=0)).eval()
    alone.load_state_dict(both.state_dict(), strict=False)
    frames = 255 * torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(both(frames)[0], alone(frames)[0])
