"""Points moved along optical flow, each chain of frames computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from napari_cotracker.evaluation.baselines import flowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_cotracker.video import FrameSource

Floats = npt.NDArray[np.float32]

# Larger pictures are shrunk to this side: flow finds large motions more easily there,
# and errors are counted on a scale of 256 pixels.
LONGEST_SIDE = 640


class Pictures:
    """Grey frames of a recording, shrunk to ``LONGEST_SIDE``, each read once.

    Parameters
    ----------
    source : FrameSource
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._frames: dict[int, npt.NDArray[np.uint8]] = {}
        height, width = source.size
        shrink = min(1.0, LONGEST_SIDE / max(height, width))
        self._size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        self.scale_xy = np.array(self._size, np.float32) / (width, height)

    def __getitem__(self, frame: int) -> npt.NDArray[np.uint8]:
        """Return one grey frame, (h, w)."""
        if frame not in self._frames:
            picture = self._source.read(frame, frame + 1)[0]
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            if grey.shape[::-1] != self._size:
                area = cv2.INTER_AREA
                grey = cv2.resize(grey, self._size, interpolation=area)
            self._frames[frame] = grey
        return self._frames[frame]

    def to_native(self, xy: Floats) -> Floats:
        """Convert (..., 2) positions here to pixels of the recording."""
        return np.asarray((xy + 0.5) / self.scale_xy - 0.5, np.float32)

    def to_shrunk(self, xy: Floats) -> Floats:
        """Convert (..., 2) pixels of the recording to positions here."""
        return np.asarray((xy + 0.5) * self.scale_xy - 0.5, np.float32)


class Flow(Protocol):
    """Moves points from a frame to a neighbouring one."""

    def move(self, frame: int, to: int, xy: Floats) -> Floats:
        """Move (n, 2) positions on the shrunk pictures."""


class LucasKanade:
    """Sparse flow; points that are lost stay where they are.

    Parameters
    ----------
    pictures : Pictures
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def move(self, frame: int, to: int, xy: Floats) -> Floats:
        """Move (n, 2) positions on the shrunk pictures."""
        return flowed(self._pictures[frame], self._pictures[to], xy)[0]


class DenseFlow:
    """DIS flow, computed once per pair of frames.

    Parameters
    ----------
    pictures : Pictures
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        # Half precision: a few hundredths of a pixel for half the memory.
        self._flows: dict[tuple[int, int], npt.NDArray[np.float16]] = {}

    def move(self, frame: int, to: int, xy: Floats) -> Floats:
        """Move (n, 2) positions on the shrunk pictures."""
        pair = (frame, to)
        if pair not in self._flows:
            now, then = self._pictures[frame], self._pictures[to]
            # OpenCV's type hints do not know that no flow may be given.
            flow = self._dis.calc(now, then, None)  # type: ignore[call-overload]
            self._flows[pair] = flow.astype(np.float16)
        return xy + _sampled(self._flows[pair], xy)


def _sampled(flow: npt.NDArray[np.float16], xy: Floats) -> Floats:
    """Interpolate an (h, w, 2) field at (n, 2) positions, clamped to its border."""
    high = np.array(flow.shape[1::-1]) - 1
    at = np.clip(xy, 0, high)
    low = np.minimum(at.astype(int), np.maximum(high - 1, 0))
    right, down = (at - low).T[..., None]
    x, y = low.T
    x1, y1 = np.minimum(x + 1, high[0]), np.minimum(y + 1, high[1])
    top = flow[y, x] * (1 - right) + flow[y, x1] * right
    bottom = flow[y1, x] * (1 - right) + flow[y1, x1] * right
    return np.asarray(top * (1 - down) + bottom * down, np.float32)


class Chains:
    """Where flow leads from given starts, frame by frame; each start walked once.

    Parameters
    ----------
    pictures : Pictures
    flow : Flow
    start_frame : (M,) int64
    start_xy : (M, 2) float32
        Pixels of the recording.
    """

    def __init__(
        self,
        pictures: Pictures,
        flow: Flow,
        start_frame: npt.NDArray[np.int64],
        start_xy: Floats,
    ) -> None:
        self._pictures, self._flow = pictures, flow
        self._frame, self._xy = start_frame, start_xy
        self._paths: dict[tuple[int, int], Floats] = {}

    def walk(self, rows: Sequence[int], stops: Sequence[int], sign: int) -> None:
        """Follow some starts up to a frame each, forwards (1) or backwards (-1)."""
        new = [
            (row, abs(stop - int(self._frame[row])))
            for row, stop in zip(rows, stops, strict=True)
            if abs(stop - int(self._frame[row])) >= len(self._path(row, sign))
        ]
        if not new:
            return
        at = np.array([row for row, _ in new])
        length = np.array([n for _, n in new])
        start = self._frame[at]
        paths = [[xy] for xy in self._pictures.to_shrunk(self._xy[at])]
        order = sorted(
            {
                int(f + sign * k)
                for f, n in zip(start, length, strict=True)
                for k in range(n)
            },
            reverse=sign < 0,
        )
        for frame in order:
            gone = (frame - start) * sign
            live = np.flatnonzero((gone >= 0) & (gone < length))
            xy = np.stack([paths[i][-1] for i in live])
            moved = self._flow.move(frame, frame + sign, xy)
            for i, place in zip(live, moved, strict=True):
                paths[i].append(place)
        for row, path in zip(at.tolist(), paths, strict=True):
            self._paths[row, sign] = self._pictures.to_native(np.stack(path))

    def at(self, row: int, frame: int, sign: int) -> Floats:
        """Return where a start has got to on a frame, (2,)."""
        return self._path(row, sign)[abs(frame - int(self._frame[row]))]

    def _path(self, row: int, sign: int) -> Floats:
        return self._paths.get((row, sign), self._xy[row : row + 1])
