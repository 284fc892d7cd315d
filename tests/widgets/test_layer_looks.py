"""Looks of the result layers."""

import pytest

from napari_cotracker.widgets.layers.layer_looks import point_size

CANVAS = 700  # px, about what a laptop leaves for it


@pytest.mark.parametrize("size", [(480, 640), (100, 700), (700, 100), (1080, 1920)])
def test_points_can_be_grabbed_in_an_image_of_any_shape(size):
    zoom = CANVAS / max(size)
    assert 9 < point_size(size) * zoom < 15
