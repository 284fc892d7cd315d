"""Points that a person has clicked and that no run has read yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.widgets.layers.coordinates import affine_of, to_image
from napari_cotracker.widgets.session.anchors import groups_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Points

# More than that nobody has clicked: they come from a file, and are kept there.
MOST = 10_000


@dataclass(frozen=True, eq=False)
class Clicked:
    """A Points layer as it lies over its image.

    Parameters
    ----------
    layer : str
    data : (N, D) float64
        Data coordinates of the image, N > 0.
    group : tuple of str, length N
        Points with the same non-empty text belong to one track.
    """

    layer: str
    data: npt.NDArray[np.float64]
    group: tuple[str, ...]

    def same_as(self, other: Clicked | None) -> bool:
        """Tell whether another layer holds the same points."""
        return (
            other is not None
            and self.group == other.group
            and np.array_equal(self.data, other.data)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "layer": self.layer,
            "points": self.data.tolist(),
            "group": list(self.group),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Clicked:
        """Undo :meth:`to_dict`."""
        data = np.array(plain["points"], np.float64)
        return cls(plain["layer"], data, tuple(plain["group"]))


def read_clicked(points: Points, image: Image) -> Clicked | None:
    """Read a Points layer; None if nothing in it could be followed in the image."""
    n_points = len(points.data)
    if not 0 < n_points <= MOST or points.ndim < image.ndim:
        return None
    data = np.asarray(points.data, np.float64)
    if not np.isfinite(data).all():
        return None
    placed = to_image(data, affine_of(points), affine_of(image))
    return Clicked(points.name, placed.copy(), groups_of(points))
