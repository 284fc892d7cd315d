"""What a caller may say about how a recording is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class ReadingOptions:
    """Choices of :func:`open_video`, documented there, checked once.

    Raises
    ------
    InputError
        A channel or plane is not a whole number.
    """

    contrast_limits: tuple[float, float] | None = None
    channels: tuple[int, ...] | None = None
    axes: str | None = None
    plane: int | None = None

    @classmethod
    def given(
        cls,
        contrast_limits: tuple[float, float] | None,
        channels: int | Sequence[int] | None,
        axes: str | None,
        plane: int | None,
    ) -> ReadingOptions:
        """Accept one channel as a bare number and axes in any case."""
        try:
            if channels is not None:
                channels = (
                    tuple(index(c) for c in channels)
                    if hasattr(channels, "__iter__")
                    else (index(channels),)
                )
            plane = None if plane is None else index(plane)
        except TypeError as error:
            raise InputError(
                f"channels={channels!r}, plane={plane!r}: expected whole numbers."
            ) from error
        letters = None if axes is None else str(axes).upper()
        return cls(contrast_limits, channels, letters, plane)

    @property
    def is_default(self) -> bool:
        """Whether nothing was asked for."""
        return self == ReadingOptions()
