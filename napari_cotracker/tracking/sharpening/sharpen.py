"""Bring the network's answers to the tenth of a pixel, where the picture allows it.

The network knows where a point is, to within a pixel or two of what it was shown.
Two better places are looked for nearby: where the patch of the frame before went, and
where the patch that a person placed the point on fits best. One of them is taken if
it was found there and back and looks clearly more like that patch than the network's
answer does. So nothing drifts away, and where looks do not tell, the answer stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_cotracker.tracking.sharpening.flow import Found, GreyFrames, follow
from napari_cotracker.tracking.sharpening.likeness import likeness
from napari_cotracker.tracking.sharpening.tiles import Tile, cut_tiles, lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_cotracker.tracking.frames.model_frame import ModelFrame
    from napari_cotracker.video import FrameSource

# A patch followed there and back must return to within this many pixels: to suggest a
# way, from frame to frame, and from the anchor.
SUGGESTION_RETURN = 1.0
RETURN = 0.7
ANCHOR_RETURN = 0.5
# On generated clips with known truth, places farther from the answer (in model-frame
# pixels), or hardly more alike, are wrong more often than the answer itself.
NEAR = 2.0
CLEARLY = 0.1


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
            cells = zip(known.anchor_frame[mine].tolist(), anchor_xy[mine], strict=True)
            patches = lay_out([self._anchor_tile(frame, xy) for frame, xy in cells])
            now[mine] = self._best(
                self._grey[frames[place - 1]],
                self._grey[frames[place]],
                now[mine],
                native[place, mine],
                visible[place, mine],
                (patches.picture, anchor_xy[mine] + patches.shift_xy),
            )
            sharp[place, mine] = self._frame.to_model(now[mine])
        if 0 < n_real < len(xy):
            sharp[n_real:] = sharp[n_real - 1]
        return sharp

    def _best(
        self,
        before: npt.NDArray[np.uint8],
        after: npt.NDArray[np.uint8],
        now: npt.NDArray[np.float32],
        answer: npt.NDArray[np.float32],
        visible: npt.NDArray[np.bool_],
        patches: tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]],
    ) -> npt.NDArray[np.float32]:
        """Choose between answers (P, 2) and the places that were found."""
        best = answer.copy()
        alike = likeness(*patches, after, answer) + CLEARLY
        flow = follow(before, after, now)
        fit = _fitted(*patches, after, answer)
        for found, most in ((flow, RETURN), (fit, ANCHOR_RETURN)):
            off = np.linalg.norm(found.xy - answer, axis=1) * self._frame.scale_xy.min()
            good = visible & (found.error < most) & (off < NEAR)
            looks = likeness(*patches, after, found.xy)
            good &= looks > alike
            best[good], alike[good] = found.xy[good], looks[good]
        return best

    def _anchor_tile(self, frame: int, xy: npt.NDArray[np.float32]) -> Tile:
        key = (frame, float(xy[0]), float(xy[1]))
        if key not in self._tiles:
            tile = cut_tiles(self._grey[frame], xy[None])[0]
            # A view would hold on to the whole picture of every anchored frame.
            self._tiles[key] = tile._replace(pixels=tile.pixels.copy())
        return self._tiles[key]

    def _native(self, xy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return self._frame.to_native(xy).astype(np.float32)


def _fitted(
    patches: npt.NDArray[np.uint8],
    patch_xy: npt.NDArray[np.float32],
    picture: npt.NDArray[np.uint8],
    near_xy: npt.NDArray[np.float32],
) -> Found:
    """Find where patches fit best near (P, 2) points of a picture."""
    scene = lay_out(cut_tiles(picture, near_xy))
    begin = near_xy + scene.shift_xy
    found = follow(patches, scene.picture, patch_xy, begin, levels=1)
    return Found(found.xy - scene.shift_xy, found.error)
