"""TrackMate's XML: spots, the edges between them, and tracks.

Every visible position is a spot (ID, FRAME from 0, POSITION_X/Y in pixels, (0, 0) =
centre of the top-left pixel, POSITION_T in seconds where the frame rate is known, else
frames; QUALITY = confidence); the spots of a track are joined in order of time, over
gaps too. Spots carry the track's name; ``COTRACKER_TRACK``, ``_VISIBILITY`` and
``_SOURCE`` are declared as further features. Left out: occluded positions (a gap), and
with them their scores; times that are not evenly spaced. ImageData hold frame size,
number of frames and frame interval.
Files of others: positions are divided by ``pixelwidth``; only spots of tracks in
FilteredTracks are taken; a division ends a track and begins two ("Track_3 a", ...).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows
from napari_cotracker.io.codecs.trackmate_reading import OWN_TRACK, read
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.table import texts

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

HOLDS = frozenset(
    {
        *("position", "visible", "visibility", "confidence", "source"),
        *("point_id", "name", "frames", "size"),
    }
)
VERSION = "7.14.0"
# name, what it is, is a whole number, dimension
SPOT_FEATURES = (
    ("QUALITY", "Quality", False, "QUALITY"),
    ("POSITION_X", "X", False, "POSITION"),
    ("POSITION_Y", "Y", False, "POSITION"),
    ("POSITION_Z", "Z", False, "POSITION"),
    ("POSITION_T", "T", False, "TIME"),
    ("FRAME", "Frame", True, "NONE"),
    ("RADIUS", "Radius", False, "LENGTH"),
    ("VISIBILITY", "Visibility", True, "NONE"),
    (OWN_TRACK, "Track number", True, "NONE"),
    ("COTRACKER_VISIBILITY", "Belief that it is seen", False, "NONE"),
    ("COTRACKER_SOURCE", "1 = model, 2 = by hand", True, "NONE"),
)
_HEAD = 2000
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def matches(path: Path) -> bool:
    """Tell whether the file begins as TrackMate's do."""
    try:
        with path.open("rb") as file:
            return b"<TrackMate" in file.read(_HEAD)
    except OSError:
        return False


def write(tracks: Tracks, path: Path) -> None:
    """Write the visible positions."""
    rows = Rows.of(tracks, occluded=False)
    root = ET.Element("TrackMate", version=VERSION)
    units = {
        "spatialunits": "pixel",
        "timeunits": "sec" if tracks.fps else "frame",
    }
    model = ET.SubElement(root, "Model", units)
    _declare(ET.SubElement(model, "FeatureDeclarations"))
    interval = 1 / tracks.fps if tracks.fps else 1.0
    _write_spots(ET.SubElement(model, "AllSpots"), rows, interval)
    _write_tracks(model, rows)
    settings = ET.SubElement(root, "Settings")
    height, width = tracks.size
    ET.SubElement(
        settings,
        "ImageData",
        filename="",
        folder="",
        width=str(width),
        height=str(height),
        nslices="1",
        nframes=str(tracks.n_frames),
        pixelwidth="1.0",
        pixelheight="1.0",
        voxeldepth="1.0",
        timeinterval=repr(interval),
    )
    ET.indent(root)
    try:
        ET.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)
    except ValueError as error:
        raise FormatError(
            f"A name cannot be written as XML ({error}); rename that track."
        ) from error


def _declare(declarations: ET.Element) -> None:
    spots = ET.SubElement(declarations, "SpotFeatures")
    for name, label, whole, dimension in SPOT_FEATURES:
        ET.SubElement(
            spots,
            "Feature",
            feature=name,
            name=label,
            shortname=label,
            dimension=dimension,
            isint=str(whole).lower(),
        )
    ET.SubElement(declarations, "EdgeFeatures")
    ET.SubElement(declarations, "TrackFeatures")


def _write_spots(parent: ET.Element, rows: Rows, interval: float) -> None:
    parent.set("nspots", str(len(rows)))
    scores: dict[str, Any] = dict(rows.scores)
    x, y = texts(rows.xy[:, 0]), texts(rows.xy[:, 1])
    quality, visibility = texts(scores["confidence"]), texts(scores["visibility"])
    frame, group = -1, parent
    for i in np.argsort(rows.frame, kind="stable").tolist():
        if rows.frame[i] != frame:
            frame = int(rows.frame[i])
            group = ET.SubElement(parent, "SpotsInFrame", frame=str(frame))
        values = {
            "ID": str(i),
            "name": _checked(rows.names[int(rows.point_id[i])]),
            "QUALITY": quality[i] or "NaN",
            "POSITION_X": x[i],
            "POSITION_Y": y[i],
            "POSITION_Z": "0.0",
            "POSITION_T": repr(frame * interval),
            "FRAME": str(frame),
            "RADIUS": "2.5",
            "VISIBILITY": "1",
            OWN_TRACK: str(rows.point_id[i]),
            "COTRACKER_VISIBILITY": visibility[i] or "NaN",
            "COTRACKER_SOURCE": str(scores["source"][i]),
        }
        ET.SubElement(group, "Spot", values)


def _write_tracks(model: ET.Element, rows: Rows) -> None:
    everything = ET.SubElement(model, "AllTracks")
    kept = ET.SubElement(model, "FilteredTracks")
    for number, point_id in enumerate(dict.fromkeys(rows.point_id.tolist())):
        spots = np.flatnonzero(rows.point_id == point_id).tolist()
        track = ET.SubElement(
            everything,
            "Track",
            name=_checked(rows.names[point_id]),
            TRACK_ID=str(number),
            TRACK_INDEX=str(number),
            NUMBER_SPOTS=str(len(spots)),
        )
        for one, two in pairwise(spots):
            ET.SubElement(
                track, "Edge", SPOT_SOURCE_ID=str(one), SPOT_TARGET_ID=str(two)
            )
        ET.SubElement(kept, "TrackID", TRACK_ID=str(number))


def _checked(name: str) -> str:
    # The library writes what no XML reader takes.
    if _NOT_XML.search(name):
        raise FormatError(f"The name {name!r} cannot be written as XML; rename it.")
    return name


FORMAT = TracksFormat(
    "trackmate",
    "TrackMate XML",
    (".xml",),
    matches,
    read,
    write,
    HOLDS,
)
