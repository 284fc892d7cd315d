"""Tracks as layers of their own and back, for napari's Open and Save.

The layers of a file are independent of a run: a Points layer with every known position
(features ``track_id, name, source, visible, visibility, confidence``; hollow where
occluded) and a Tracks layer with the visible ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.io.building import Rows as FileRows
from napari_cotracker.tracks import Tracks
from napari_cotracker.widgets.layers.coordinates import PixelAxes, from_txy
from napari_cotracker.widgets.layers.layer_looks import METADATA_KEY, point_size
from napari_cotracker.widgets.layers.rows import Rows, colours_of, features_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.types import LayerDataTuple

# What layers cannot hold, in their metadata; written and read here.
FILE_KEY = "napari_cotracker_file"
FEATURES = ("visible", "visibility", "confidence", "source")
_AXES = ("t", "y", "x")
_USUAL_SIZE = (480, 640)


def layers_of(tracks: Tracks, name: str) -> list[LayerDataTuple]:
    """Return a Points and, where anything is visible, a Tracks layer."""
    rows = Rows.of(tracks, (0, tracks.n_frames - 1))
    features = features_of(tracks, rows)
    features["visible"] = tracks.visible[rows.frame, rows.column]
    face, border = colours_of(tracks, rows)
    facts = {
        "fps": tracks.fps,
        "size": tracks.size,
        "times": tracks.times,
        "n_frames": tracks.n_frames,
    }
    about = {"axis_labels": _AXES, "metadata": {FILE_KEY: facts}}
    look: dict[str, Any] = {
        "name": name,
        "features": features,
        "face_color": face,
        "border_color": border,
        "size": point_size(_USUAL_SIZE if tracks.size == (0, 0) else tracks.size),
    }
    data = rows.data(PixelAxes(3))
    found: list[LayerDataTuple] = [(data, {**look, **about}, "points")]
    seen = np.flatnonzero(features["visible"])
    if len(seen):
        order = seen[np.lexsort((rows.frame[seen], rows.point_id[seen]))]
        trails = np.column_stack([rows.point_id[order], data[order]])
        kept = features.iloc[order].reset_index(drop=True)
        of_trails = {"name": f"{name} trails", "features": kept}
        found.insert(0, (trails, {**of_trails, **about}, "tracks"))
    return found


def points_layer(queries_txy: npt.ArrayLike, names: tuple[str, ...], name: str) -> Any:
    """Return a Points layer of anchors."""
    look = {"name": name, "features": {"name": list(names)}, "axis_labels": _AXES}
    look["feature_defaults"] = {"name": ""}  # a point that is added is a new track
    return from_txy(queries_txy, PixelAxes(3)), look, "points"


def tracks_of_points(data: npt.ArrayLike, meta: dict[str, Any]) -> Tracks:
    """Read tracks out of a Points layer: all that a run knows, if it is of a run.

    Rows belong together by the feature ``track_id``, else by ``name`` or ``label``,
    else every point is a track.

    Raises
    ------
    InputError
        The layer has no axis of time, or points in several planes.
    FormatError
        Two points of one track lie on one frame.
    """
    whole = _of_a_run(meta)
    if whole is not None:
        return whole
    rows = np.asarray(data, np.float64)
    features = _features(meta)
    ids, names = _identities(features, len(rows))
    return _from_rows(rows, ids, names, features, meta)


def tracks_of_trails(data: npt.ArrayLike, meta: dict[str, Any]) -> Tracks:
    """Read tracks out of a Tracks layer.

    Raises
    ------
    InputError
        The layer has points in several planes.
    """
    whole = _of_a_run(meta)
    if whole is not None:
        return whole
    if METADATA_KEY in meta.get("metadata", {}):
        raise InputError(
            f"'{meta.get('name')}' shows only a part of the tracks; save the Points "
            "layer of the same run, which stands for all of them."
        )
    rows = np.asarray(data, np.float64)
    features = _features(meta)
    ids = rows[:, 0].astype(np.int64)
    names = {}
    if "name" in features:
        names = dict(zip(ids.tolist(), map(str, features["name"]), strict=True))
    return _from_rows(rows[:, 1:], ids, names, features, meta)


def _features(meta: dict[str, Any]) -> dict[str, Any]:
    features = meta.get("features")
    return {} if features is None else dict(features)


def _of_a_run(meta: dict[str, Any]) -> Tracks | None:
    """Return the tracks behind a result layer, which may show only some of them."""
    kept = meta.get("metadata", {}).get(METADATA_KEY, {})
    for value in kept.values():
        for holder in (value, getattr(value, "document", None)):
            tracks = getattr(holder, "tracks", holder)
            if isinstance(tracks, Tracks):
                return tracks
    return None


def _identities(
    features: dict[str, Any], count: int
) -> tuple[npt.NDArray[np.int64], dict[int, str]]:
    named = next((features[key] for key in ("name", "label") if key in features), None)
    names = None if named is None else [str(each) for each in named]
    if "track_id" in features:
        ids = np.asarray(features["track_id"]).astype(np.int64)
    elif names is not None:
        number = {name: n for n, name in enumerate(dict.fromkeys(names))}
        ids = np.array([number[name] for name in names], np.int64)
    else:
        ids = np.arange(count)
    if names is None:
        return ids, {}
    return ids, dict(zip(ids.tolist(), names, strict=True))


def _from_rows(
    rows: npt.NDArray[np.float64],
    ids: npt.NDArray[np.int64],
    names: dict[int, str],
    features: dict[str, Any],
    meta: dict[str, Any],
) -> Tracks:
    if rows.shape[1] < 3:
        raise InputError(
            f"'{meta.get('name', 'the layer')}' has {rows.shape[1]} axes; expected "
            "t, y, x to save it as tracks."
        )
    between = rows[:, 1:-2]
    if len(rows) and (between != between[0]).any():
        raise InputError(
            f"'{meta.get('name', 'the layer')}' has points in several planes; tracks "
            "are saved for one plane, so keep those of one."
        )
    facts = dict(meta.get("metadata", {}).get(FILE_KEY, {}))
    n_frames = facts.pop("n_frames", None)
    frame = np.rint(rows[:, 0]).astype(np.int64)
    if n_frames is not None and len(frame) and frame.max() >= n_frames:
        n_frames, facts["times"] = None, None
    scores = {
        key: np.asarray(features[key]).astype(np.float64)
        for key in FEATURES
        if key in features
    }
    return FileRows(ids, frame, rows[:, [-1, -2]], names, scores).to_tracks(
        n_frames, **facts
    )
