"""Own JSON: everything a set of tracks holds, to the last bit.

``{"format": "napari-cotracker tracks", "version": 1, "fps", "size", "times",
"tracks": [{"id", "name", "x", "y", "visible", "visibility", "confidence", "source",
"disagreement"}]}`` with one value per frame from frame 0; null where nothing is known;
disagreement only where a run has left one. x and y are pixels, (0, 0) = centre of the
top-left pixel; size is [height, width]; times are seconds. Numbers are the shortest
text that gives the same float32 (times: float64) again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.compare import ASPECTS
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.json_text import member, numbers, read_json, text
from napari_cotracker.tracks import Source, Tracks

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

MARK = "napari-cotracker tracks"
VERSION = 1
_HEAD = 200
_PER_FRAME = ("x", "y", "visible", "visibility", "confidence", "source")


def matches(path: Path) -> bool:
    """Tell whether the file begins as ours do."""
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(_HEAD)
    except OSError:
        return False


def write(tracks: Tracks, path: Path) -> None:
    """Write everything."""
    document = {
        "format": MARK,
        "version": VERSION,
        "fps": tracks.fps,
        "size": list(tracks.size),
        "times": None if tracks.times is None else tracks.times.tolist(),
        "tracks": [_track(tracks, n) for n in range(tracks.n_tracks)],
    }
    path.write_text(json.dumps(document, allow_nan=False), encoding="utf-8")


def read(path: Path) -> Tracks:
    """Read everything.

    Raises
    ------
    FormatError
        It is not our JSON, of a newer version, or its lists do not belong together.
    """
    document = read_json(path)
    if member(document, "format", str, "the file") != MARK:
        raise FormatError(f'It has no "format": "{MARK}"; it is another kind of JSON.')
    version = member(document, "version", int, "the file")
    if version > VERSION:
        raise FormatError(
            f"It has version {version}, this program knows up to {VERSION}; update "
            "napari-cotracker."
        )
    found = member(document, "tracks", list, "the file")
    if not found:
        raise FormatError("It holds no tracks; expected at least one.")
    places = [f"track {n}" for n in range(len(found))]
    columns = {key: _stacked(found, places, key) for key in _PER_FRAME}  # (T, N) each
    times = document.get("times")
    return Tracks(
        xy=np.stack([columns["x"], columns["y"]], -1).astype(np.float32),
        visibility=columns["visibility"].astype(np.float32),
        confidence=columns["confidence"].astype(np.float32),
        visible=columns["visible"] == 1,
        source=_sources(columns["source"]),
        disagreement=_disagreement(found, places),
        point_id=np.array(
            [member(t, "id", int, p) for t, p in zip(found, places, strict=True)]
        ),
        name=tuple(
            member(t, "name", str, p) for t, p in zip(found, places, strict=True)
        ),
        fps=_fps(document),
        size=_size(document),
        times=None if times is None else numbers(times, "times"),
    )


def _track(tracks: Tracks, n: int) -> dict[str, Any]:
    values = {
        "id": int(tracks.point_id[n]),
        "name": text(tracks.name[n]),
        "x": _shortest(tracks.xy[:, n, 0]),
        "y": _shortest(tracks.xy[:, n, 1]),
        "visible": tracks.visible[:, n].astype(int).tolist(),
        "visibility": _shortest(tracks.visibility[:, n]),
        "confidence": _shortest(tracks.confidence[:, n]),
        "source": tracks.source[:, n].tolist(),
    }
    if not np.isnan(tracks.disagreement).all():
        values["disagreement"] = _shortest(tracks.disagreement[:, n])
    return values


def _shortest(values: npt.NDArray[np.float32]) -> list[float | None]:
    return [None if np.isnan(value) else float(str(value)) for value in values]


def _stacked(found: list[Any], places: list[str], key: str) -> npt.NDArray[np.float64]:
    columns = [
        numbers(member(track, key, list, place), f"'{key}' of {place}")
        for track, place in zip(found, places, strict=True)
    ]
    lengths = {len(column) for column in columns}
    if len(lengths) > 1 or 0 in lengths:
        raise FormatError(
            f"The lists '{key}' have {', '.join(map(str, sorted(lengths)))} values; "
            "expected one value per frame in every track."
        )
    return np.stack(columns, axis=1)


def _disagreement(found: list[Any], places: list[str]) -> Any:
    if all("disagreement" not in track for track in found):
        return None
    return _stacked(found, places, "disagreement")


def _sources(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    if not np.isin(values, list(Source)).all():
        raise FormatError("'source' holds other values than 0, 1 and 2; correct them.")
    return values.astype(np.uint8)


def _fps(document: dict[str, Any]) -> float | None:
    fps = document.get("fps")
    return None if fps is None else float(member(document, "fps", float, "the file"))


def _size(document: dict[str, Any]) -> tuple[int, int]:
    size = numbers(member(document, "size", list, "the file"), "size")
    if size.shape != (2,) or (size < 0).any() or (size != np.round(size)).any():
        raise FormatError("'size' must be [height, width] in whole pixels; correct it.")
    return int(size[0]), int(size[1])


FORMAT = TracksFormat("json", "own JSON", (".json",), matches, read, write, ASPECTS)
