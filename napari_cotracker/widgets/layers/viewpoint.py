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

    def go_to(self, layer: Layer, frame: int) -> None:
        """Move the time slider to a frame of a layer whose first axis is time."""
        dims = self._viewer.dims
        place = layer.data_to_world((frame, *([0] * (layer.ndim - 1))))
        dims.set_point(dims.ndim - layer.ndim, float(place[0]))

    def centre_on(self, layer: Layer, row: int) -> None:
        """Bring a point of a layer to the middle of the canvas."""
        place = layer.data_to_world(layer.data[row])
        scene = getattr(self._viewer, "scene", self._viewer)  # moved in napari 0.9
        scene.camera.center = (0, *place[-2:])
