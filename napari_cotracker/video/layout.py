"""Which axis of an array is time, height, width and channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError

# Letters as tifffile uses them; S = samples of one pixel (RGB), Q and I = unnamed.
_SPATIAL = "YX"
_CHANNEL = "CS"


@dataclass(frozen=True)
class Layout:
    """How an array becomes (T, H, W) or (T, H, W, C).

    Parameters
    ----------
    axes : str
        One letter per axis.
    shape : tuple of int
        Of the array.
    time : str
        Letter of the axis taken as time; empty = a single frame.
    fixed : dict of str to int
        Index taken on axes that are not shown (length one, or a chosen plane).
    note : str
        The reading in words where it is not plain from the letters.
    """

    axes: str
    shape: tuple[int, ...]
    time: str
    fixed: dict[str, int]
    note: str = ""

    @classmethod
    def of(cls, axes: str, shape: tuple[int, ...], plane: int | None) -> Layout:
        """Read the axes, refusing every case that has more than one reading.

        Parameters
        ----------
        axes : str
            One letter per axis: T, Z, C, Y, X, S (RGB samples), or Q and I
            (unnamed). A single axis beside Y, X and channels is taken as time.
        shape : tuple of int
            Length of each axis.
        plane : int or None
            Index on the Z axis, where there is one beside time.

        Raises
        ------
        InputError
            The letters do not fit the shape, or a choice is needed.
        """
        _check_letters(axes, shape)
        lengths = dict(zip(axes, shape, strict=True))
        fixed = {a: 0 for a, n in lengths.items() if n == 1 and a not in "TYX"}
        if len([a for a in _CHANNEL if lengths.get(a, 1) > 1]) == 2:
            raise InputError(
                f"The recording has both channels (C = {lengths['C']}) and colour "
                f"samples (S = {lengths['S']}); pass one of them."
            )
        others = [a for a in axes if a not in _SPATIAL + _CHANNEL and a not in fixed]
        if plane is not None:
            others = _take_plane(plane, lengths, others, fixed)
        if lengths.get("T") == 1 and len(others) == 2:
            # One time point of a stack: what varies is the other axis.
            others.remove("T")
            fixed["T"] = 0
        if len(others) > 1:
            raise InputError(_ambiguous(axes, shape, others))
        time = others[0] if others else ""
        note = f"axes {axes}" if set(axes) - set("TYXS") else ""
        if time and time != "T":
            note = f"axes {axes}: {time} taken as time"
        if fixed.get("Z") is not None and plane is not None:
            note = f"{note}, plane {plane} of {lengths['Z']}"
        return cls(axes, shape, time, fixed, note)

    @property
    def n_frames(self) -> int:
        """T."""
        return self._length(self.time) if self.time else 1

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self._length("Y"), self._length("X")

    @property
    def channel(self) -> str:
        """Letter of the channel axis, empty if frames are grey."""
        found = [a for a in self.axes if a in _CHANNEL and a not in self.fixed]
        return found[0] if found else ""

    @property
    def n_channels(self) -> int:
        """Length of the channel axis, 0 if frames are grey."""
        return self._length(self.channel) if self.channel else 0

    def key(self, start: int, stop: int) -> tuple[int | slice, ...]:
        """Index of these frames in the array."""
        chosen: dict[str, int | slice] = dict(self.fixed)
        if self.time:
            chosen[self.time] = slice(start, stop)
        return tuple(chosen.get(a, slice(None)) for a in self.axes)

    def arrange(self, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Bring what :meth:`key` selected into the order (n, H, W[, C])."""
        left = [a for a in self.axes if a not in self.fixed]
        order = [*self.time, "Y", "X", *self.channel]
        frames = np.transpose(block, [left.index(a) for a in order])
        return frames if self.time else frames[None]

    def _length(self, axis: str) -> int:
        return self.shape[self.axes.index(axis)]


def _check_letters(axes: str, shape: tuple[int, ...]) -> None:
    if len(axes) != len(shape) or len(set(axes)) != len(axes):
        raise InputError(
            f"axes='{axes}' were given for data of shape {shape}; name each of the "
            f"{len(shape)} axes by one letter of its own, as in 'TYX' or 'TZCYX'."
        )
    if not set(_SPATIAL) <= set(axes) or not axes.isalpha():
        raise InputError(
            f"axes='{axes}' name no height (Y) or width (X); name every axis, as in "
            "'TYX' or 'TZCYX'."
        )


def _take_plane(
    plane: int, lengths: dict[str, int], others: list[str], fixed: dict[str, int]
) -> list[str]:
    if not 0 <= plane < lengths.get("Z", 0):
        raise InputError(
            f"plane={plane} was asked for, but "
            + (
                f"the Z axis has planes 0 to {lengths['Z'] - 1}."
                if "Z" in lengths
                else "the recording has no Z axis; leave plane out."
            )
        )
    fixed["Z"] = plane
    return [a for a in others if a != "Z"]


def _ambiguous(axes: str, shape: tuple[int, ...], others: list[str]) -> str:
    sizes = ", ".join(f"{a} = {n}" for a, n in zip(axes, shape, strict=True))
    if sorted(others) == ["T", "Z"]:
        return (
            f"The recording has several times and several planes ({sizes}); choose "
            "one with plane= (--plane), or pass a projection along Z."
        )
    return (
        f"The axes of the recording are {axes} ({sizes}), and which of "
        f"{' and '.join(others)} is time is not known; name them with axes= (--axes), "
        f"as in '{_renamed(axes, others)}' (with plane= for one Z plane)."
    )


def _renamed(axes: str, others: list[str]) -> str:
    return axes.replace(others[-1], "Z").replace(others[0], "T")
