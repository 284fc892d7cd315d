"""TrackMate's table of spots, as "Export to CSV" of version 7 writes it.

Columns LABEL, ID, TRACK_ID, QUALITY, POSITION_X, _Y, _Z, _T, FRAME, RADIUS, VISIBILITY
under four header lines (names, labels, short labels, units); ``COTRACKER_VISIBILITY``
and ``_SOURCE`` follow. FRAME counts from 0; positions are pixels, (0, 0) = centre of
the top-left pixel; LABEL is the track's name, QUALITY the confidence. Occluded
positions are left out. Not held: frame rate (times are frames), times, frame size and
frames after the last visible position.
Files of others must be in pixels, since the table does not tell the pixel size; rows
without TRACK_ID are spots of no track and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows, leave_out_depth
from napari_cotracker.io.codecs.long_csv import HOLDS
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.table import (
    Table,
    csv_header,
    is_number,
    read_table,
    texts,
    write_table,
)
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

# name, label, short label, unit
COLUMNS = (
    ("LABEL", "Label", "Label", ""),
    ("ID", "Spot ID", "Spot ID", ""),
    ("TRACK_ID", "Track ID", "Track ID", ""),
    ("QUALITY", "Quality", "Quality", "(quality)"),
    ("POSITION_X", "X", "X", "(pixel)"),
    ("POSITION_Y", "Y", "Y", "(pixel)"),
    ("POSITION_Z", "Z", "Z", "(pixel)"),
    ("POSITION_T", "T", "T", "(frame)"),
    ("FRAME", "Frame", "Frame", ""),
    ("RADIUS", "Radius", "R", "(pixel)"),
    ("VISIBILITY", "Visibility", "Visibility", ""),
    ("COTRACKER_VISIBILITY", "Belief that it is seen", "Belief", ""),
    ("COTRACKER_SOURCE", "1 = model, 2 = by hand", "Source", ""),
)
REQUIRED = ("TRACK_ID", "POSITION_X", "POSITION_Y", "FRAME")
_PIXEL_UNITS = ("pixel", "pixels", "px", "")


def matches(path: Path) -> bool:
    """Tell whether the header is TrackMate's."""
    return {"TRACK_ID", "POSITION_X"} <= set(csv_header(path))


def write(tracks: Tracks, path: Path) -> None:
    """Write the visible positions."""
    rows = Rows.of(tracks, occluded=False)
    scores: dict[str, Any] = dict(rows.scores)
    ids, frames = rows.point_id.tolist(), rows.frame.tolist()
    count = len(rows)
    cells = (
        [rows.names[i] for i in ids],
        range(count),
        ids,
        texts(scores["confidence"]),
        texts(rows.xy[:, 0]),
        texts(rows.xy[:, 1]),
        ["0.0"] * count,
        [str(float(frame)) for frame in frames],
        frames,
        ["2.5"] * count,
        [1] * count,
        texts(scores["visibility"]),
        scores["source"].tolist(),
    )
    heads = zip(*COLUMNS, strict=True)
    write_table(path, [*heads, *zip(*cells, strict=True)])


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        It is not TrackMate's table, or not in pixels.
    """
    table = _linked(_without_heads(read_table(path, REQUIRED)))
    track, frame = table.integers("TRACK_ID"), table.frames("FRAME")
    table.refuse_duplicates(track, frame, "TRACK_ID")
    xy = np.column_stack([table.numbers(f"POSITION_{axis}") for axis in "XY"])
    if "POSITION_Z" in table.columns:
        leave_out_depth(table.numbers("POSITION_Z", gaps=True))
    scores: dict[str, Any] = {}
    if "COTRACKER_SOURCE" in table.columns:
        scores = {
            "confidence": table.numbers("QUALITY", gaps=True),
            "visibility": table.numbers("COTRACKER_VISIBILITY", gaps=True),
            "source": table.choices("COTRACKER_SOURCE", (Source.MODEL, Source.MANUAL)),
        }
    return Rows(track, frame, xy, _names(table, track), scores).to_tracks()


def _without_heads(table: Table) -> Table:
    """Drop the header lines after the first, and check the units in them."""
    cells = table.columns["POSITION_X"]
    heads = 0
    while heads < min(3, len(cells)) and not is_number(cells[heads]):
        heads += 1
    if heads:
        unit = cells[heads - 1].strip("() ").lower()
        if heads == 3 and unit not in _PIXEL_UNITS:
            raise FormatError(
                f"'{table.path.name}' is in {unit} and does not tell the size of a "
                "pixel; use TrackMate's XML, or export it from an image in pixels."
            )
    return table.rows(slice(heads, None))


def _linked(table: Table) -> Table:
    """Keep the spots that belong to a track."""
    return table.rows(
        [
            i
            for i, cell in enumerate(table.columns["TRACK_ID"])
            if cell not in ("", "None")
        ]
    )


def _names(table: Table, track: Any) -> dict[int, str]:
    """Name tracks by the label of their spots, if all have the same."""
    labels: dict[int, set[str]] = {}
    for point_id, label in zip(
        track.tolist(), table.columns.get("LABEL", [""] * len(table)), strict=True
    ):
        labels.setdefault(point_id, set()).add(label)
    if any(len(found) > 1 or "" in found for found in labels.values()):
        if "COTRACKER_SOURCE" not in table.columns:
            return {point_id: f"Track_{point_id}" for point_id in labels}
    # Spots of TrackMate are called ID12345, so tracks of one spot are left with that.
    return {point_id: min(found) for point_id, found in labels.items()}


FORMAT = TracksFormat(
    "trackmate-csv",
    "TrackMate CSV (spots)",
    (".trackmate.csv", ".csv"),
    matches,
    read,
    write,
    HOLDS,
)
