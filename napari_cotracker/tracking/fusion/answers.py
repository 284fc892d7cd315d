"""What the network has said about anchors, for runs that ask the same again.

How an anchor is followed does not depend on the next one, so moving that one leaves the
answer as it was; and undoing an edit asks for what was answered before.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

BUDGET = 64 * 2**20
# Per frame: x, y in model-frame pixels, visibility, confidence.
_WIDTH = 4

Place = tuple[int, float, float]
Kept = tuple[frozenset[Place], npt.NDArray[np.float32]]
_NOTHING: Kept = (frozenset(), np.empty((0, _WIDTH), np.float32))


class Said(NamedTuple):
    """Answer for one anchor, one row per frame walking away from it.

    ``xy`` (n, 2) float32 model-frame pixels; ``visibility`` and ``confidence`` (n,).
    """

    xy: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]


class Answers:
    """Answers by anchor and direction; the least recently used make room.

    Parameters
    ----------
    budget_bytes : int
    """

    def __init__(self, budget_bytes: int = BUDGET) -> None:
        self._budget = budget_bytes
        self._held = 0
        self._rows: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = RLock()

    def add(
        self,
        asked: Hashable,
        others: frozenset[Place],
        away: npt.NDArray[np.int64],
        said: Said,
    ) -> None:
        """Keep what one window says about one anchor.

        Parameters
        ----------
        asked : hashable
            All that the answer depends on but the others: context, anchor, direction.
        others : frozenset of (frame, x, y)
            The further anchors that the point was known by.
        away : (n,) int64
            How many frames each answer is away from the anchor.
        said : Said
        """
        numbers = np.column_stack([said.xy, said.visibility, said.confidence])
        self._write(asked, others, away, numbers.astype(np.float32))

    def find(
        self, asked: Hashable, placed: Collection[Place], n_frames: int
    ) -> Said | None:
        """Return the answer for the first ``n_frames`` frames, or None.

        One is as good as ever if all that the point was known by is still ``placed``,
        and not hidden; that it could be known by more now is no reason to ask again.
        """
        with self._lock:
            others, known = self._rows.get(asked, _NOTHING)
            if len(known) < n_frames or not others.issubset(placed):
                return None
            self._rows.move_to_end(asked)
            rows = known[:n_frames].copy()
        if np.isnan(rows).any():
            return None
        return Said(rows[:, :2], rows[:, 2], rows[:, 3])

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._rows.clear()
            self._held = 0

    def _write(
        self,
        asked: Hashable,
        others: frozenset[Place],
        away: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.float32],
    ) -> None:
        needed = int(away.max())
        with self._lock:
            before, rows = self._rows.pop(asked, _NOTHING)
            self._held -= rows.nbytes
            if before != others:
                rows = _NOTHING[1]
            if len(rows) < needed:
                # Twice as long, so that a walk does not copy it window by window.
                grown = np.full((max(needed, 2 * len(rows)), _WIDTH), np.nan, "f4")
                grown[: len(rows)] = rows
                rows = grown
            rows[away - 1] = numbers
            self._rows[asked] = others, rows
            self._held += rows.nbytes
            while self._held > self._budget and len(self._rows) > 1:
                self._held -= self._rows.popitem(last=False)[1][1].nbytes
