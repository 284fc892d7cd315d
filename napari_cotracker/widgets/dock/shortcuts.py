"""Keys of the dock, bound in one viewer and let go with the dock.

Keys of the active layer come first in napari; those chosen here are free in Points,
Tracks and Image layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.components import ViewerModel


class Shortcuts:
    """Binds keys unless somebody else has.

    Parameters
    ----------
    viewer : ViewerModel
    calls : mapping of key to call
        Keys in napari's words, such as ``Control-Z``.
    """

    def __init__(
        self, viewer: ViewerModel, calls: Mapping[str, Callable[[], None]]
    ) -> None:
        self._viewer = viewer
        self.keys = [key for key, call in calls.items() if self._bind(key, call)]

    def release(self) -> None:
        """Let the keys go."""
        while self.keys:
            self._viewer.bind_key(self.keys.pop(), None, overwrite=True)

    def _bind(self, key: str, call: Callable[[], None]) -> bool:
        def pressed(viewer: Any) -> None:
            call()

        try:
            self._viewer.bind_key(key, pressed)
        except ValueError:  # taken, by the person or another plugin
            return False
        return True
