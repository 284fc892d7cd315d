"""Names, looks and placing in time of the layers that show tracks."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.layers import Tracks

from napari_cotracker.widgets.layers.rows import COLORMAP, IdentityColours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

METADATA_KEY = "napari_cotracker"  # written by session.py, read by controller.py
POINTS_SUFFIX = "tracked"
TRAILS_SUFFIX = "trails"


def leave(layer: Layer, image: Image) -> None:
    """Mark a result layer as one that nobody can go on in, nor shall try to."""
    layer.metadata[METADATA_KEY] = {"image": image.name, "left": ref(image)}
    layer.editable = False


def trails_left(viewer: ViewerModel, image: Image) -> Tracks | None:
    """Return the trails of results of an image that a person has removed, if any."""
    for layer in viewer.layers:
        over = layer.metadata.get(METADATA_KEY, {}).get("left", lambda: None)()
        if over is image and isinstance(layer, Tracks) and layer.ndim == image.ndim:
            return layer
    return None


@dataclass(frozen=True)
class PointsStyle:
    """Looks of the editable points."""

    size: float
    symbol: str = "disc"
    border_width: float = 0.15

    def as_kwargs(self) -> dict[str, Any]:
        """Return what ``add_points`` takes."""
        return {
            "size": self.size,
            "symbol": self.symbol,
            "border_width": self.border_width,
        }


@dataclass(frozen=True)
class TrailsStyle:
    """Looks of the trails."""

    tail_length: int = 25
    tail_width: float = 2
    opacity: float = 0.8

    def as_kwargs(self) -> dict[str, Any]:
        """Return what ``add_tracks`` takes."""
        return {
            "tail_length": self.tail_length,
            "tail_width": self.tail_width,
            "opacity": self.opacity,
            "color_by": "track_id",
            "colormap": COLORMAP,
            "colormaps_dict": {"track_id": IdentityColours()},
        }


@dataclass(frozen=True)
class Scheduling:
    """When things are done that need not be done at once; at once by default.

    Parameters
    ----------
    later : (call) -> None
        Calls when napari has finished what it is doing.
    throttled : (call) -> call
        Makes a call that is done a few times a second at most.
    """

    later: Callable[[Callable[[], None]], None] = lambda call: call()
    throttled: Callable[[Callable[[], None]], Callable[[], object]] = lambda call: call


def point_size(size: tuple[int, int]) -> float:
    """Return a point diameter that is easy to grab in an image of (H, W) pixels.

    The longer side counts: it says how small the image is shown when all of it is.
    """
    return float(np.clip(0.0165 * max(size), 3, 40))


@contextmanager
def painted_once(layer: Points) -> Iterator[None]:
    """Keep napari from sending the points to the screen after every single change."""
    events = layer.events
    with ExitStack() as stack:
        for event in (events.set_data, events.face_color, events.border_color):
            stack.enter_context(event.blocker())
        yield
