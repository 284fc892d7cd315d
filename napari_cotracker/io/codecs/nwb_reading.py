"""Reading of NWB with ndx-pose; what is in the file is told in ``nwb.py``."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import from_grid
from napari_cotracker.io.libraries import library
from napari_cotracker.io.naming import join
from napari_cotracker.io.single_score import from_score

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

OWN_MODULE = "napari_cotracker"
SCORES = ("visibility", "confidence", "source", "disagreement")
TABLE, RECORDING = "tracks", "recording"
UNTIMED = "The frame rate is not known: one second stands for one frame."
_SIZE = ("height", "width")
_PIXEL_UNITS = ("pixel", "pixels", "px")
_MICROSECONDS = 6


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        It has no pose estimates, or such of several lengths or in other units.
    """
    with _opened(path) as file:
        found = {
            (each.name, name): series
            for each in _estimates(file)
            for name, series in each.pose_estimation_series.items()
        }
        if not found:
            raise FormatError("It holds no PoseEstimation of ndx-pose.")
        own = file.processing.get(OWN_MODULE) if file.processing else None
        facts = _facts(file, next(iter(found.values())))
        if own is not None:
            return _read_own(own, found, facts)
        xy, score = _grids(list(found.values()))
        names = tuple(join(_individual(who, found), part) for who, part in found)
    visible, confidence = from_score(score, ours=False)
    return from_grid(xy, names, visible=visible, confidence=confidence, **facts)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    library("ndx_pose")  # its types must be known before the file is opened
    with warnings.catch_warnings():
        # about namespaces that a file has cached and that are loaded already
        warnings.simplefilter("ignore")
        with library("pynwb").NWBHDF5IO(str(path), "r", load_namespaces=True) as source:
            yield source.read()


def _estimates(file: Any) -> list[Any]:
    kind = library("ndx_pose").PoseEstimation
    return [each for each in file.objects.values() if isinstance(each, kind)]


def _read_own(
    own: Any, found: dict[tuple[str, str], Any], facts: dict[str, Any]
) -> Tracks:
    table = own[TABLE]
    places = list(zip(table["container"][:], table["series"][:], strict=True))
    missing = [place for place in places if place not in found]
    if missing:
        raise FormatError(f"The series '{missing[0][1]}' of {missing[0][0]} is gone.")
    xy, score = _grids([found[place] for place in places])
    recording = {key: own[RECORDING][key][0] for key in ("frame_rate", *_SIZE)}
    facts["size"] = tuple(int(recording[key]) for key in _SIZE)
    fps = float(recording["frame_rate"])
    facts["fps"] = None if np.isnan(fps) else fps
    visible, _ = from_score(score, ours=True)
    return from_grid(
        xy,
        tuple(table["track_name"][:]),
        point_id=np.asarray(table["point_id"][:], np.int64),
        visible=visible,
        **{key: own[key].data[:] for key in SCORES if key in own.data_interfaces},
        **facts,
    )


def _grids(
    series: list[Any],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return positions (T, N, 2) and scores (T, N)."""
    lengths = {each.data.shape[0] for each in series}
    if len(lengths) > 1:
        raise FormatError(
            f"Its series have {', '.join(map(str, sorted(lengths)))} frames; expected "
            "one recording of which every series has all frames."
        )
    for each in series:
        if each.data.ndim != 2 or each.data.shape[1] != 2:
            raise FormatError(
                f"'{each.name}' has shape {each.data.shape}; expected (frames, 2)."
            )
        if each.unit.lower() not in _PIXEL_UNITS:
            raise FormatError(f"'{each.name}' is in {each.unit}; expected pixels.")
    xy = np.stack([np.asarray(each.data[:], np.float64) for each in series], axis=1)
    unknown = np.full(len(xy), np.nan)
    scores = [
        unknown if each.confidence is None else each.confidence[:] for each in series
    ]
    return xy, np.stack(scores, axis=1).astype(np.float64)


def _individual(container: str, found: dict[tuple[str, str], Any]) -> str:
    alone = len({who for who, _ in found}) == 1
    return "" if alone or container == "PoseEstimation" else container


def _facts(file: Any, series: Any) -> dict[str, Any]:
    """Return frame rate, times and frame size."""
    facts: dict[str, Any] = {}
    if series.timestamps is not None:
        times = np.asarray(series.timestamps[:], np.float64)
        steps = np.diff(times)
        if (steps > 0).all():
            facts["times"] = times
            if len(steps):
                facts["fps"] = round(1 / float(np.median(steps)), _MICROSECONDS)
    elif series.rate and series.comments != UNTIMED:
        facts["fps"] = float(series.rate)
    sizes = {
        tuple(int(value) for value in each.dimensions[0])
        for each in _estimates(file)
        if getattr(each, "dimensions", None) is not None
    }
    if len(sizes) == 1:
        width, height = sizes.pop()
        facts["size"] = (height, width)
    return facts
