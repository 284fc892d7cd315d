"""Everything a person can choose about a run; free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any, Literal

from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Direction = Literal["both", "forward", "backward"]

_WHOLE_NUMBERS = (
    "first_frame",
    "last_frame",
    "horizon",
    "iterations",
    "support_grid",
    "local_support",
)
_YES_OR_NO = ("moving_region", "sharpen", "reference")
_SEVERAL_NUMBERS = {"model_resolution": 2, "region": 4, "contrast_limits": 2}


@dataclass(frozen=True)
class TrackingOptions:
    """Options of one run; the dock's form, the CLI's flags and provenance use these.

    Parameters
    ----------
    direction : {"both", "forward", "backward"}
        Which side of each query to track.
    first_frame, last_frame : int or None
        Frame range, both inclusive; None = start or end of the recording.
    horizon : int or None
        Follow each query over at most this many frames to a side; None = to the end.
    iterations : int or None
        Refinement iterations per window; None = the network's own.
    support_grid : int or None
        Side of the global grid of support points (0 = off); None = the network's own.
    local_support : int
        Side of the grid of support points around each query (0 = off).
    model_resolution : (H, W) or None
        Size that frames are resized to for the network; None = chosen from the video.
    region : (x, y, width, height) or None
        Only this rectangle of the recording, in pixels, is shown to the network.
    moving_region : bool
        Follow points that occupy a small part of a large picture in boxes at full
        resolution instead of shrinking the picture (unless a resolution is given).
    sharpen : bool
        Let optical flow suggest ways that fast points may have taken, and refine
        positions with it wherever that can be checked.
    visibility_threshold : float
        ``visible`` is ``visibility >= visibility_threshold``.
    contrast_limits : (low, high) or None
        Grey values mapped to 0 and 255; None = chosen from the video and reported.
    channels : tuple of int or None
        Which channels are shown as red, green and blue; one = grey.
    dtype : {"auto", "float32", "bfloat16", "float16"}
        Arithmetic of the network; coordinates are always float32.
    reference : bool
        Reproduce the published predictor, faults included.

    Raises
    ------
    InputError
        A value is outside its range.
    """

    direction: Direction = "both"
    first_frame: int | None = None
    last_frame: int | None = None
    horizon: int | None = None
    iterations: int | None = None
    support_grid: int | None = None
    local_support: int = 0
    model_resolution: tuple[int, int] | None = None
    region: tuple[float, float, float, float] | None = None
    moving_region: bool = True
    sharpen: bool = True
    visibility_threshold: float = 0.5
    contrast_limits: tuple[float, float] | None = None
    channels: tuple[int, ...] | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    reference: bool = False

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TrackingOptions:
        """Make options of fields as JSON holds them.

        Raises
        ------
        InputError
            A field is not known, or its value is unusable.
        """
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in plain.items()
        }
        try:
            return cls(**values)
        except TypeError as error:
            raise InputError(
                f"These are not options of this version: {error}."
            ) from error

    @property
    def signs(self) -> tuple[Literal[1, -1], ...]:
        """Forwards (1) and backwards (-1), in the order of the passes."""
        directions: dict[Direction, tuple[Literal[1, -1], ...]] = {
            "both": (1, -1),
            "forward": (1,),
            "backward": (-1,),
        }
        return directions[self.direction]

    def span_in(self, n_frames: int) -> tuple[int, int]:
        """First and last frame to track, both inclusive, in so many frames."""
        last = n_frames - 1 if self.last_frame is None else self.last_frame
        return self.first_frame or 0, last

    def frame_range(self, n_frames: int) -> tuple[int, int]:
        """Return :meth:`span_in` of a recording that has these frames.

        Raises
        ------
        InputError
            There are no such frames.
        """
        first, last = self.span_in(n_frames)
        if not 0 <= first <= last < n_frames:
            raise InputError(
                f"The frame range {first} to {last} cannot be used; expected first <= "
                f"last within the recording's frames 0 to {n_frames - 1}."
            )
        return first, last

    def __post_init__(self) -> None:
        """Check every field once."""
        self._check_numbers()
        if self.direction not in ("both", "forward", "backward"):
            raise InputError(
                f"direction is {self.direction!r}; "
                "expected 'both', 'forward' or 'backward'."
            )
        if self.iterations is not None and self.iterations < 1:
            raise InputError(f"iterations is {self.iterations}; expected 1 or more.")
        if self.horizon is not None and self.horizon < 1:
            raise InputError(f"horizon is {self.horizon}; expected 1 or more frames.")
        for key in ("support_grid", "local_support"):
            if (getattr(self, key) or 0) < 0:
                raise InputError(f"{key} is {getattr(self, key)}; expected 0 or more.")
        if not 0 <= self.visibility_threshold <= 1:
            raise InputError(
                f"visibility_threshold is {self.visibility_threshold}; expected 0 to 1."
            )
        if self.dtype not in ("auto", "float32", "bfloat16", "float16"):
            raise InputError(
                f"dtype is {self.dtype!r}; "
                "expected 'auto', 'float32', 'bfloat16' or 'float16'."
            )
        if self.contrast_limits is not None:
            low, high = self.contrast_limits
            if not low < high:
                raise InputError(
                    f"contrast_limits are ({low}, {high}); the first must be smaller."
                )

    def _check_numbers(self) -> None:
        """Make plain numbers of whatever counts as some: every file can hold those."""
        for key in _WHOLE_NUMBERS:
            value = getattr(self, key)
            if value is not None:
                self._take(key, index, value, "a whole number")
        for key in _YES_OR_NO:
            # "no" is true for Python.
            if getattr(self, key) not in (True, False):
                raise InputError(
                    f"{key} is {getattr(self, key)!r}; expected True or False."
                )
            object.__setattr__(self, key, bool(getattr(self, key)))
        for key, count in _SEVERAL_NUMBERS.items():
            value = getattr(self, key)
            if value is None:
                continue
            self._take(key, _floats, value, f"{count} numbers")
            if len(getattr(self, key)) != count:
                raise InputError(f"{key} is {value!r}; expected {count} numbers.")
        if self.model_resolution is not None:
            # One that is not whole is refused when the network is known.
            whole = (
                int(s) if float(s).is_integer() else s for s in self.model_resolution
            )
            object.__setattr__(self, "model_resolution", tuple(whole))
        if self.channels is not None:
            self._take("channels", _indices, self.channels, "whole numbers")
        threshold = self.visibility_threshold
        self._take("visibility_threshold", float, threshold, "a number from 0 to 1")

    def _take(
        self, key: str, convert: Callable[[Any], object], value: object, expected: str
    ) -> None:
        try:
            object.__setattr__(self, key, convert(value))
        except (TypeError, ValueError):
            raise InputError(f"{key} is {value!r}; expected {expected}.") from None


def _floats(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _indices(values: Any) -> tuple[int, ...]:
    several = values if hasattr(values, "__iter__") else (values,)
    return tuple(index(value) for value in several)
