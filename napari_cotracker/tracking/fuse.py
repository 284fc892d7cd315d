"""Put the answers of both directions together into tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.tracking.answers import Said
from napari_cotracker.tracks import Constraints, Source, Tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracking.frames import ModelFrame
    from napari_cotracker.tracking.passes import WindowResult
    from napari_cotracker.tracking.plan import Sign
    from napari_cotracker.tracks import Queries


# Keeps the blend defined where both directions report no confidence at all.
_LEAST_CONFIDENCE = 1e-3


@dataclass(frozen=True, eq=False)
class Side:
    """What one direction says, one value per frame and track (T, N).

    A track's anchors take turns, so one value each is enough. ``distance`` is the
    number of frames from the anchor the answer started at; 0 where there is none.
    """

    xy: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    distance: npt.NDArray[np.int32]

    @classmethod
    def unknown(cls, shape: tuple[int, int]) -> Side:
        """Make one about which nothing is known."""
        return cls(
            np.zeros((*shape, 2), np.float32),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.int32),
        )


class Assembly:
    """Tracks under construction.

    Parameters
    ----------
    queries : Queries
        Of the columns of ``tracks``.
    frame : ModelFrame
        For the way back to recording pixels.
    tracks : Tracks
        What is known already; left unchanged.
    threshold : float
        ``visible`` is ``visibility >= threshold``, inside the image.
    constraints : Constraints
    writable : (T, N) bool or None
        Cells that may change; None = all.
    """

    def __init__(
        self,
        queries: Queries,
        frame: ModelFrame,
        tracks: Tracks,
        *,
        threshold: float,
        constraints: Constraints,
        writable: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self._queries = queries
        self._frame = frame
        self._threshold = threshold
        order = {point_id: i for i, point_id in enumerate(tracks.point_id.tolist())}
        self._column = np.array([order[i] for i in queries.point_id.tolist()])
        self._tracks = tracks.copy()
        shape = tracks.visibility.shape
        self._hidden = constraints.hidden_mask(tracks.point_id, tracks.n_frames)
        self._writable = np.ones(shape, np.bool_) if writable is None else writable
        self._sides: dict[int, Side] = {s: Side.unknown(shape) for s in (1, -1)}
        self._pin_anchors()

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Whether anything is known on each frame, (T,)."""
        return np.asarray((self._tracks.source != Source.EMPTY).any(axis=1))

    def put(self, sign: Sign, result: WindowResult) -> None:
        """Take in one window of the forward (1) or backward (-1) pass."""
        place, point = np.nonzero(result.wanted)
        said = Said(
            result.xy[place, point],
            result.visibility[place, point],
            result.confidence[place, point],
        )
        self.tell(sign, result.anchor[point], result.frames[place], said)

    def tell(
        self,
        sign: Sign,
        anchor: npt.NDArray[np.int64],
        frame: npt.NDArray[np.int64],
        said: Said,
    ) -> None:
        """Take in what one direction says about anchors, (K,), on frames, (K,)."""
        if not len(frame):
            return
        side = self._sides[sign]
        where = (frame, self._column[anchor])
        side.xy[where] = self._frame.to_native(said.xy)
        side.visibility[where] = said.visibility
        side.confidence[where] = said.confidence
        side.distance[where] = np.abs(frame - self._queries.frame[anchor])
        self._fuse(int(frame.min()), int(frame.max()) + 1)

    def snapshot(self) -> Tracks:
        """Copy the present state."""
        return self._tracks.copy()

    def _pin_anchors(self) -> None:
        # Windows never report an anchor's own frame, so these stay as they are.
        mine = self._writable[self._queries.frame, self._column]
        where = (self._queries.frame[mine], self._column[mine])
        seen = ~self._hidden[where]
        self._tracks.xy[where] = self._queries.xy[mine]
        self._tracks.visibility[where] = seen
        self._tracks.confidence[where] = 1
        self._tracks.visible[where] = seen
        self._tracks.source[where] = Source.MANUAL
        self._tracks.disagreement[where] = 0
        # An answer never takes the place of an anchor.
        self._writable = self._writable.copy()
        self._writable[where] = False

    def _fuse(self, start: int, stop: int) -> None:
        """Renew the frames start <= t < stop from both sides."""
        span = slice(start, stop)
        ahead, back = self._sides[1], self._sides[-1]
        share = _forward_share(ahead, back, span)  # (n, N)
        new = np.isfinite(share) & self._writable[span]
        part = np.where(new, share, 0)
        for key in ("xy", "visibility", "confidence"):
            one, two = getattr(ahead, key)[span], getattr(back, key)[span]
            weight = part[..., None] if key == "xy" else part
            mixed = weight * one + (1 - weight) * two
            getattr(self._tracks, key)[span][new] = mixed[new]
        self._tracks.source[span][new] = Source.MODEL
        self._tracks.disagreement[span][new] = _disagreement(ahead, back, span)[new]
        self._tracks.visibility[span][new & self._hidden[span]] = 0
        self._tracks.visible[span][new] = self._seen(span)[new]

    def _seen(self, span: slice) -> npt.NDArray[np.bool_]:
        height, width = self._tracks.size
        xy = self._tracks.xy[span]
        with np.errstate(invalid="ignore"):
            inside = ((xy >= -0.5) & (xy <= (width - 0.5, height - 0.5))).all(axis=2)
        seen = self._tracks.visibility[span] >= self._threshold
        return np.asarray(seen & inside & ~self._hidden[span])


def _disagreement(ahead: Side, back: Side, span: slice) -> npt.NDArray[np.float32]:
    """Pixels between both answers, (n, N); NaN where there are not two."""
    apart = np.linalg.norm(ahead.xy[span] - back.xy[span], axis=2)
    both = (ahead.distance[span] > 0) & (back.distance[span] > 0)
    return np.where(both, apart, np.nan).astype(np.float32)


def _forward_share(ahead: Side, back: Side, span: slice) -> npt.NDArray[np.float64]:
    """Weight of the forward answer in 0..1, (n, N); NaN where there is no answer.

    Between two anchors each direction counts in proportion to its confidence and to
    the distance from the *other* anchor, so that it fades out on arrival there.
    """
    from_left, from_right = ahead.distance[span], back.distance[span]
    trust_left = np.maximum(ahead.confidence[span], _LEAST_CONFIDENCE)
    trust_right = np.maximum(back.confidence[span], _LEAST_CONFIDENCE)
    forward = from_right * trust_left.astype(np.float64)
    backward = from_left * trust_right.astype(np.float64)
    share = np.full(forward.shape, np.nan)
    between = (from_left > 0) & (from_right > 0)
    np.divide(forward, forward + backward, out=share, where=between)
    share[(from_left > 0) & ~between] = 1
    share[(from_right > 0) & ~between] = 0
    return share
