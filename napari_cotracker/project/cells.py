"""Values of track positions, apart from where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    import numpy.typing as npt

    Index = Any

# What is kept of every position, in the order in which files hold it.
FIELDS: dict[str, npt.DTypeLike] = {
    "xy": np.float32,
    "visibility": np.float32,
    "confidence": np.float32,
    "disagreement": np.float32,
    "visible": np.bool_,
    "source": np.uint8,
    "edited": np.bool_,
}


@dataclass(frozen=True, eq=False)
class Cells:
    """Values of positions (one frame of one track each), in any arrangement.

    Parameters
    ----------
    xy : (..., 2) float32
        NaN where nothing is known.
    visibility, confidence : (...) float32
    disagreement : (...) float32
        Pixels; NaN where fewer than two directions say something.
    visible, edited : (...) bool
    source : (...) uint8
    """

    xy: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    disagreement: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]
    source: npt.NDArray[np.uint8]
    edited: npt.NDArray[np.bool_]

    @classmethod
    def placed(cls, xy: npt.ArrayLike) -> Cells:
        """Values of positions where a person put a point: certain and visible."""
        xy = np.array(xy, np.float32)
        shape = xy.shape[:-1]
        return cls(
            xy,
            np.ones(shape, np.float32),
            np.ones(shape, np.float32),
            np.zeros(shape, np.float32),
            np.ones(shape, np.bool_),
            np.full(shape, Source.MANUAL, np.uint8),
            np.ones(shape, np.bool_),
        )

    @classmethod
    def unknown(cls, shape: int | tuple[int, ...]) -> Cells:
        """Values of positions about which nothing is known."""
        shape = (shape,) if isinstance(shape, int) else shape
        return cls(
            np.full((*shape, 2), np.nan, np.float32),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32),
            np.full(shape, np.nan, np.float32),
            np.zeros(shape, np.bool_),
            np.full(shape, Source.EMPTY, np.uint8),
            np.zeros(shape, np.bool_),
        )

    @classmethod
    def joined(cls, parts: list[Cells]) -> Cells:
        """Values of several groups, one after the other."""
        return cls(
            **{key: np.concatenate([getattr(p, key) for p in parts]) for key in FIELDS}
        )

    def __len__(self) -> int:
        """Return the length of the first axis."""
        return len(self.source)

    def at(self, index: Index) -> Cells:
        """Copy the values at an index of numpy's kind."""
        return Cells(**{key: getattr(self, key)[index].copy() for key in FIELDS})

    def with_values(self, index: Index, values: Cells) -> Cells:
        """Return a copy with other values at an index."""
        copy = self.at(...)
        copy.put(index, values)
        return copy

    def reshaped(self, *shape: int) -> Cells:
        """Return the same values in another arrangement."""
        values = {key: getattr(self, key) for key in FIELDS}
        return Cells(
            **{
                key: array.reshape(*shape, 2) if key == "xy" else array.reshape(shape)
                for key, array in values.items()
            }
        )

    def put(self, index: Index, values: Cells) -> None:
        """Overwrite the values at an index, in place."""
        for key in FIELDS:
            getattr(self, key)[index] = getattr(values, key)

    def differs(self, other: Cells) -> npt.NDArray[np.bool_]:
        """Return where values differ, (...); NaN equals NaN."""
        answer = np.zeros(self.source.shape, np.bool_)
        for key in FIELDS:
            one, two = getattr(self, key), getattr(other, key)
            unequal = _bits(one) != _bits(two)
            if one.dtype.kind == "f" and unequal.any():
                # Few are left to ask about: bits are compared much faster.
                left = (one[unequal], two[unequal])
                unequal[unequal] = ~np.equal(*left) & ~np.isnan(left).all(axis=0)
            if key == "xy":  # `any` over an axis of two is slow
                unequal = unequal[..., 0] | unequal[..., 1]
            answer |= unequal
        return answer

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Where there is a position, (...)."""
        return np.asarray(self.source != Source.EMPTY)


def _bits(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.view(np.uint32) if values.dtype == np.float32 else values
