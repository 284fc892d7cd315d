"""SLEAP project files (``.slp``), through sleap-io.

Per individual and frame one predicted instance with all its points (x, y, score =
confidence, visible), and, where points were placed by hand, one user instance with all
its points, ``complete`` being set for those placed by hand. Frames count from 0; x and
y are pixels, (0, 0) = centre of the top-left pixel. Occluded points keep their
position, with ``visible`` off. Names "fly1/head" become instances of SLEAP tracks.
Number of frames and frame size stand in the video's shape; the video itself is named
"video.mp4" for SLEAP to ask for. Not held: visibility, the numbers of tracks, frame
rate and times, unknown frames at the end where the frame size is not known.
In files of others every point of a user instance counts as placed by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.io.libraries import library
from napari_cotracker.io.naming import NOBODY, Layout, distinct_names, join
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from napari_cotracker.tracks import Tracks

HOLDS = frozenset(
    {
        *("position", "occluded position", "visible", "source"),
        *("confidence", "occluded confidence", "size"),
    }
)
VIDEO = "video.mp4"
SOFTWARE = "napari-cotracker"


def matches(path: Path) -> bool:
    """Tell whether the HDF5 file is a SLEAP project."""
    try:
        with library("h5py").File(path, "r") as file:
            return "metadata" in file and "instances" in file
    except (OSError, FormatError):
        return False


def write(tracks: Tracks, path: Path) -> None:
    """Write every known position."""
    sio = library("sleap_io")
    layout = Layout.of(distinct_names(tracks))
    skeleton = sio.Skeleton(nodes=list(layout.parts), name="points")
    animals = [
        None if name == NOBODY else sio.Track(name) for name in layout.individuals
    ]
    video = sio.Video(VIDEO, open_backend=False)
    if tracks.size != (0, 0):
        video.backend_metadata["shape"] = (tracks.n_frames, *tracks.size, 3)
    frames = []
    for frame in range(tracks.n_frames):
        instances = [
            instance
            for i, animal in enumerate(animals)
            for instance in _instances(sio, tracks, frame, layout, i, skeleton, animal)
        ]
        if instances:
            frames.append(sio.LabeledFrame(video, frame, instances))
    labels = sio.Labels(
        frames,
        videos=[video],
        skeletons=[skeleton],
        tracks=[animal for animal in animals if animal is not None],
        provenance={"source": SOFTWARE},
    )
    sio.save_slp(labels, str(path), embed=False, verbose=False)


def read(path: Path) -> Tracks:
    """Read tracks; points of user instances count as placed by hand.

    Raises
    ------
    FormatError
        It holds several videos or no points, or instances of which it is not known
        which belong together over time.
    """
    if not matches(path):
        raise FormatError("It is not a project file of SLEAP, or it is damaged.")
    labels = library("sleap_io").load_slp(str(path), open_videos=False)
    videos = {id(frame.video) for frame in labels.labeled_frames}
    if len(videos) > 1:
        raise FormatError(
            f"It holds points of {len(videos)} videos; keep one (SLEAP: remove video)."
        )
    points = _points(labels)
    if not points:
        raise FormatError("It holds no points; expected at least one.")
    names = dict.fromkeys([*_names_in_order(labels), *(name for name, _ in points)])
    order = {name: n for n, name in enumerate(names)}
    found = sorted(points.values(), key=lambda p: (order[p.name], p.frame))
    frame = np.array([p.frame for p in found], np.int64)
    n_frames, size = _shape(labels)
    if n_frames is not None and frame.max() >= n_frames:
        n_frames = None
    return Rows(
        np.array([order[p.name] for p in found]),
        frame,
        np.array([p.xy for p in found]),
        {n: name for name, n in order.items()},
        {
            "visible": np.array([p.visible for p in found]),
            "confidence": np.array([p.score for p in found]),
            "source": np.array([p.source for p in found], np.uint8),
        },
    ).to_tracks(n_frames, size=size)


def _instances(
    sio: Any,
    tracks: Tracks,
    frame: int,
    layout: Layout,
    individual: int,
    skeleton: Any,
    animal: Any,
) -> Iterator[Any]:
    columns = [n for n, (i, _) in enumerate(layout.place) if i == individual]
    nodes = [layout.place[n][1] for n in columns]
    known = tracks.source[frame, columns] != Source.EMPTY
    known &= np.isfinite(tracks.xy[frame, columns]).all(axis=-1)
    if not known.any():
        return
    manual = tracks.source[frame, columns] == Source.MANUAL

    def points(kind: Any, chosen: npt.NDArray[np.bool_]) -> Any:
        array = kind.empty(len(skeleton.nodes))
        array["name"] = skeleton.node_names
        array["xy"], array["visible"], array["complete"] = np.nan, False, False
        mine = np.array(nodes)[chosen]
        array["xy"][mine] = tracks.xy[frame, columns][chosen]
        array["visible"][mine] = tracks.visible[frame, columns][chosen]
        array["complete"][mine] = manual[chosen]
        return array

    instance = library("sleap_io.model.instance")
    predicted = points(instance.PredictedPointsArray, known)
    score = tracks.confidence[frame, columns].astype(np.float64)
    predicted["score"][np.array(nodes)[known]] = score[known]
    one = sio.PredictedInstance(
        predicted, skeleton, track=animal, score=float(np.nanmean(score[known]))
    )
    yield one
    if (manual & known).any():
        # All of them: readers that find a user instance leave out the predicted one.
        placed = points(instance.PointsArray, known)
        yield sio.Instance(placed, skeleton, track=animal, from_predicted=one)


@dataclass(frozen=True)
class _Point:
    name: str
    frame: int
    xy: tuple[float, float]
    visible: bool
    score: float
    source: Source


def _points(labels: Any) -> dict[tuple[str, int], _Point]:
    """Return the points by name and frame; user instances win over predicted ones."""
    predicted_kind = library("sleap_io").PredictedInstance
    ours = labels.provenance.get("source") == SOFTWARE
    predicted: dict[tuple[str, int], _Point] = {}
    placed: dict[tuple[str, int], _Point] = {}
    for labeled in labels.labeled_frames:
        taken = set()
        for instance in labeled.instances:
            is_user = not isinstance(instance, predicted_kind)
            animal = NOBODY if instance.track is None else instance.track.name
            if (animal, is_user) in taken:
                raise _ambiguous(labeled.frame_idx, instance.track)
            taken.add((animal, is_user))
            for point in _points_of(instance, animal, int(labeled.frame_idx)):
                key = point.name, point.frame
                if not is_user:
                    predicted[key] = point
                elif not ours or point.source == Source.MANUAL:
                    placed[key] = replace(point, score=1.0, source=Source.MANUAL)
    for key, point in placed.items():
        before = predicted.get(key)
        # not moved by hand since, so the score still belongs to it
        if ours and before is not None and before.xy == point.xy:
            placed[key] = replace(point, score=before.score)
    return predicted | placed


def _ambiguous(frame: int, track: Any) -> FormatError:
    which = "without a track" if track is None else f"of track '{track.name}'"
    return FormatError(
        f"Frame {frame} has two instances {which}, so it is not known which points "
        "belong together over time; assign tracks in SLEAP."
    )


def _points_of(instance: Any, animal: str, frame: int) -> Iterator[_Point]:
    points = instance.points
    count = len(points)
    scores = points["score"] if "score" in points.dtype.names else np.ones(count)
    known = np.isfinite(points["xy"]).all(axis=-1).tolist()
    columns = (
        points["name"].tolist(),
        points["xy"].tolist(),
        points["visible"].tolist(),
        points["complete"].tolist(),
        scores.tolist(),
        known,
    )
    for part, (x, y), visible, complete, score, there in zip(*columns, strict=True):
        if there:
            # "complete": a person has placed or confirmed it.
            source = Source.MANUAL if complete else Source.MODEL
            name = join(animal, str(part))
            yield _Point(name, frame, (x, y), visible, score, source)


def _names_in_order(labels: Any) -> Iterator[str]:
    individuals = [track.name for track in labels.tracks] or [NOBODY]
    if len(individuals) == 1:
        for skeleton in labels.skeletons:
            for node in skeleton.node_names:
                yield join(individuals[0], node)


def _shape(labels: Any) -> tuple[int | None, tuple[int, int]]:
    shape = labels.videos[0].backend_metadata.get("shape") if labels.videos else None
    if not shape or len(shape) != 4 or None in shape:
        return None, (0, 0)
    return int(shape[0]), (int(shape[1]), int(shape[2]))


FORMAT = TracksFormat(
    "slp", "SLEAP project (.slp)", (".slp",), matches, read, write, HOLDS
)
