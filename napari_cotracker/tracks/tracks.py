"""The result of tracking: positions, visibility and confidence over time."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError
from napari_cotracker.tracks.source import Source

VISIBILITY_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class Tracks:
    """N tracks over T frames; raw scores are kept apart from the answer.

    Parameters
    ----------
    xy : (T, N, 2) float32
        Pixels, (0, 0) = centre of the top-left pixel; NaN where nothing is known.
    visibility : (T, N) float32
        Raw belief in 0..1 that the point is seen.
    confidence : (T, N) float32
        Raw belief in 0..1 that the position is near the truth.
    visible : (T, N) bool
        The thresholded answer.
    source : (T, N) uint8
        :class:`Source` of every position.
    point_id : (N,) int64
        Stable identity of each track.
    name : tuple of str, length N
    fps : float or None
        Frames per second where known.
    size : (H, W)
        Frame size in pixels.
    disagreement : (T, N) float32
        Pixels between what tracking forwards and backwards says, for review; 0 at
        anchors, NaN where fewer than two directions say something. Given as None: all
        NaN.
    times : (T,) float64 or None
        When each frame was taken, in seconds, where known; increasing.

    Raises
    ------
    InputError
        Shapes do not agree, or times do not increase.
    """

    xy: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]
    source: npt.NDArray[np.uint8]
    point_id: npt.NDArray[np.int64]
    name: tuple[str, ...]
    fps: float | None = None
    size: tuple[int, int] = field(default=(0, 0))
    disagreement: npt.NDArray[np.float32] = None  # type: ignore[assignment]
    times: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Convert to the documented types and check shapes once."""
        convert = {
            "xy": np.float32,
            "visibility": np.float32,
            "confidence": np.float32,
            "visible": np.bool_,
            "source": np.uint8,
            "point_id": np.int64,
            "disagreement": np.float32,
        }
        if self.disagreement is None:
            unknown = np.full(np.shape(self.visibility), np.nan, np.float32)
            object.__setattr__(self, "disagreement", unknown)
        for key, dtype in convert.items():
            object.__setattr__(self, key, np.asarray(getattr(self, key), dtype))
        object.__setattr__(self, "name", tuple(str(n) for n in self.name))
        if self.xy.ndim != 3 or self.xy.shape[2] != 2:
            raise InputError(
                f"Tracks.xy has shape {self.xy.shape}; expected (T, N, 2)."
            )
        n_frames, n_tracks = self.xy.shape[:2]
        expected = {
            "visibility": (n_frames, n_tracks),
            "confidence": (n_frames, n_tracks),
            "visible": (n_frames, n_tracks),
            "source": (n_frames, n_tracks),
            "disagreement": (n_frames, n_tracks),
            "point_id": (n_tracks,),
        }
        for key, shape in expected.items():
            if getattr(self, key).shape != shape:
                raise InputError(
                    f"Tracks.{key} has shape {getattr(self, key).shape}; expected "
                    f"{shape} to match xy."
                )
        if len(self.name) != n_tracks:
            raise InputError(
                f"{len(self.name)} names for {n_tracks} tracks; give one per track."
            )
        if self.times is not None:
            object.__setattr__(self, "times", _checked_times(self.times, n_frames))

    @classmethod
    def empty(
        cls,
        n_frames: int,
        point_id: npt.ArrayLike,
        name: tuple[str, ...],
        *,
        size: tuple[int, int],
        fps: float | None = None,
        times: npt.NDArray[np.float64] | None = None,
    ) -> Tracks:
        """Make tracks about which nothing is known yet."""
        ids = np.asarray(point_id, np.int64)
        shape = (n_frames, len(ids))
        return cls(
            xy=np.full((*shape, 2), np.nan, np.float32),
            visibility=np.zeros(shape, np.float32),
            confidence=np.zeros(shape, np.float32),
            visible=np.zeros(shape, np.bool_),
            source=np.full(shape, Source.EMPTY, np.uint8),
            point_id=ids,
            name=name,
            fps=fps,
            size=size,
            times=times,
        )

    def copy(self) -> Tracks:
        """Return tracks that share no array with these."""
        return deepcopy(self)

    @property
    def n_frames(self) -> int:
        """T."""
        return int(self.xy.shape[0])

    @property
    def n_tracks(self) -> int:
        """N."""
        return int(self.xy.shape[1])


def _checked_times(times: npt.ArrayLike, n_frames: int) -> npt.NDArray[np.float64]:
    values = np.asarray(times, np.float64)
    if values.shape != (n_frames,):
        raise InputError(
            f"Tracks.times has shape {values.shape}; expected ({n_frames},), one time "
            "in seconds per frame."
        )
    if not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
        raise InputError(
            "Tracks.times must be finite and increase from frame to frame; leave them "
            "out if the recording does not know them."
        )
    return values
