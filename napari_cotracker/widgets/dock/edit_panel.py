"""The rows of the dock that correct tracks: which one, which frames, and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QInputDialog,
    QMenu,
    QPushButton,
    QWidget,
)

from napari_cotracker.widgets.dock.controls import (
    button,
    combo,
    evenly,
    side_by_side,
)
from napari_cotracker.widgets.dock.frame_range import FrameRange
from napari_cotracker.widgets.session.track_actions import ACTIONS, Action, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.widgets.session.session import Session


class EditPanel:
    """Chooses a track and frames, and edits them.

    Parameters
    ----------
    rows : QFormLayout
        Where its rows go.
    parent : QWidget
        Dialogs stand over it.
    session : () -> Session or None
        The session of the image that is chosen.
    on_auto : (bool) -> None
        Told whether edits are to be tracked again by themselves.
    """

    def __init__(
        self,
        rows: QFormLayout,
        parent: QWidget,
        session: Callable[[], Session | None],
        on_auto: Callable[[bool], None],
    ) -> None:
        self._parent = parent
        self._session = session
        self.track = combo("track", "The track to edit; click a point to choose it")
        self.span = FrameRange(
            ("span_first", "First frame of the span ( [ )"),
            ("span_last", "Last frame of the span ( ] )"),
        )
        self.undo = button("undo", "Undo", "Take back the last edit (Ctrl+Z)")
        self.redo = button("redo", "Redo", "Do it again (Ctrl+Shift+Z)")
        self.edit = self._create_menu()
        self.auto_retrack = QCheckBox("Track again after each edit")
        self.auto_retrack.setObjectName("auto_retrack")
        self.auto_retrack.setToolTip(
            "What the edit changes, from the frame in view outward, while you go on"
        )
        self.auto_retrack.setChecked(True)
        rows.addRow("Track", side_by_side(self.track, self.edit))
        rows.addRow("Span", self.span)
        rows.addRow("", evenly(self.undo, self.redo))
        rows.addRow("", self.auto_retrack)
        self.undo.clicked.connect(self.take_back)
        self.redo.clicked.connect(self.do_again)
        self.track.activated.connect(self._on_track_chosen)
        self.auto_retrack.toggled.connect(on_auto)

    def _create_menu(self) -> QPushButton:
        made = button(
            "edit_track", "Edit", "What to do with the chosen or selected tracks"
        )
        menu = QMenu(made)
        menu.setObjectName("edit_menu")
        menu.setToolTipsVisible(True)
        for action in ACTIONS:
            shown = f"{action.text}\t{action.key}" if action.key else action.text
            entry = menu.addAction(shown)
            assert entry is not None
            entry.setObjectName(action.name)
            entry.setToolTip(action.tip)
            entry.triggered.connect(lambda _=False, action=action: self.do(action))
        made.setMenu(menu)
        return made

    # -- what is done ---------------------------------------------------------

    def do(self, action: Action) -> None:
        """Do something to the chosen track, asking for what it needs."""
        session = self._session()
        if session is None:
            return
        target = self._asked(session, action, self.target(session))
        if target is not None:
            session.edit(lambda document: action.make(document, target))

    def take_back(self) -> None:
        """Undo."""
        session = self._session()
        if session is not None:
            session.undo()

    def do_again(self) -> None:
        """Redo."""
        session = self._session()
        if session is not None:
            session.redo()

    def mark(self, *, first: bool) -> None:
        """Let the span begin, or end, on the frame in view."""
        session = self._session()
        if session is None:
            return
        frame = session.layers.frame_in_view()
        now_first, now_last = self.span.values
        if first:
            self.span.choose(frame, max(frame, now_last))
        else:
            self.span.choose(min(frame, now_first), frame)

    def target(self, session: Session) -> Target:
        """Return what is chosen: the selected tracks, else that of the drop-down."""
        chosen = self.track.currentData()
        selected = session.layers.selected_tracks()
        if not selected and chosen is not None:
            selected = (chosen,)
        return Target(
            selected,
            session.layers.frame_in_view(),
            self.span.values,
        )

    def _asked(self, session: Session, action: Action, target: Target) -> Target | None:
        """Ask for a name or another track; None if the person changed their mind."""
        if action.needs == "other" and len(target.point_ids) == 2:
            one, two = target.point_ids
            return replace(target, point_ids=(one,), other=two)
        if not action.needs or len(target.point_ids) != 1:
            return target  # which no track, or several, are wrong for
        document = session.document
        if action.needs == "text":
            name = document.name_of(target.point_ids[0])
            text, agreed = QInputDialog.getText(
                self._parent, action.text, f"New name of '{name}':", text=name
            )
            return replace(target, text=text) if agreed else None
        names = {
            f"{name} ({i})": i
            for i, name in zip(
                document.tracks.point_id.tolist(), document.tracks.name, strict=True
            )
            if i != target.point_ids[0]
        }
        if not names:
            return target  # said by the action
        text, agreed = QInputDialog.getItem(
            self._parent,
            action.text,
            "The other track:",
            list(names),
            editable=False,
        )
        return replace(target, other=names[text]) if agreed and text else None

    # -- what is shown --------------------------------------------------------

    def refresh(self) -> None:
        """Show the tracks there are, and what can be done."""
        session = self._session()
        self._refill(session)
        self.undo.setEnabled(session is not None and session.annotations.can_undo)
        self.redo.setEnabled(session is not None and session.annotations.can_redo)
        self.edit.setEnabled(session is not None and session.has_tracks)

    def _refill(self, session: Session | None) -> None:
        tracks = None if session is None else session.document.tracks
        wanted = (
            []
            if tracks is None
            else list(zip(tracks.name, tracks.point_id.tolist(), strict=True))
        )
        shown = [
            (self.track.itemText(i), self.track.itemData(i))
            for i in range(self.track.count())
        ]
        chosen = None if session is None else session.layers.chosen
        if wanted != shown:
            self.track.clear()
            for name, point_id in wanted:
                self.track.addItem(name, point_id)
        n_selected = 0 if session is None else len(session.layers.selected_tracks())
        several = f"{n_selected} selected tracks" if n_selected > 1 else ""
        self.track.setPlaceholderText(several)
        place = self.track.findData(chosen)
        if several or place >= 0:
            self.track.setCurrentIndex(-1 if several else place)

    def _on_track_chosen(self, index: int) -> None:
        session = self._session()
        if session is not None and index >= 0:
            session.layers.choose(self.track.itemData(index))
