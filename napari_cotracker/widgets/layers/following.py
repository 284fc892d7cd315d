"""Result layers that stay over their image when a person scales or moves it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.layers import Image, Layer

PLACED_BY = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


class Following:
    """Places layers as their image lies, whenever that changes.

    Parameters
    ----------
    image : Image
    place : () -> dict
        Arguments that place a layer over the image, as it lies now.
    layers : () -> iterable of Layer or None
        What follows it; None = is not there.
    """

    def __init__(
        self,
        image: Image,
        place: Callable[[], dict[str, Any]],
        layers: Callable[[], Iterable[Layer | None]],
    ) -> None:
        self._place = place
        self._layers = layers
        self._events = [getattr(image.events, name) for name in PLACED_BY]
        for event in self._events:
            event.connect(self.align)

    def align(self, event: object = None) -> None:
        """Place the layers as the image lies now."""
        place: dict[str, Any] = {}
        with suppress(InputError):  # no layer can lie so; said when Run is pressed
            place = self._place()
        for layer in self._layers():
            if layer is not None:
                for name, value in place.items():
                    setattr(layer, name, value)

    def leave(self) -> None:
        """Follow no longer."""
        for event in self._events:
            event.disconnect(self.align)
        self._events.clear()
