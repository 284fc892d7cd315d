"""Put the answers of both directions together into tracks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.tracking.fusion.answers import Said
from napari_cotracker.tracks import Constraints, Source, Tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.tracking.frames.model_frame import ModelFrame
    from napari_cotracker.tracking.windows.passes import WindowResult
    from napari_cotracker.tracking.windows.plan import Sign
    from napari_cotracker.tracks import Queries


# How the answers of both directions are weighed: docs/quality.md, "Between two labels".
# Pixels are those of a frame of 256 x 256.
# Keeps the blend defined where both directions report no confidence at all.
_LEAST_CONFIDENCE = 1e-3
# Answers that are this far apart agree by half.
HALF_AGREED_PX = 3.0
# Answers that are this far apart are two opinions: their mean would be neither.
OPPOSED_PX = 16.0
# So many frames before an anchor, the answer that has yet to arrive there counts half.
ARRIVING_FRAMES = 4
_COMMON_SIDE = 256


@dataclass(frozen=True, eq=False)
class Side:
    """What one direction says, one value per frame and track (T, N), or a part of it.

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

    def part(self, span: slice, column: int) -> Side:
        """Look at some frames of one track, (n,)."""
        return Side(
            self.xy[span, column],
            self.visibility[span, column],
            self.confidence[span, column],
            self.distance[span, column],
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
        height, width = tracks.size
        self._common_px = math.sqrt(height * width) / _COMMON_SIDE
        self._gaps = {sign: self._gaps_beside(sign) for sign in (1, -1)}
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
        span = (int(frame.min()), int(frame.max()) + 1)
        for row in np.unique(anchor).tolist():
            self._fuse(int(self._column[row]), self._gaps[sign][row], span)

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

    def _gaps_beside(self, sign: int) -> list[tuple[int, int]]:
        """Frames (start, stop) between each anchor and its next one on one side."""
        gaps = []
        for frame, column in zip(self._queries.frame, self._column, strict=True):
            frames = self._queries.frame[self._column == column]
            if sign == 1:
                later = frames[frames > frame]
                stop = later.min() if len(later) else self._tracks.n_frames
                gaps.append((int(frame) + 1, int(stop)))
            else:
                earlier = frames[frames < frame]
                start = earlier.max() + 1 if len(earlier) else 0
                gaps.append((int(start), int(frame)))
        return gaps

    def _fuse(self, column: int, gap: tuple[int, int], news: tuple[int, int]) -> None:
        """Renew a gap of one track; where one side speaks, only the news in it."""
        sides = [side.part(slice(*gap), column) for side in self._sides.values()]
        start, stop = gap
        if not all(side.distance.any() for side in sides):
            start, stop = max(start, news[0]), min(stop, news[1])
        span = slice(start, stop)
        ahead, back = (side.part(span, column) for side in self._sides.values())
        apart = _disagreement(ahead, back)
        share = _forward_share(ahead, back, apart / self._common_px)  # (n,)
        new = np.isfinite(share) & self._writable[span, column]
        part = np.where(new, share, 0)
        for key in ("xy", "visibility", "confidence"):
            one, two = getattr(ahead, key), getattr(back, key)
            weight = part[:, None] if key == "xy" else part
            mixed = weight * one + (1 - weight) * two
            getattr(self._tracks, key)[span, column][new] = mixed[new]
        hidden = self._hidden[span, column]
        self._tracks.source[span, column][new] = Source.MODEL
        self._tracks.disagreement[span, column][new] = apart[new]
        self._tracks.visibility[span, column][new & hidden] = 0
        self._tracks.visible[span, column][new] = self._seen(span, column)[new]

    def _seen(self, span: slice, column: int) -> npt.NDArray[np.bool_]:
        height, width = self._tracks.size
        xy = self._tracks.xy[span, column]
        with np.errstate(invalid="ignore"):
            inside = ((xy >= -0.5) & (xy <= (width - 0.5, height - 0.5))).all(axis=1)
        seen = self._tracks.visibility[span, column] >= self._threshold
        return np.asarray(seen & inside & ~self._hidden[span, column])


def _disagreement(ahead: Side, back: Side) -> npt.NDArray[np.float32]:
    """Pixels between both answers, (n,); NaN where there are not two."""
    apart = np.linalg.norm(ahead.xy - back.xy, axis=-1)
    both = (ahead.distance > 0) & (back.distance > 0)
    return np.where(both, apart, np.nan).astype(np.float32)


def _forward_share(
    ahead: Side, back: Side, apart: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Weight of the forward answer in 0..1, (n,); NaN where there is no answer.

    Between two anchors a direction counts by its confidence; less and less as it
    arrives at the *other* anchor, which the other direction has just left; and by how
    well the two agree somewhere further on its way: a direction that has lost its point
    would not meet the other one again, so until they meet it has been right. The
    further they are apart, the more the better one is taken alone.
    """
    known = np.where(np.isnan(apart), np.inf, apart).astype(np.float64)
    met_later = np.minimum.accumulate(known[::-1])[::-1]
    met_earlier = np.minimum.accumulate(known)
    share = np.full(known.shape, np.nan)
    between = np.isfinite(known)
    forward = _log_weight(ahead, back, met_later)[between]
    backward = _log_weight(back, ahead, met_earlier)[between]
    odds = (forward - backward) * (1 + known[between] / OPPOSED_PX)
    share[between] = (1 + np.tanh(odds / 2)) / 2  # the logistic function
    share[(ahead.distance > 0) & ~between] = 1
    share[(back.distance > 0) & ~between] = 0
    return share


def _log_weight(
    side: Side, other: Side, meet: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Logarithm of what an answer counts, (n,), where it meets the other so closely."""
    trust = np.maximum(side.confidence, _LEAST_CONFIDENCE).astype(np.float64)
    left = np.maximum(other.distance, 1).astype(np.float64)
    agreement = 1 / (1 + (meet / HALF_AGREED_PX) ** 2)
    arrival = left / (left + ARRIVING_FRAMES)
    with np.errstate(divide="ignore"):  # where there is one answer only
        weight = np.log(arrival * (trust * agreement) ** 2)
    return np.asarray(weight)
