"""TIFF stacks through tifffile, read page by page."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cotracker.errors import CoTrackerError, InputError, VideoError
from napari_cotracker.video.array import ArraySource
from napari_cotracker.video.options import ReadingOptions
from napari_cotracker.video.source import VideoWarning
from napari_cotracker.video.tiff_chain import refuse_circles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

SUFFIXES = frozenset((".tif", ".tiff", ".lsm"))

# As ImageJ and OME call them.
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
}
# Beyond this a first axis called C is no set of dyes, but what some writers call
# the axis that they were not told the name of.
_MOST_CHANNELS = 4


class TiffPages:
    """The main series of a TIFF file as an array that reads only what is indexed.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    shape, dtype
        As of an array.
    axes : str
        What the file's metadata call its axes; not to be relied on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open_file: tifffile.TiffFile | None = None
        self._mapped: npt.NDArray[Any] | None = None
        self._lock = threading.RLock()
        refuse_circles(path)
        with _complaints(path), self._guarded("has unreadable TIFF pages"):
            series = self._series(choose=True)
            self.shape = tuple(int(n) for n in series.shape)
            self.dtype = np.dtype(series.dtype)
            self.axes = str(series.axes)
            self.fps = _fps(self._file())
            page = tuple(int(n) for n in series.keyframe.shape)
        self._page_ndim = len(page) if self.shape[-len(page) :] == page else 0

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        if self._open_file is not None:
            self._open_file.close()
        self._open_file = self._mapped = None

    def __del__(self) -> None:
        """Close the file that a failed opening leaves behind."""
        if hasattr(self, "_open_file"):
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the open file."""
        closed = {"_open_file": None, "_mapped": None}
        return {k: v for k, v in {**self.__dict__, **closed}.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore; the file is opened at the next read."""
        self.__dict__.update(state)
        self._lock = threading.RLock()

    def __getitem__(self, key: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        """Read by one integer or slice per axis."""
        # Pages share one place in the file.
        with self._lock, self._guarded("has a part that cannot be read"):
            return self._get(key)

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        """Turn whatever tifffile and its decoders raise on damage into our error."""
        try:
            yield
        except CoTrackerError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:200] or "it makes no sense"
            if isinstance(error, MemoryError):
                reason = "it asks for more memory than there is"
            raise VideoError(
                f"'{self._path.name}' {what} ({reason}); it may be damaged or "
                "incomplete: copy or export it again."
            ) from error

    def _get(self, key: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        series = self._series()
        if self._mapped is None and (series.dataoffset is not None):
            number = list(self._file().series).index(series)
            self._mapped = tifffile.memmap(self._path, series=number, mode="r", level=0)
        if self._mapped is None and not self._page_ndim:
            self._mapped = series.asarray()
        if self._mapped is not None:
            return np.asarray(self._mapped.reshape(self.shape)[key])
        leading = self.shape[: -self._page_ndim]
        numbers = np.arange(int(np.prod(leading))).reshape(leading)[key[: len(leading)]]
        pages = [self._page(series, int(i)) for i in numbers.ravel()]
        block = np.stack(pages).reshape(*numbers.shape, *self.shape[len(leading) :])
        return np.asarray(block[(..., *key[len(leading) :])])

    def _page(self, series: tifffile.TiffPageSeries, i: int) -> npt.NDArray[Any]:
        page = series.pages[i]
        if page is None:
            raise ValueError(f"page {i} is missing")
        handle = page.parent.filehandle
        elsewhere = handle.closed  # another file of a recording in several
        if elsewhere:
            handle.open()
        try:
            return np.asarray(page.asarray())
        finally:
            if elsewhere:
                handle.close()

    def _file(self) -> tifffile.TiffFile:
        if self._open_file is None:
            with self._guarded("cannot be opened as a TIFF file"):
                self._open_file = tifffile.TiffFile(self._path)
        return self._open_file

    def _series(self, choose: bool = False) -> tifffile.TiffPageSeries:
        found = list(self._file().series)
        if not found:
            raise VideoError(f"'{self._path.name}' has no frames.")
        main = max(found, key=lambda series: series.size)
        if choose and len(found) > 1:
            others = ", ".join(str(s.shape) for s in found if s is not main)
            warnings.warn(
                f"'{self._path.name}' holds several image series; the largest, "
                f"{main.shape}, is used, and {others} left out.",
                VideoWarning,
                stacklevel=2,
            )
        return main


class TiffSource(ArraySource):
    """A TIFF stack.

    Parameters
    ----------
    path : path to the file
    options : ReadingOptions

    Raises
    ------
    VideoError
        The file is damaged.
    InputError
        Its axes have more than one reading; the message says what to choose.
    """

    def __init__(self, path: str | Path, options: ReadingOptions | None = None) -> None:
        path, options = Path(path), options or ReadingOptions()
        self._pages = TiffPages(path)
        axes, note = "", ""
        if options.axes is None:
            axes, note = _stated_axes(self._pages, path.name)
            options = replace(options, axes=axes)
        super().__init__(
            self._pages,
            options,
            name=f"'{path.name}'",
            fps=self._pages.fps,
            note=note,
        )
        if axes == self._layout.axes and self._layout.time == "Z":
            warnings.warn(
                f"'{path.name}' calls the axis of its {len(self)} pictures Z (planes); "
                "it is taken as time. Say axes='TYX' (--axes TYX, or its axes with Z "
                "for T) if it is, and choose another file if these are planes.",
                VideoWarning,
                stacklevel=2,
            )
        # A file that was cut off shows it at its end; better now than in an hour.
        self._read_raw(len(self) - 1, len(self))

    @staticmethod
    def supports(video: object) -> bool:
        """Whether this is a file with a TIFF suffix."""
        return isinstance(video, Path) and video.suffix.lower() in SUFFIXES

    def duplicate(self) -> Self:
        """Return the same recording with a file handle of its own."""
        twin = copy(self)
        twin._pages = twin._array = copy(self._pages)
        return twin

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        self._pages.close()


def _stated_axes(pages: TiffPages, name: str) -> tuple[str, str]:
    axes = pages.axes
    if sorted(axes) != ["C", "X", "Y"]:
        return axes, ""
    if pages.shape[axes.index("C")] > _MOST_CHANNELS:
        return axes.replace("C", "T"), f"axes {axes}: C taken as time"
    raise InputError(
        f"'{name}' calls its axes {axes}, shape {pages.shape}: is the first one time "
        "or channels? Say so with axes='TYX' or axes='CYX' (--axes TYX)."
    )


@contextmanager
def _complaints(path: Path) -> Iterator[None]:
    """Turn what tifffile only logs, as for a file that was cut off, into a warning."""
    found: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    if found:
        warnings.warn(
            f"'{path.name}' may be damaged or cut off, and frames may be missing at "
            f"its end: {found[0]}.",
            VideoWarning,
            stacklevel=2,
        )


def _fps(file: tifffile.TiffFile) -> float | None:
    """Return the frame rate that ImageJ or OME metadata hold."""
    ome = re.search(r'TimeIncrement="([^"]+)"', file.ome_metadata or "")
    if ome:
        unit = re.search(r'TimeIncrementUnit="([^"]+)"', file.ome_metadata or "")
        return _rate(ome[1], unit[1] if unit else "s")
    metadata = file.imagej_metadata or {}
    if metadata.get("finterval"):
        return _rate(metadata["finterval"], str(metadata.get("tunit", "s")))
    rate = metadata.get("fps")
    return float(rate) if isinstance(rate, (int, float)) and rate > 0 else None


def _rate(interval: object, unit: str) -> float | None:
    try:
        seconds = float(str(interval)) * _SECONDS[unit.strip().lower()]
    except (ValueError, KeyError):
        return None
    return 1.0 / seconds if 0 < seconds < float("inf") else None
