"""Bring the network's answers to the tenth of a pixel, where the picture allows it.

The network knows where a point is, to within a pixel or two of what it was shown;
Lucas-Kanade knows where a patch went, to a tenth of a pixel of the recording, but not
whether it is still the same thing. So the patch is followed from the anchor on as
long as it can be found there and back and stays near the network's answer, and drifts
back towards it slowly; it is lined up with the patch at the anchor where that still
looks alike; and where a check fails, the network's answer stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_cotracker.tracking.flow import GreyFrames, follow
from napari_cotracker.tracking.likeness import likeness
from napari_cotracker.tracking.tiles import Tile, cut_tiles, lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_cotracker.tracking.frames import ModelFrame
    from napari_cotracker.video import FrameSource

# A patch followed there and back must return to within this many pixels.
SUGGESTION_RETURN = 1.0
RETURN = 0.7
# Model-frame pixels between the patch and the network's answer.
NEAR = 3.0
# Part of that distance taken back per frame.
PULL = 0.05
# Lining up with the anchor: farthest way in pixels, least likeness, part of the way.
ANCHOR_RETURN = 0.5
ANCHOR_REACH = 2.0
ANCHOR_LIKENESS = 0.8
ANCHOR_PULL = 0.5


class Known(NamedTuple):
    """What is known about P points of a window; positions in model-frame pixels.

    ``place`` (P,) int64, at which ``xy`` (P, 2) float32 is known; ``anchor_frame``
    (P,) int64, the recording frame on which a person placed each point, at
    ``anchor_xy`` (P, 2) float32.
    """

    place: npt.NDArray[np.int64]
    xy: npt.NDArray[np.float32]
    anchor_frame: npt.NDArray[np.int64]
    anchor_xy: npt.NDArray[np.float32]


class Sharpener:
    """Looks at the recording itself where the network saw a model frame.

    Parameters
    ----------
    source : FrameSource
    frame : ModelFrame
    """

    def __init__(self, source: FrameSource, frame: ModelFrame) -> None:
        self._grey = GreyFrames(source)
        self._frame = frame
        self._tiles: dict[tuple[int, float, float], Tile] = {}

    def suggest(
        self,
        frames: Sequence[int],
        n_real: int,
        start: npt.NDArray[np.int64],
        xy: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        """Follow patches through a window, for the network to begin with.

        Parameters
        ----------
        frames : S recording frames
        n_real : int
            Leading ones that are no repetitions.
        start : (P,) int64
            Last place at which each position is known.
        xy : (S, P, 2) float32
            Model-frame pixels.

        Returns
        -------
        (S, P, 2) float32
            The same up to the start; a patch that was lost rests from there on.
        """
        suggested = xy.copy()
        native = self._native(xy[start, np.arange(xy.shape[1])])
        alive = np.ones(xy.shape[1], np.bool_)
        for place in range(int(start.min()) + 1, len(xy)):
            mine = np.flatnonzero(alive & (start < place))
            if place < n_real and len(mine):
                before, after = self._grey[frames[place - 1]], self._grey[frames[place]]
                found = follow(before, after, native[mine])
                good = found.error < SUGGESTION_RETURN
                native[mine[good]] = found.xy[good]
                alive[mine[~good]] = False
            later = start < place
            suggested[place, later] = self._frame.to_model(native[later])
        return suggested

    def sharpen(
        self,
        frames: Sequence[int],
        n_real: int,
        known: Known,
        xy: npt.NDArray[np.float32],
        visible: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.float32]:
        """Refine the network's answers for a window.

        Parameters
        ----------
        frames : S recording frames
        n_real : int
            Leading ones that are no repetitions.
        known : Known
            Of P points.
        xy : (S, P, 2) float32
            The network's answers, model-frame pixels.
        visible : (S, P) bool
            Whether the network sees the point.

        Returns
        -------
        (S, P, 2) float32
        """
        sharp, native = xy.copy(), self._native(xy)
        if not xy.shape[1]:
            return sharp
        now, anchor_xy = self._native(known.xy), self._native(known.anchor_xy)
        for place in range(int(known.place.min()) + 1, n_real):
            mine = np.flatnonzero(known.place < place)
            seen = visible[place, mine]
            there = self._followed(
                frames[place - 1], frames[place], now[mine], native[place, mine], seen
            )
            which = np.flatnonzero(seen)
            at = mine[which]
            self._line_up(
                frames[place], there, which, known.anchor_frame[at], anchor_xy[at]
            )
            now[mine] = there
            sharp[place, mine] = self._frame.to_model(there)
        if 0 < n_real < len(xy):
            sharp[n_real:] = sharp[n_real - 1]
        return sharp

    def _followed(
        self,
        before: int,
        after: int,
        now: npt.NDArray[np.float32],
        answer: npt.NDArray[np.float32],
        visible: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.float32]:
        """Follow patches to the next frame; where that fails, take the answer."""
        found = follow(self._grey[before], self._grey[after], now)
        off = answer - found.xy
        good = (found.error < RETURN) & visible
        near = NEAR / self._frame.scale_xy.min()
        good &= np.linalg.norm(off, axis=1) < near
        return np.where(good[:, None], found.xy + PULL * off, answer)

    def _line_up(
        self,
        frame: int,
        xy: npt.NDArray[np.float32],
        which: npt.NDArray[np.int64],
        anchor_frame: npt.NDArray[np.int64],
        anchor_xy: npt.NDArray[np.float32],
    ) -> None:
        """Move some of the positions towards where the anchor's patch fits best."""
        if not len(which):
            return
        cells = zip(anchor_frame.tolist(), anchor_xy, strict=True)
        model = lay_out([self._anchor_tile(at, where) for at, where in cells])
        scene = lay_out(cut_tiles(self._grey[frame], xy[which]))
        begin = xy[which] + scene.shift_xy
        wanted = anchor_xy + model.shift_xy
        found = follow(model.picture, scene.picture, wanted, begin, levels=1)
        move = found.xy - begin
        good = (found.error < ANCHOR_RETURN) & (
            np.linalg.norm(move, axis=1) < ANCHOR_REACH
        )
        alike = likeness(model.picture, wanted, scene.picture, found.xy)
        good &= alike > ANCHOR_LIKENESS
        xy[which[good]] += ANCHOR_PULL * move[good]

    def _anchor_tile(self, frame: int, xy: npt.NDArray[np.float32]) -> Tile:
        key = (frame, float(xy[0]), float(xy[1]))
        if key not in self._tiles:
            self._tiles[key] = cut_tiles(self._grey[frame], xy[None])[0]
        return self._tiles[key]

    def _native(self, xy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return self._frame.to_native(xy).astype(np.float32)
