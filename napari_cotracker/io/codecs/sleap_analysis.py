"""SLEAP's analysis HDF5: arrays over all frames.

``tracks (individual, 2, node, frame)``, ``point_scores (individual, node, frame)``,
``track_occupancy (frame, individual)``, ``node_names``, ``track_names``. Frames count
from 0; x and y are pixels, (0, 0) = centre of the top-left pixel (SLEAP 1.1 or later).
Occluded positions are left out (NaN), as SLEAP does; the score is the confidence. Names
"fly1/head" become individuals. Not held: occluded positions, visibility, which points
were placed by hand, the numbers of tracks, frame rate, times and frame size.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import from_grid, visible_cells
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.libraries import library
from napari_cotracker.io.naming import NOBODY, Layout, distinct_names, join

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

HOLDS = frozenset({"position", "visible", "confidence", "frames"})
DIMS = ("track", "xy", "node", "frame")
_CANONICAL = ("frame", "track", "node", "xy")


def matches(path: Path) -> bool:
    """Tell whether the file has the arrays."""
    try:
        with library("h5py").File(path, "r") as file:
            return "tracks" in file and "node_names" in file
    except (OSError, FormatError):
        return False


def write(tracks: Tracks, path: Path) -> None:
    """Write the visible positions.

    Raises
    ------
    FormatError
        No position is visible.
    """
    layout = Layout.of(distinct_names(tracks))
    shape = (len(layout.individuals), 2, len(layout.parts), tracks.n_frames)
    xy = np.full(shape, np.nan)
    score = np.full((shape[0], shape[2], shape[3]), np.nan)
    seen = visible_cells(tracks)
    for n, (i, p) in enumerate(layout.place):
        xy[i, :, p] = np.where(seen[:, n, None], tracks.xy[:, n], np.nan).T
        score[i, p] = np.where(seen[:, n], tracks.confidence[:, n], np.nan)
    there = np.isfinite(xy[:, 0]).any(axis=1)  # (individual, frame)
    mean = np.where(there, np.nansum(score, axis=1), np.nan)
    mean /= np.maximum(np.isfinite(score).sum(axis=1), 1)
    text = library("h5py").string_dtype()
    with library("h5py").File(path, "w") as file:
        arrays = {
            "tracks": (xy, DIMS),
            "point_scores": (score, ("track", "node", "frame")),
            "instance_scores": (mean, ("track", "frame")),
            "tracking_scores": (mean, ("track", "frame")),
            "track_occupancy": (there.T.astype(np.uint8), ("frame", "track")),
        }
        for key, (values, dims) in arrays.items():
            made = file.create_dataset(key, data=values, compression="gzip")
            made.attrs["dims"] = json.dumps(dims)
        names = layout.individuals if layout.has_individuals else ()
        file.create_dataset("track_names", data=list(names), dtype=text)
        file.create_dataset("node_names", data=list(layout.parts), dtype=text)
        file.create_dataset("edge_names", shape=(0, 2), dtype=text)
        file.create_dataset("edge_inds", shape=(0, 2), dtype=np.int64)
        file.create_dataset("labels_path", data="", dtype=text)
        file.create_dataset("video_path", data="", dtype=text)
        file.create_dataset("video_ind", data=0)
        file.create_dataset("provenance", data="{}", dtype=text)
        file.attrs["format"] = "analysis"
        file.attrs["preset"] = "matlab"


def read(path: Path) -> Tracks:
    """Read tracks.

    Raises
    ------
    FormatError
        Arrays are missing or do not belong together.
    """
    with library("h5py").File(path, "r") as file:
        missing = [key for key in ("tracks", "node_names") if key not in file]
        if missing:
            raise FormatError(f"It has no '{missing[0]}'; it is no analysis file.")
        dims = _dims(file["tracks"])
        xy = _ordered(file["tracks"], dims, _CANONICAL)
        nodes = _texts(file["node_names"])
        individuals = _texts(file["track_names"]) if "track_names" in file else []
        scores = None
        if "point_scores" in file:
            order = [d for d in dims if d != "xy"]
            scores = _ordered(file["point_scores"], order, _CANONICAL[:3])
    n_frames, n_individuals, n_nodes = xy.shape[:3]
    if len(individuals) != n_individuals:
        individuals = [NOBODY] if n_individuals == 1 else []
        individuals = individuals or [f"track_{i}" for i in range(n_individuals)]
    if len(nodes) != n_nodes or xy.shape[3] != 2:
        raise FormatError(
            f"'tracks' has shape {xy.shape} (frame, track, node, xy), but there are "
            f"{len(nodes)} node names; expected one name per node."
        )
    names = tuple(join(i, n) for i in individuals for n in nodes)
    wide = (n_frames, len(names))
    kept = np.isfinite(xy).any(axis=(0, 3)).ravel() | (n_individuals == 1)
    if not kept.any():
        raise FormatError("It holds no position.")
    return from_grid(
        xy.reshape(*wide, 2)[:, kept],
        tuple(name for name, keep in zip(names, kept, strict=True) if keep),
        confidence=None if scores is None else scores.reshape(wide)[:, kept],
    )


def _dims(dataset: Any) -> list[str]:
    if dataset.ndim != len(DIMS):
        raise FormatError(
            f"'tracks' has shape {dataset.shape}; expected (track, 2, node, frame)."
        )
    stated = dataset.attrs.get("dims")
    return list(DIMS) if stated is None else list(json.loads(stated))


def _ordered(
    dataset: Any, dims: list[str], wanted: tuple[str, ...]
) -> npt.NDArray[np.float64]:
    if "dims" in dataset.attrs:
        dims = list(json.loads(dataset.attrs["dims"]))
    return np.asarray(dataset[:], np.float64).transpose([dims.index(d) for d in wanted])


def _texts(dataset: Any) -> list[str]:
    return [
        value.decode() if isinstance(value, bytes) else str(value)
        for value in np.asarray(dataset[:]).ravel()
    ]


FORMAT = TracksFormat(
    "sleap-h5",
    "SLEAP analysis HDF5",
    (".analysis.h5", ".h5", ".hdf5"),
    matches,
    read,
    write,
    HOLDS,
)
