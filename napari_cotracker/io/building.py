"""Tracks from what a file holds, with one rule for what it leaves open.

A position that is there counts as visible, with visibility and confidence 1, unless the
file says otherwise; scores beyond 0..1 are cut; without a position nothing is known.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import FormatError
from napari_cotracker.tracks import Source, Tracks

if TYPE_CHECKING:
    from collections.abc import Mapping

# One absurd frame number must not ask for all the memory. A recording may be long and
# labelled here and there only; but a last label that is this many times as late as the
# one before it is a slip.
_ALWAYS_FINE_CELLS = 20_000_000
_MOST_CELLS = 100_000_000
_CELLS_PER_ROW = 1000
_FAR_LATER = 10


def from_grid(
    xy: npt.ArrayLike,
    name: tuple[str, ...],
    *,
    point_id: npt.ArrayLike | None = None,
    visible: npt.ArrayLike | None = None,
    visibility: npt.ArrayLike | None = None,
    confidence: npt.ArrayLike | None = None,
    source: npt.ArrayLike | None = None,
    **facts: Any,
) -> Tracks:
    """Make tracks from arrays over all frames.

    Parameters
    ----------
    xy : (T, N, 2)
        Pixels; NaN where nothing is known.
    name : N names
    point_id : (N,) or None
        None = 0, 1, 2, ...
    visible, visibility, confidence, source : (T, N) or None
    **facts
        ``fps``, ``size``, ``times``, ``disagreement``.

    Raises
    ------
    FormatError
        There is nothing, or a coordinate is infinite or too large for a float32.
    """
    given_xy = np.asarray(xy, np.float64)
    if given_xy.size == 0:
        raise FormatError("It holds no tracks; expected at least one position.")
    _refuse_huge(given_xy, name)
    known = np.asarray(np.isfinite(given_xy).all(axis=-1))  # (T, N)
    seen = known if visible is None else known & np.asarray(visible, np.bool_)
    belief = _score(visibility, seen)
    return Tracks(
        xy=np.where(known[..., None], given_xy, np.nan).astype(np.float32),
        visibility=np.where(known, belief, 0),
        confidence=np.where(known, _score(confidence, known), 0),
        visible=seen,
        source=np.where(
            known, Source.MODEL if source is None else np.asarray(source), Source.EMPTY
        ),
        point_id=np.arange(len(name)) if point_id is None else point_id,  # type: ignore[arg-type]
        name=name,
        **facts,
    )


@dataclass(frozen=True, eq=False)
class Rows:
    """Known positions, one per row, as many formats have them.

    Parameters
    ----------
    point_id, frame : (R,) int64
    xy : (R, 2) float
    names : mapping of int to str
        By ``point_id``; one that is missing is called ``"point <id>"``.
    scores : dict
        (R,) values of ``visible``, ``visibility``, ``confidence`` and ``source`` where
        the file has them.
    """

    point_id: npt.NDArray[np.int64]
    frame: npt.NDArray[np.int64]
    xy: npt.NDArray[np.floating]
    names: Mapping[int, str] = field(default_factory=dict)
    scores: Mapping[str, npt.NDArray[Any] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, tracks: Tracks, *, occluded: bool) -> Rows:
        """Take known positions by track, then frame; occluded ones only if asked.

        Raises
        ------
        FormatError
            Only visible ones were asked for, and there are none.
        """
        cells = known_cells(tracks) if occluded else visible_cells(tracks)
        column, frame = np.nonzero(cells.T)
        at = (frame, column)
        return cls(
            point_id=tracks.point_id[column],
            frame=frame,
            xy=tracks.xy[at],
            names=dict(zip(tracks.point_id.tolist(), tracks.name, strict=True)),
            scores={
                key: getattr(tracks, key)[at]
                for key in ("visible", "visibility", "confidence", "source")
            },
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)

    def to_tracks(self, n_frames: int | None = None, **facts: Any) -> Tracks:
        """Make tracks; their order is that of first appearance.

        Parameters
        ----------
        n_frames : int or None
            None = up to the last row.
        **facts
            ``fps``, ``size``, ``times``.

        Raises
        ------
        FormatError
            No rows, negative or absurd frames, two rows for one track and frame, or
            unusable coordinates.
        """
        ids, column = by_appearance(self.point_id)
        shape = (self._checked_length(n_frames, len(ids)), len(ids))
        self._refuse_duplicates(column * shape[0] + self.frame)

        def grid(values: npt.NDArray[Any], empty: float = 0) -> npt.NDArray[Any]:
            result = np.full(shape + values.shape[1:], empty, values.dtype)
            result[self.frame, column] = values
            return result

        scores = {
            key: grid(values)
            for key, values in self.scores.items()
            if values is not None
        }
        names = tuple(self.names.get(i, f"point {i}") for i in ids.tolist())
        xy = grid(self.xy.astype(np.float64), np.nan)
        return from_grid(xy, names, point_id=ids, **scores, **facts)

    def _checked_length(self, n_frames: int | None, n_tracks: int) -> int:
        if len(self) == 0:
            raise FormatError("It holds no tracks; expected at least one position.")
        if self.frame.min() < 0:
            raise FormatError(
                f"Frame {self.frame.min()} was found; frames count from 0, so "
                "correct it."
            )
        length = max(int(self.frame.max()) + 1, n_frames or 0)
        cells = length * n_tracks
        fine = max(_ALWAYS_FINE_CELLS, _CELLS_PER_ROW * len(self))
        most = fine if self._ends_alone() else max(fine, _MOST_CELLS)
        if cells > most:
            raise FormatError(
                f"{length} frames for {len(self)} positions is not plausible; correct "
                f"the frame number {self.frame.max()}."
            )
        return length

    def _ends_alone(self) -> bool:
        """Whether the last frame is far later than the one before it."""
        frames = np.unique(self.frame)
        return len(frames) < 2 or bool(frames[-1] > _FAR_LATER * max(frames[-2], 1))

    def _refuse_duplicates(self, cell: npt.NDArray[np.int64]) -> None:
        order = np.argsort(cell, kind="stable")
        same = np.flatnonzero(np.diff(cell[order]) == 0)
        if len(same):
            row = order[same[0]]
            raise FormatError(
                f"There are two positions of track {self.point_id[row]} on frame "
                f"{self.frame[row]}; keep one."
            )


def by_appearance(
    ids: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the distinct ids in order, and each row's number among them."""
    distinct, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return distinct[order], np.argsort(order)[inverse]


