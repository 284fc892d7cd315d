"""NWB with the ndx-pose extension: one ``PoseEstimation`` per individual.

In the processing module "behavior": a ``PoseEstimationSeries`` per track with data
(frame, 2) of every known position, NaN where unknown, in pixels, (0, 0) = centre of the
top-left pixel, and ``confidence``; **0 marks an occluded point**. Timestamps are the
true times of the frames in seconds, where known; else rate and starting time 0; where
the frame rate is not known either, one second stands for a frame (the comments say so).
The module "napari_cotracker" keeps what ndx-pose has no place for: (frame, track)
series of visibility, confidence, source and disagreement, a table of names and numbers
of tracks, and one of frame rate and frame size.
Not held: when the recording began (the time of writing stands in its place).
Files of others: a confidence below 0.5 counts as occluded.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.codecs.nwb_reading import (
    OWN_MODULE,
    RECORDING,
    SCORES,
    TABLE,
    UNTIMED,
    read,
)
from napari_cotracker.io.compare import ASPECTS
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.libraries import library
from napari_cotracker.io.naming import NOBODY, distinct_names, split
from napari_cotracker.io.single_score import to_score
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

HOLDS = ASPECTS - {"blank"}
_MEANING = "confidence of the position; 0 where the point is occluded"
_REFERENCE = "(0, 0) is the centre of the top-left pixel; x to the right, y down"


def matches(path: Path) -> bool:
    """Tell whether the HDF5 file is NWB."""
    try:
        with library("h5py").File(path, "r") as file:
            return "nwb_version" in file.attrs
    except (OSError, FormatError):
        return False


def write(tracks: Tracks, path: Path) -> None:
    """Write every known position."""
    pynwb, ndx_pose = library("pynwb"), library("ndx_pose")
    file = pynwb.NWBFile(
        session_description="Points tracked by napari-cotracker; the session start is "
        "the time of writing.",
        identifier=str(uuid.uuid4()),
        session_start_time=datetime.now().astimezone(),
    )
    behavior = file.create_processing_module("behavior", "Tracked points.")
    timing = _timing(tracks)
    places = _places(tracks)
    skeletons = []
    for container in dict.fromkeys(container for container, _ in places):
        columns = [n for n, place in enumerate(places) if place[0] == container]
        parts = [places[n][1] for n in columns]
        skeleton = ndx_pose.Skeleton(name=f"{container} skeleton", nodes=parts)
        skeletons.append(skeleton)
        series = [
            _series(ndx_pose, tracks, n, part, timing)
            for n, part in zip(columns, parts, strict=True)
        ]
        behavior.add(_container(ndx_pose, container, series, skeleton))
    behavior.add(ndx_pose.Skeletons(skeletons=skeletons))
    _add_own_module(file, tracks, places, timing)
    with pynwb.NWBHDF5IO(str(path), "w") as out:
        out.write(file)


def _timing(tracks: Tracks) -> dict[str, Any]:
    if tracks.times is not None:
        return {"timestamps": tracks.times}
    if tracks.fps:
        return {"starting_time": 0.0, "rate": float(tracks.fps)}
    return {"starting_time": 0.0, "rate": 1.0, "comments": UNTIMED}


def _places(tracks: Tracks) -> list[tuple[str, str]]:
    """Return the container and the series of every track, in names that NWB takes."""
    taken: set[tuple[str, str]] = set()
    places = []
    for name in distinct_names(tracks):
        individual, part = (each.translate(_FORBIDDEN) for each in split(name))
        container = "PoseEstimation" if individual == NOBODY else individual
        # In HDF5 "." is the place itself.
        container = "._" if container == "." else container
        while (container, part) in taken or part in (container, "."):
            part += "_"
        taken.add((container, part))
        places.append((container, part))
    return places


_FORBIDDEN = str.maketrans("/:", "__")


def _series(
    ndx_pose: Any, tracks: Tracks, n: int, name: str, timing: dict[str, Any]
) -> Any:
    known = tracks.source[:, n] != Source.EMPTY
    return ndx_pose.PoseEstimationSeries(
        name=name,
        description=tracks.name[n] or "no name",
        data=np.where(known[:, None], tracks.xy[:, n], np.nan).astype(np.float32),
        confidence=np.where(known, to_score(tracks)[:, n], np.nan).astype(np.float32),
        confidence_definition=_MEANING,
        reference_frame=_REFERENCE,
        **timing,
    )


def _container(ndx_pose: Any, name: str, series: list[Any], skeleton: Any) -> Any:
    return ndx_pose.PoseEstimation(
        name=name,
        pose_estimation_series=series,
        skeleton=skeleton,
        description="Points followed by CoTracker and corrected by hand.",
        scorer="napari-cotracker",
        source_software="napari-cotracker",
    )


def _add_own_module(
    file: Any, tracks: Tracks, places: list[tuple[str, str]], timing: dict[str, Any]
) -> None:
    pynwb, common = library("pynwb"), library("hdmf.common")
    module = file.create_processing_module(
        OWN_MODULE, "What napari-cotracker knows of the tracks beyond their positions."
    )
    for key in SCORES:
        module.add(
            pynwb.TimeSeries(
                name=key,
                description=f"{key} of every frame (first axis) and track (second)",
                data=getattr(tracks, key),
                unit="n.a.",
                **timing,
            )
        )
    columns = {
        "point_id": tracks.point_id.tolist(),
        "track_name": list(tracks.name),
        "container": [container for container, _ in places],
        "series": [series for _, series in places],
    }
    height, width = tracks.size
    recording = {
        "frame_rate": [np.nan if tracks.fps is None else float(tracks.fps)],
        "height": [height],
        "width": [width],
    }
    for name, about, values in (
        (TABLE, "The tracks, in the order of the second axis of the series.", columns),
        (RECORDING, "The recording: frames per second and pixels.", recording),
    ):
        cells = [
            common.VectorData(name=key, description=key, data=value)
            for key, value in values.items()
        ]
        module.add(common.DynamicTable(name=name, description=about, columns=cells))


FORMAT = TracksFormat("nwb", "NWB (ndx-pose)", (".nwb",), matches, read, write, HOLDS)
