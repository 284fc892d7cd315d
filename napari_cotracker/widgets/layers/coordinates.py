"""The one place where napari's coordinates become (t, x, y) pixels, and back.

napari orders data like array axes, (..., t, ..., y, x), and places every layer in
the world with its own affine transform; layers of fewer axes use the last axes of the
world. Outside this package points are (x, y) pixels of the image.
Both systems put (0, 0) at the centre of the top-left pixel, so nothing is shifted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Layer

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PixelAxes:
    """Which axes of an image are time, y and x, and where the others stand.

    Parameters
    ----------
    ndim : int
        Number of axes of the image (its colour axis not counted); the last two
        are y and x.
    time : int
        Axis of time.
    fixed : dict of int to int
        Index chosen on every axis that is neither time nor y nor x.
    """

    ndim: int
    time: int = 0
    fixed: dict[int, int] = field(default_factory=dict)

    @property
    def columns(self) -> list[int]:
        """Axes of t, x and y, in this order."""
        return [self.time, self.ndim - 1, self.ndim - 2]


def affine_of(layer: Layer) -> Floats:
    """Return the (D + 1, D + 1) matrix from a layer's data to the world."""
    ndim = layer.ndim
    origin = np.asarray(layer.data_to_world(np.zeros(ndim)), np.float64)
    matrix = np.eye(ndim + 1)
    matrix[:-1, -1] = origin
    for axis, unit in enumerate(np.eye(ndim)):
        matrix[:-1, axis] = np.asarray(layer.data_to_world(unit)) - origin
    return matrix


def to_image(points: Floats, affine: Floats, image_affine: Floats) -> Floats:
    """Express points of one layer in the data coordinates of the image.

    Parameters
    ----------
    points : (N, P) float
        Data of a layer with at least as many axes as the image.
    affine : (P + 1, P + 1) float
        From that layer's data to the world.
    image_affine : (D + 1, D + 1) float
        From the image's data to the world, D <= P.

    Returns
    -------
    (N, D) float
        Exactly the input where both layers are placed alike.
    """
    if np.array_equal(affine, image_affine):
        return points
    ndim = len(image_affine) - 1
    world = _apply(affine, points)[:, -ndim:]
    return _apply(np.asarray(np.linalg.inv(image_affine), np.float64), world)


def to_txy(image_points: Floats, axes: PixelAxes) -> Floats:
    """Take (t, x, y) out of (N, D) data coordinates of the image."""
    return image_points[:, axes.columns]


def from_txy(points_txy: npt.ArrayLike, axes: PixelAxes) -> Floats:
    """Place (N, 3) points (t, x, y) in the image; inverse of :func:`to_txy`."""
    given = np.asarray(points_txy)
    image_points = np.empty((len(given), axes.ndim), given.dtype)
    image_points[:, axes.columns] = given
    for axis, index in axes.fixed.items():
        image_points[:, axis] = index
    return image_points


def off_plane(image_points: Floats, axes: PixelAxes) -> npt.NDArray[np.bool_]:
    """Tell which points (N, D) do not lie at the chosen index of a further axis."""
    off = np.zeros(len(image_points), np.bool_)
    for axis, index in axes.fixed.items():
        off |= np.rint(image_points[:, axis]) != index
    return off


def result_axes(axes: PixelAxes) -> PixelAxes:
    """Return the axes of the result layers: those from time on.

    A Tracks layer takes its first axis for time, so axes before it are left out; the
    results then show at every position of those.
    """
    drop = axes.time
    fixed = {a - drop: i for a, i in axes.fixed.items() if a > drop}
    return PixelAxes(axes.ndim - drop, 0, fixed)


def placement(image: Layer, axes: PixelAxes) -> dict[str, object]:
    """Return the arguments that place a result layer exactly over its image.

    Raises
    ------
    InputError
        The image turns or shears an axis before time into the others.
    """
    drop = axes.time
    matrix = affine_of(image)[:-1, :-1]
    if drop and (matrix[:drop, drop:].any() or matrix[drop:, :drop].any()):
        raise InputError(
            f"'{image.name}' is rotated or sheared between time and an axis before it;"
            " move time to the front or remove the rotation."
        )
    same: dict[str, object] = {
        "scale": image.scale[drop:],
        "translate": image.translate[drop:],
        "units": image.units[drop:],
        "axis_labels": image.axis_labels[drop:],
    }
    if not drop:
        same |= {
            "rotate": image.rotate,
            "shear": image.shear,
            "affine": image.affine.affine_matrix,
        }
    elif not np.allclose(matrix, np.diag(np.diag(matrix))):
        # scale and rotation of a part cannot be read off: give it whole
        part = np.eye(image.ndim - drop + 1)
        part[:-1, :-1] = matrix[drop:, drop:]
        part[:-1, -1] = affine_of(image)[drop:-1, -1]
        same |= {"affine": part}
        del same["scale"], same["translate"]
    return same


def _apply(affine: Floats, points: Floats) -> Floats:
    return np.asarray(points, np.float64) @ affine[:-1, :-1].T + affine[:-1, -1]
