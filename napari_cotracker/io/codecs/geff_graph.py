"""GEFF, the graph exchange file format of cell tracking: a zarr folder.

Every visible position is a node with t, y, x (frames from 0; pixels, (0, 0) = centre of
the top-left pixel), ``track_id``, ``visibility``, ``confidence`` and ``source``
(1 = model, 2 = manual); the nodes of a track are joined by directed edges in order of
time, over gaps too. Left out: occluded positions (a gap). Names, number of frames,
frame size and rate stand under ``extra`` of the metadata. Not held: times, and frame
rate for readers that do not know ``extra`` (t counts frames).
Files of others: nodes need an axis of type time and axes x and y; a division ends a
track and begins two; positions must be in pixels (an axis unit says so, or none).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.libraries import library
from napari_cotracker.io.lineage import unbranched

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

HOLDS = frozenset(
    {
        *("position", "visible", "visibility", "confidence", "source"),
        *("point_id", "name", "frames", "fps", "size"),
    }
)
EXTRA = "napari_cotracker"
_SCORES = ("visibility", "confidence", "source")


def matches(path: Path) -> bool:
    """Tell whether the folder is a zarr with GEFF's metadata."""
    if not path.is_dir():
        return False
    for name in (".zattrs", "zarr.json"):
        try:
            if '"geff"' in (path / name).read_text(encoding="utf-8"):
                return True
        except (OSError, UnicodeDecodeError):
            continue
    return False


def write(tracks: Tracks, path: Path) -> None:
    """Write the visible positions."""
    geff, spec = library("geff"), library("geff_spec")
    rows = Rows.of(tracks, occluded=False)
    scores: dict[str, Any] = dict(rows.scores)
    props = {
        "t": rows.frame,
        "y": rows.xy[:, 1],
        "x": rows.xy[:, 0],
        "track_id": rows.point_id,
        **{key: scores[key] for key in _SCORES},
    }
    same = rows.point_id[1:] == rows.point_id[:-1]
    first = np.flatnonzero(same)
    axes = [
        spec.Axis(name="t", type="time", unit="frame"),
        spec.Axis(name="y", type="space", unit="pixel"),
        spec.Axis(name="x", type="space", unit="pixel"),
    ]
    about = {
        "names": {str(i): name for i, name in rows.names.items()},
        "n_frames": tracks.n_frames,
        "fps": tracks.fps,
        "size": list(tracks.size),
    }
    geff.core_io.write_arrays(
        path,
        np.arange(len(rows), dtype=np.uint64),
        {key: {"values": values, "missing": None} for key, values in props.items()},
        np.column_stack([first, first + 1]).astype(np.uint64),
        {},
        geff.GeffMetadata(
            directed=True,
            axes=axes,
            node_props_metadata={},
            edge_props_metadata={},
            track_node_props={"tracklet": "track_id"},
            extra={EXTRA: about},
        ),
        overwrite=True,
    )


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        It is not GEFF, or its nodes have no time, x and y.
    """
    if not path.is_dir():
        raise FormatError(f"'{path.name}' is not a folder; GEFF is a folder of zarr.")
    graph = library("geff").core_io.read_to_memory(path)
    props, metadata = graph["node_props"], graph["metadata"]
    t, y, x = (_values(props, name) for name in _axes(metadata))
    frame = np.round(t).astype(np.int64)
    if not np.array_equal(frame, t):
        raise FormatError("Its times are not whole frames; expected t = 0, 1, 2, ...")
    track = _identities(graph, frame)
    about = (metadata.extra or {}).get(EXTRA, {})
    names = {int(i): name for i, name in about.get("names", {}).items()}
    height, width = about.get("size", (0, 0))
    ordered = np.lexsort((frame, track))
    return Rows(
        track[ordered],
        frame[ordered],
        np.column_stack([x, y])[ordered],
        names,
        {key: _values(props, key)[ordered] for key in _SCORES if _ours(props, about)},
    ).to_tracks(about.get("n_frames"), fps=about.get("fps"), size=(height, width))


def _axes(metadata: Any) -> tuple[str, str, str]:
    """Return the names of the axes of time, y and x."""
    axes = metadata.axes or []
    time = [axis.name for axis in axes if axis.type == "time"]
    space = [axis.name for axis in axes if axis.type == "space"]
    if not axes:
        time, space = ["t"], ["y", "x"]
    if len(time) != 1 or len(space) != 2:
        raise FormatError(
            f"Its axes are {[axis.name for axis in axes]}; expected one of time and "
            "two of space (points are followed in a plane)."
        )
    units = {axis.unit for axis in axes if axis.type == "space"} - {None}
    if not units <= {"pixel", "pixels", "px"}:
        raise FormatError(
            f"Its positions are in {', '.join(sorted(units))} and it does not tell the "
            "size of a pixel; expected pixels."
        )
    # named, they may come in any order
    x, y = ("x", "y") if {"x", "y"} == set(space) else (space[1], space[0])
    return time[0], y, x


def _values(props: Any, name: str) -> npt.NDArray[Any]:
    if name not in props:
        raise FormatError(
            f"Its nodes have no '{name}'; expected a time and a position."
        )
    missing = props[name].get("missing")
    if missing is not None and np.asarray(missing).any():
        raise FormatError(f"Some nodes have no '{name}'; expected one for each.")
    return np.asarray(props[name]["values"])


def _ours(props: Any, about: Any) -> bool:
    return bool(about) and all(key in props for key in _SCORES)


def _identities(graph: Any, frame: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the track of every node: as stated where unbranched, else by the edges."""
    nodes = graph["node_ids"].tolist()
    stated = (graph["metadata"].track_node_props or {}).get("tracklet")
    if stated is not None and stated in graph["node_props"]:
        track = _values(graph["node_props"], stated).astype(np.int64)
        return track
    index = {node: i for i, node in enumerate(nodes)}
    edges = [(index[a], index[b]) for a, b in graph["edge_ids"].tolist()]
    track = np.zeros(len(nodes), np.int64)
    order = np.argsort(frame, kind="stable").tolist()
    for number, chain in enumerate(
        unbranched({i: int(frame[i]) for i in order}, edges)
    ):
        track[chain] = number
    return track


FORMAT = TracksFormat(
    "geff",
    "GEFF graph (folder)",
    (".geff", ".zarr"),
    matches,
    read,
    write,
    HOLDS,
    folder=True,
)
