"""The rows of the dock that lead through the positions most likely wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cotracker.project.point_edits import accept
from napari_cotracker.widgets.dock.controls import Sentence, button, evenly
from napari_cotracker.widgets.session.review import Review

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.tracks.review import ReviewItem
    from napari_cotracker.widgets.session.session import Session


class ReviewPanel(QWidget):
    """Shows one doubtful point after the other, and lets a person accept it.

    Parameters
    ----------
    session : () -> Session or None
        The session of the image that is chosen.
    """

    def __init__(self, session: Callable[[], Session | None]) -> None:
        super().__init__()
        self._session = session
        self._reviews: WeakKeyDictionary[Session, Review] = WeakKeyDictionary()
        self.previous = button(
            "previous_review", "Previous", "Back to the point before (Shift+N)"
        )
        self.accept = button(
            "accept", "Accept", "The selected points are right as they are (K)"
        )
        self.next = button(
            "next_review", "Next", "Show the point that is most likely wrong (N)"
        )
        self.label = Sentence("review_label")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(evenly(self.previous, self.accept, self.next))
        column.addWidget(self.label)
        self.previous.clicked.connect(self.go_back)
        self.accept.clicked.connect(self.take_as_right)
        self.next.clicked.connect(self.go_on)

    # -- what is done ---------------------------------------------------------

    def go_on(self) -> None:
        """Show what is most likely wrong and was not looked at yet."""
        session = self._session()
        if session is None:
            return
        session.read_layer()
        review = self._review_of(session)
        item = review.next(session)
        if item is None:
            review.start_over()
            left = len(review.left(session))
            again = f"; {left} that were looked at are left" if left else ""
            self.label.setText(f"Nothing more to review{again}.")
            return
        self._show(session, review, item)

    def go_back(self) -> None:
        """Show what was looked at before."""
        session = self._session()
        if session is None:
            return
        session.read_layer()
        review = self._review_of(session)
        item = review.previous(session)
        if item is not None:
            self._show(session, review, item)

    def take_as_right(self) -> None:
        """Accept the selected points on the frame in view, and go on."""
        session = self._session()
        if session is None:
            return
        ids, frame = session.layers.selected_tracks(), session.layers.frame_in_view()
        if not ids:
            self.label.setText("Select the points that are right, then accept.")
            return
        session.edit(
            lambda document: accept(document, np.full(len(ids), frame), np.array(ids))
        )
        current = self._review_of(session).current
        if current is not None and (current.frame, current.point_id) == (frame, ids[0]):
            self.go_on()

    # -- what is shown --------------------------------------------------------

    def refresh(self) -> None:
        """Offer what can be done now."""
        session = self._session()
        has_tracks = session is not None and session.has_tracks
        for each in (self.previous, self.accept, self.next):
            each.setEnabled(has_tracks)

    def _review_of(self, session: Session) -> Review:
        return self._reviews.setdefault(session, Review())

    def _show(self, session: Session, review: Review, item: ReviewItem) -> None:
        name = session.document.name_of(item.point_id)
        session.layers.look_at(item.frame, item.point_id)
        left = len(review.left(session))
        self.label.setText(
            f"'{name}', frame {item.frame}: {item.reason}. {left} more to review."
        )
