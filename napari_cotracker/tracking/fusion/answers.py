"""What the network has said about anchors, for runs that ask the same again.

How an anchor is followed does not depend on the anchors around it, so moving one
leaves the answers of its neighbours as they were; and undoing an edit asks for what
was answered before.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy.typing as npt

    from napari_cotracker.tracking.windows.passes import WindowResult
    from napari_cotracker.tracks import Queries

BUDGET = 64 * 2**20
# Per frame: x, y in model-frame pixels, visibility, confidence.
_WIDTH = 4


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
        self._rows: OrderedDict[Hashable, npt.NDArray[np.float32]] = OrderedDict()
        self._lock = RLock()

    def add(
        self, context: Hashable, sign: int, anchors: Queries, result: WindowResult
    ) -> None:
        """Keep what one window says.

        ``context`` is all that an answer depends on but the anchor and the direction.
        """
        numbers = np.concatenate(
            [
                result.xy,
                result.visibility[..., None],
                result.confidence[..., None],
            ],
            axis=2,
        )
        for column, row in enumerate(result.anchor.tolist()):
            wanted = result.wanted[:, column]
            if wanted.any():
                away = (result.frames[wanted] - anchors.frame[row]) * sign
                self._write(
                    _key(context, sign, anchors, row), away, numbers[wanted, column]
                )

    def find(
        self, context: Hashable, sign: int, anchors: Queries, row: int, n_frames: int
    ) -> Said | None:
        """Return the answer for the first ``n_frames`` frames, or None."""
        with self._lock:
            key = _key(context, sign, anchors, row)
            known = self._rows.get(key)
            if known is None or len(known) < n_frames:
                return None
            self._rows.move_to_end(key)
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
        key: Hashable,
        away: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.float32],
    ) -> None:
        needed = int(away.max())
        with self._lock:
            rows = self._rows.pop(key, np.empty((0, _WIDTH), np.float32))
            self._held -= rows.nbytes
            if len(rows) < needed:
                # Twice as long, so that a walk does not copy it window by window.
                grown = np.full((max(needed, 2 * len(rows)), _WIDTH), np.nan, "f4")
                grown[: len(rows)] = rows
                rows = grown
            rows[away - 1] = numbers
            self._rows[key] = rows
            self._held += rows.nbytes
            while self._held > self._budget and len(self._rows) > 1:
                self._held -= self._rows.popitem(last=False)[1].nbytes


def _key(context: Hashable, sign: int, anchors: Queries, row: int) -> Hashable:
    x, y = anchors.xy[row].tolist()
    return context, sign, int(anchors.frame[row]), x, y
