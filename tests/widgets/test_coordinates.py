import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Image, Points

from napari_cotracker.errors import InputError
from napari_cotracker.widgets.layers.coordinates import (
    PixelAxes,
    affine_of,
    from_txy,
    off_plane,
    placement,
    result_axes,
    to_image,
    to_txy,
)


@given(
    st.integers(3, 6).flatmap(
        lambda ndim: st.tuples(st.just(ndim), st.integers(0, ndim - 3))
    ),
    st.integers(0, 2**31),
)
@settings(max_examples=50, deadline=None)
def test_from_txy_is_the_exact_inverse_of_to_txy(axes_of, seed):
    ndim, time = axes_of
    fixed = {a: a + 3 for a in range(ndim - 2) if a != time}
    axes = PixelAxes(ndim, time, fixed)
    txy = np.random.default_rng(seed).uniform(-9, 999, (7, 3))
    placed = from_txy(txy, axes)
    assert np.array_equal(to_txy(placed, axes), txy)
    assert not off_plane(placed, axes).any()
    for axis, index in fixed.items():
        assert (placed[:, axis] == index).all()


def test_axes_are_named_not_guessed():
    point = np.array([[5.0, 20.0, 30.0]])  # t, y, x
    assert to_txy(point, PixelAxes(3)).tolist() == [[5, 30, 20]]


def test_points_of_another_layer_land_on_the_pixel_they_are_seen_on():
    image = Image(
        np.zeros((5, 20, 30)), scale=(2, 0.5, 0.5), translate=(1, 10, 20), rotate=30
    )
    points = Points([[3.0, 11.0, 21.0]], scale=(1, 2, 4), translate=(0, 0, 1))
    in_image = to_image(points.data, affine_of(points), affine_of(image))
    world = points.data_to_world(points.data[0])
    assert np.allclose(in_image[0], image.world_to_data(world))


def test_equal_placement_changes_no_bit():
    points = np.random.default_rng(0).uniform(0, 1, (4, 3))
    matrix = np.diag([0.1, 0.3, 0.7, 1])
    assert to_image(points, matrix, matrix.copy()) is points


def test_round_trip_through_scale_and_translation_keeps_float32():
    a, b = np.diag([1.0, 0.65, 0.65, 1]), np.diag([3.0, 0.1, 0.1, 1])
    b[:3, 3] = 7, -20, 3
    points = np.random.default_rng(0).uniform(0, 500, (999, 3))
    back = to_image(to_image(points, a, b), b, a)
    assert np.abs(back - points).max() < 1e-9


def test_points_with_more_axes_than_the_image_use_the_last_ones():
    image = Image(np.zeros((5, 20, 30)))
    points = np.array([[9.0, 1.0, 2.0, 3.0]])
    got = to_image(points, np.eye(5), affine_of(image))
    assert got.tolist() == [[1, 2, 3]]


def test_results_start_at_time():
    assert result_axes(PixelAxes(5, 1, {0: 2, 2: 7})) == PixelAxes(4, 0, {1: 7})


def test_result_layers_lie_over_an_image_whose_time_is_second():
    image = Image(np.zeros((2, 5, 20, 30)), scale=(3, 2, 0.5, 0.5), translate=[1] * 4)
    place = placement(image, PixelAxes(4, 1, {0: 0}))
    points = Points([[4.0, 10.0, 20.0]], **place)
    assert np.allclose(
        points.data_to_world(points.data[0]),
        image.data_to_world((0, 4.0, 10.0, 20.0))[1:],
    )


def test_result_layers_lie_over_a_turned_image():
    image = Image(
        np.zeros((5, 20, 30)), scale=(2, 0.5, 0.3), rotate=20, shear=[0, 0, 1]
    )
    points = Points([[4.0, 10.0, 20.0]], **placement(image, PixelAxes(3)))
    assert np.allclose(affine_of(points), affine_of(image))
    turned = Image(np.zeros((2, 5, 20, 30)), rotate=np.array(_turn(2, 3)))
    points = Points([[4.0, 10.0, 20.0]], **placement(turned, PixelAxes(4, 1, {0: 0})))
    assert np.allclose(affine_of(points)[:3, :3], affine_of(turned)[1:4, 1:4])


def test_rotation_of_time_is_refused():
    image = Image(np.zeros((2, 5, 20, 30)), rotate=np.array(_turn(0, 1)), name="odd")
    with pytest.raises(InputError, match="'odd' is rotated"):
        placement(image, PixelAxes(4, 1, {0: 0}))


def _turn(i: int, j: int) -> np.ndarray:
    matrix = np.eye(4)
    matrix[[i, i, j, j], [i, j, i, j]] = 0.6, -0.8, 0.8, 0.6
    return matrix
