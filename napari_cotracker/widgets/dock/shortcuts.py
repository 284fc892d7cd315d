"""Keys of the dock, bound in one viewer and let go with the dock.

Keys of the active layer come first in napari; those chosen here are free in Points,
Tracks and Image layers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_cotracker.widgets.session.track_actions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from napari_cotracker.widgets.dock.edit_panel import EditPanel
    from napari_cotracker.widgets.dock.review_panel import ReviewPanel
    from napari_cotracker.widgets.session.session import Session


class Shortcuts:
    """Binds keys, in napari's words, unless somebody else has.

    Those that edit tracks do so only while no other layer is selected.

    Parameters
    ----------
    viewer : ViewerModel
    panel : EditPanel
    review : ReviewPanel
    session : () -> Session or None
        The session of the image that is chosen.
    on_message : (str) -> None
        Told why a key did nothing.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        panel: EditPanel,
        review: ReviewPanel,
        session: Callable[[], Session | None],
        on_message: Callable[[str], None],
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._on_message = on_message
        calls: dict[str, Callable[[], None]] = {
            "[": partial(panel.mark, first=True),
            "]": partial(panel.mark, first=False),
            "N": review.go_on,
            "Shift-N": review.go_back,
        }
        edits: dict[str, Callable[[], None]] = {
            "Control-Z": panel.take_back,
            "Control-Shift-Z": panel.do_again,
            "K": review.take_as_right,
        }
        keyed = (action for action in ACTIONS if action.key)
        edits |= {action.key: partial(panel.do, action) for action in keyed}
        calls |= {key: partial(self._edit, call) for key, call in edits.items()}
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

    def _edit(self, call: Callable[[], None]) -> None:
        """Edit tracks, unless the person is busy with another layer."""
        session = self._session()
        if session is not None and session.layers.points is not None:
            layers = session.layers
            own = (session.image, layers.points, layers.trails)
            if any(layer not in own for layer in self._viewer.layers.selection):
                self._on_message(
                    f"Select '{session.layers.points.name}' first; this key is about "
                    "tracks."
                )
                return
        call()