def leave_out_depth(z: npt.ArrayLike) -> None:
    """Warn where positions differ in depth: points are followed in a plane."""
    values = np.asarray(z, np.float64)
    known = values[np.isfinite(values)]
    if len(known) and known.min() < known.max():
        warnings.warn(
            f"The positions go from z = {known.min():g} to {known.max():g}; z is left "
            "out, as for a projection along it.",
            stacklevel=2,
        )


def known_cells(tracks: Tracks) -> npt.NDArray[np.bool_]:
    """Mark where there is a position, visible or occluded, (T, N)."""
    known = (tracks.source != Source.EMPTY) & np.isfinite(tracks.xy).all(axis=-1)
    return np.asarray(known)


def visible_cells(tracks: Tracks) -> npt.NDArray[np.bool_]:
    """Mark what a format gets that holds visible positions only, (T, N).

    Raises
    ------
    FormatError
        There is none.
    """
    seen = known_cells(tracks) & tracks.visible
    if not seen.any():
        raise FormatError(
            "No point is visible on any frame, and this format holds visible points "
            "only; choose another, such as JSON."
        )
    return seen


def _refuse_huge(xy: npt.NDArray[np.float64], name: tuple[str, ...]) -> None:
    with np.errstate(over="ignore"):
        bad = np.isinf(xy.astype(np.float32))
    if bad.any():
        frame, n, axis = np.argwhere(bad)[0]
        raise FormatError(
            f"'{name[n]}' has {'xy'[axis]} = {xy[frame, n, axis]:g} on frame {frame}; "
            "expected a position in pixels."
        )


def _score(
    given: npt.ArrayLike | None, otherwise: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    if given is None:
        return otherwise.astype(np.float32)
    values = np.asarray(given, np.float32)
    return np.where(np.isnan(values), otherwise, np.clip(values, 0, 1)).astype(
        np.float32
    )
