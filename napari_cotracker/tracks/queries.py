"""Query points: what a person asks the tracker to follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError
from napari_cotracker.tracks.wording import counted

Bools = npt.NDArray[np.bool_]
_LARGEST = 2**63 - 1


@dataclass(frozen=True, eq=False)
class Queries:
    """Anchors, several of which may belong to one track.

    Parameters
    ----------
    frame : (A,) int64
        Zero-based frame of each anchor.
    xy : (A, 2) float32
        Position in pixels, (0, 0) = centre of the top-left pixel.
    point_id : (A,) int64
        Track each anchor belongs to; equal ids belong to one track.
        Given as None: every anchor is a track of its own, 0, 1, 2, ...
    name : tuple of str, one per anchor
        Given as None: ``"point <id>"``.

    Raises
    ------
    InputError
        Wrong shapes, no anchors, NaN or infinite values, fractional frames, or
        one track anchored twice on one frame at different positions.
    """

    frame: npt.NDArray[np.int64]
    xy: npt.NDArray[np.float32]
    point_id: npt.NDArray[np.int64] = None  # type: ignore[assignment]
    name: tuple[str, ...] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Convert to the documented types and check once."""
        xy = _as_positions(self.xy)
        frame = _as_integers(self.frame, "frame", len(xy))
        given = np.arange(len(xy)) if self.point_id is None else self.point_id
        point_id = _as_integers(given, "point_id", len(xy))
        name = (
            tuple(f"point {i}" for i in point_id)
            if self.name is None
            else tuple(str(n) for n in self.name)
        )
        if len(name) != len(xy):
            raise InputError(
                f"{len(name)} names were given for {len(xy)} query points; "
                "give one name per point, or none."
            )
        for key, value in zip(
            ("frame", "xy", "point_id", "name"),
            (frame, xy, point_id, name),
            strict=True,
        ):
            object.__setattr__(self, key, value)
        self._refuse_contradictions()

    @classmethod
    def from_txy(cls, queries_txy: npt.ArrayLike) -> Queries:
        """Make one track per row of an (N, 3) array of ``(t, x, y)``.

        Raises
        ------
        InputError
            The array does not have this shape, or its values are unusable.
        """
        rows = _as_numbers(queries_txy, "Queries", "an (N, 3) array of (t, x, y)")
        if rows.size == 0:
            raise InputError(
                "No query points were given; place at least one point to follow."
            )
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise InputError(
                f"Queries have shape {rows.shape}; expected (N, 3) with the "
                "columns t, x, y."
            )
        return cls(frame=rows[:, 0], xy=rows[:, 1:])

    def __len__(self) -> int:
        """Return the number of anchors."""
        return len(self.frame)

    @property
    def tracks(self) -> npt.NDArray[np.int64]:
        """Distinct ``point_id`` values in order of first appearance, (N,)."""
        _, first = np.unique(self.point_id, return_index=True)
        return self.point_id[np.sort(first)]

    def name_of(self, point_id: int) -> str:
        """Return the name of a track: that of its first anchor."""
        return self.name[int(np.flatnonzero(self.point_id == point_id)[0])]

    @property
    def txy(self) -> npt.NDArray[np.float32]:
        """Anchors as an (A, 3) array of ``(t, x, y)``."""
        return np.column_stack([self.frame, self.xy]).astype(np.float32)

    def check_inside(self, n_frames: int, size: tuple[int, int]) -> None:
        """Refuse anchors outside the recording instead of clamping them.

        Parameters
        ----------
        n_frames : int
            Length of the recording.
        size : (H, W)
            Frame size in pixels.

        Raises
        ------
        InputError
            Names the first offending anchor and the allowed range.
        """
        late = (self.frame < 0) | (self.frame >= n_frames)
        if late.any():
            i = int(np.flatnonzero(late)[0])
            raise InputError(
                f"{counted(int(late.sum()), 'query point')} outside the time range: "
                f"'{self.name[i]}' is on frame {self.frame[i]}, but the recording "
                f"has frames 0 to {n_frames - 1}; move or remove them."
            )
        out = ~within(self.xy, size)
        if out.any():
            i = int(np.flatnonzero(out)[0])
            (x, y), (height, width) = self.xy[i], size
            raise InputError(
                f"{counted(int(out.sum()), 'query point')} outside the image: "
                f"'{self.name[i]}' is at x={x:.1f}, y={y:.1f}, but the image "
                f"is {width} wide and {height} high; move or remove them."
            )

    def _refuse_contradictions(self) -> None:
        seen: dict[tuple[int, int], int] = {}
        for i, key in enumerate(
            zip(self.point_id.tolist(), self.frame.tolist(), strict=True)
        ):
            j = seen.setdefault(key, i)
            if not np.array_equal(self.xy[i], self.xy[j]):
                raise InputError(
                    f"Track '{self.name[j]}' has two different points on frame "
                    f"{key[1]}; keep one of them."
                )


def _as_numbers(values: npt.ArrayLike, what: str, expected: str) -> npt.NDArray[Any]:
    """Convert to an array of integers, else of float64."""
    if np.ma.is_masked(values):
        raise InputError(f"{what} have masked entries; remove those points.")
    try:
        numbers = np.asarray(values)
        if np.iscomplexobj(numbers):
            raise TypeError("it is complex")
        return numbers if numbers.dtype.kind in "iu" else numbers.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{what} must be {expected}; what was given cannot be read as numbers "
            f"({error})."
        ) from error


def within(xy: npt.NDArray[np.floating[Any]], size: tuple[int, int]) -> Bools:
    """Tell which positions (N, 2) lie on an image of (H, W) pixels."""
    height, width = size
    x, y = xy.T
    # Half a pixel beyond the outermost centres is still on the image.
    on = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return np.asarray(on)


def _as_positions(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    numbers = _as_numbers(values, "Query positions", "an (N, 2) array of (x, y)")
    xy = numbers.astype(np.float32)
    if xy.size == 0:
        raise InputError(
            "No query points were given; place at least one point to follow."
        )
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise InputError(
            f"Query positions have shape {xy.shape}; expected (N, 2) with x, y."
        )
    bad = ~np.isfinite(xy).all(axis=1)
    if bad.any():
        raise InputError(
            f"{counted(int(bad.sum()), 'query point')} with NaN or infinite "
            f"coordinates (the first is number {int(np.flatnonzero(bad)[0])}); remove "
            "them."
        )
    return xy


def _as_integers(
    values: npt.ArrayLike, what: str, length: int
) -> npt.NDArray[np.int64]:
    numbers = _as_numbers(values, f"'{what}'", "whole numbers, one per point")
    if numbers.shape != (length,):
        raise InputError(
            f"'{what}' has shape {numbers.shape} but there are {length} query "
            "points; give one value per point."
        )
    finite = np.isfinite(numbers)
    if not finite.all() or (numbers != np.round(numbers)).any():
        raise InputError(
            f"'{what}' must be whole numbers; got "
            f"{numbers[~finite | (numbers != np.round(numbers))][0]}."
        )
    # Beyond, an int64 would wrap around and an id become another one.
    if any(abs(int(number)) > _LARGEST for number in (numbers.min(), numbers.max())):
        raise InputError(
            f"'{what}' goes from {numbers.min()} to {numbers.max()}; expected numbers "
            f"up to {_LARGEST}."
        )
    return numbers.astype(np.int64)
