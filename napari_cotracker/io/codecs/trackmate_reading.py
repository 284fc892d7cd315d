"""Reading of TrackMate's XML; what is in the file is told in ``trackmate.py``."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows, leave_out_depth
from napari_cotracker.io.lineage import unbranched
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

OWN_TRACK = "COTRACKER_TRACK"
_LARGEST = 2**31 - 1
# Numbers of our own tracks; beyond this a float64 no longer holds every one.
_LARGEST_ID = 2**53
_PIXEL_UNITS = ("pixel", "pixels", "px", "")
# x, y, quality, visibility, source
_Values = tuple[float, float, float, float, float]


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        It is not TrackMate's XML, or holds no tracks.
    """
    root = _root(path)
    spots = {_whole(spot, "ID"): spot for spot in root.iter("Spot")}
    rows = []
    names: dict[int, str] = {}
    for point_id, name, chain in _chains(root, spots):
        names[point_id] = name
        rows += [
            (point_id, _whole(spots[s], "FRAME"), *_values(spots[s])) for s in chain
        ]
    if not rows:
        raise FormatError("It holds no tracks; run TrackMate's linking first.")
    table = np.array(rows, np.float64)
    leave_out_depth([_number(spot, "POSITION_Z", gaps=True) for spot in spots.values()])
    source = np.where(np.isnan(table[:, 6]), Source.MODEL, table[:, 6])
    n_frames, fps, size, pixel = _image(root)
    return Rows(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        table[:, 2:4] / pixel,
        names,
        {
            "confidence": table[:, 4],
            "visibility": table[:, 5],
            "source": source.astype(np.uint8),
        },
    ).to_tracks(n_frames, fps=fps, size=size)


def _root(path: Path) -> ET.Element:
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as error:
        raise FormatError(f"It is not whole XML ({error}).") from error
    if root.tag != "TrackMate":
        raise FormatError(f"It is XML of another kind (<{root.tag}>, not <TrackMate>).")
    return root


def _chains(
    root: ET.Element, spots: dict[int, ET.Element]
) -> Iterator[tuple[int, str, list[int]]]:
    """Give id, name and spots of every track."""
    frame_of = {number: _whole(spot, "FRAME") for number, spot in spots.items()}
    free = set(spots)
    used: set[int] = set()
    for name, edges in _tracks(root, spots):
        ordered = sorted({s for e in edges for s in e}, key=frame_of.__getitem__)
        free -= set(ordered)
        chains = unbranched({s: frame_of[s] for s in ordered}, edges)
        for number, chain in enumerate(chains, 1):
            part = name if len(chains) == 1 else f"{name} {number}"
            yield _identity([spots[s] for s in chain], part, used, chain)
    # TrackMate has no track of one spot; ours say what they belong to.
    for spot in sorted(free):
        if spots[spot].get(OWN_TRACK) is not None:
            yield _identity([spots[spot]], spots[spot].get("name", ""), used, [spot])


def _tracks(
    root: ET.Element, spots: dict[int, ET.Element]
) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Give name and edges of every track that was not filtered out."""
    kept = {
        _whole(each, "TRACK_ID") for each in root.iterfind(".//FilteredTracks/TrackID")
    }
    for track in root.iterfind(".//AllTracks/Track"):
        edges = [
            (_whole(e, "SPOT_SOURCE_ID"), _whole(e, "SPOT_TARGET_ID"))
            for e in track.iter("Edge")
        ]
        missing = {spot for edge in edges for spot in edge} - spots.keys()
        if missing:
            raise FormatError(f"An edge names spot {min(missing)}, which is not there.")
        if edges and (not kept or _whole(track, "TRACK_ID") in kept):
            yield track.get("name", f"Track_{track.get('TRACK_ID')}"), edges


def _identity(
    members: list[ET.Element], name: str, used: set[int], chain: list[int]
) -> tuple[int, str, list[int]]:
    """Return the number its spots state, if they agree and it is free; and the rest."""
    stated = {spot.get(OWN_TRACK) for spot in members}
    point_id = max(used, default=-1) + 1
    if len(stated) == 1 and None not in stated:
        own = _whole(members[0], OWN_TRACK, _LARGEST_ID)
        point_id = point_id if own in used else own
        name = members[0].get("name", name)
    used.add(point_id)
    return point_id, name, chain


def _values(spot: ET.Element) -> _Values:
    x, y = (_number(spot, f"POSITION_{axis}") for axis in "XY")
    if spot.get(OWN_TRACK) is None:
        # QUALITY of a detector has no upper limit, so it is no confidence.
        return x, y, np.nan, np.nan, np.nan
    scores = ("QUALITY", "COTRACKER_VISIBILITY", "COTRACKER_SOURCE")
    quality, visibility, source = (_number(spot, key, gaps=True) for key in scores)
    return x, y, quality, visibility, source


def _image(
    root: ET.Element,
) -> tuple[int | None, float | None, tuple[int, int], Any]:
    """Return number of frames, frame rate, frame size and pixel size (x, y)."""
    image = root.find(".//Settings/ImageData")
    model = root.find("Model")
    unit = "pixel" if model is None else model.get("spatialunits", "pixel")
    if image is None:
        if unit.lower() not in _PIXEL_UNITS:
            raise FormatError(
                f"Its positions are in {unit} and it has no <ImageData> with the pixel "
                "size; save it from TrackMate again."
            )
        return None, None, (0, 0), np.ones(2)
    size = (_whole(image, "height"), _whole(image, "width"))
    pixel = np.array([_number(image, key) for key in ("pixelwidth", "pixelheight")])
    if (pixel <= 0).any():
        raise FormatError(f"The pixel size is {pixel.tolist()}; expected more than 0.")
    interval = _number(image, "timeinterval", gaps=True)
    timed = "" if model is None else model.get("timeunits", "")
    in_seconds = timed.lower() in ("sec", "s", "second", "seconds") and interval > 0
    return _whole(image, "nframes"), 1 / interval if in_seconds else None, size, pixel


def _number(element: ET.Element, key: str, *, gaps: bool = False) -> float:
    value = element.get(key)
    try:
        number = float("nan" if value is None else value)
    except ValueError:
        number = np.inf
    if np.isinf(number) or (np.isnan(number) and not gaps):
        raise FormatError(
            f"<{element.tag}> number {element.get('ID', '?')} has {key} = {value!r}; "
            "expected a number."
        )
    return number


def _whole(element: ET.Element, key: str, most: int = _LARGEST) -> int:
    number = _number(element, key)
    if number != round(number) or abs(number) > most:
        raise FormatError(
            f"<{element.tag}> has {key} = {element.get(key)!r}; expected a whole "
            "number."
        )
    return int(number)
