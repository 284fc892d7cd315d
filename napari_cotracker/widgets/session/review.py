"""Going through the positions that are most likely wrong; knows no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.tracks.review import GAP_FRAMES, review_queue

if TYPE_CHECKING:
    from napari_cotracker.project import Document
    from napari_cotracker.tracks.review import ReviewItem
    from napari_cotracker.widgets.session.session import Session


class Review:
    """A way through what is worth a look: the worst first, nothing twice.

    The queue changes with every edit and every renewal; what was visited stays visited.
    """

    def __init__(self) -> None:
        self._trail: list[ReviewItem] = []
        self._at = -1
        self._judged: tuple[Document, list[ReviewItem]] | None = None

    @property
    def current(self) -> ReviewItem | None:
        """What is being looked at."""
        return self._trail[self._at] if self._at >= 0 else None

    def left(self, session: Session) -> list[ReviewItem]:
        """Return what was not visited yet, the worst first."""
        document = session.document
        if self._judged is None or self._judged[0] is not document:
            queue = review_queue(document.tracks, document.constraints)
            self._judged = document, queue
        return [item for item in self._judged[1] if not self._was_visited(item)]

    def next(self, session: Session) -> ReviewItem | None:
        """Go on to the next item; None if there is none."""
        self._forget_gone(session)
        if self._at + 1 < len(self._trail):
            self._at += 1
            return self.current
        left = self.left(session)
        if not left:
            return None
        self._trail.append(left[0])
        self._at = len(self._trail) - 1
        return left[0]

    def previous(self, session: Session) -> ReviewItem | None:
        """Go back to what was looked at before; None at the first."""
        if self._forget_gone(session):
            return self.current  # it came before what is gone
        if self._at <= 0:
            return None
        self._at -= 1
        return self.current

    def start_over(self) -> None:
        """Forget what was visited."""
        self._trail.clear()
        self._at = -1

    def _forget_gone(self, session: Session) -> bool:
        """Forget items of tracks that are gone; tell if one was being looked at."""
        there = set(session.document.tracks.point_id.tolist())
        kept = [item.point_id in there for item in self._trail]
        lost = self._at >= 0 and not kept[self._at]
        self._at = sum(kept[: self._at + 1]) - 1
        self._trail = [item for item in self._trail if item.point_id in there]
        return lost

    def _was_visited(self, item: ReviewItem) -> bool:
        return any(
            seen.point_id == item.point_id
            and item.first - GAP_FRAMES <= seen.frame <= item.last + GAP_FRAMES
            for seen in self._trail
        )
