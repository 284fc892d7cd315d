"""Where the viewer looks: its time slider and the middle of its canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


class Viewpoint:
    """Reads and moves the view, in frames and data coordinates of a layer.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer

    def frame(self, layer: Layer, time: int) -> int:
        """Return the index that is in view on the time axis of a layer."""
        return round(float(layer.world_to_data(self._viewer.dims.point)[time]))

    def go_to(self, layer: Layer, index: dict[int, int]) -> None:
        """Move the sliders to an index on some axes of a layer."""
        dims = self._viewer.dims
        data = [index.get(axis, 0) for axis in range(layer.ndim)]
        place = layer.data_to_world(data)
        for axis in index:
            dims.set_point(dims.ndim - layer.ndim + axis, float(place[axis]))

    def centre_on(self, layer: Layer, row: int) -> None:
        """Bring a point of a layer to the middle of the canvas."""
        place = layer.data_to_world(layer.data[row])
        scene = getattr(self._viewer, "scene", self._viewer)  # moved in napari 0.9
        scene.camera.center = (0, *place[-2:])
