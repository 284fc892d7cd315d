"""Files of tracks in napari's Open and Save dialogs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.types import LayerDataTuple

    from napari_cotracker.tracks import Tracks


def get_tracks_reader(
    path: str | list[str],
) -> Callable[[str], list[LayerDataTuple]] | None:
    """Return the reader of a file of tracks or points, None if it is none."""
    from napari_cotracker.project.tracks_format import recognise

    if isinstance(path, list):
        return None
    if _is_queries(Path(path)) or recognise(Path(path)) is not None:
        return read_tracks
    return None


def read_tracks(path: str) -> list[LayerDataTuple]:
    """Read tracks as a Tracks and a Points layer, a file of query points as Points.

    Raises
    ------
    FormatError
        The file cannot be read; the message says where in it.
    """
    from napari_cotracker.project.tracks_format import load_queries, load_tracks
    from napari_cotracker.widgets.files.track_layers import layers_of, points_layer

    name = Path(path).stem
    if _is_queries(Path(path)):
        queries = load_queries(path)
        return [points_layer(queries.txy, queries.name, name)]
    return layers_of(load_tracks(path), name)


def write_points(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a Points layer in the format of the suffix."""
    from napari_cotracker.widgets.files.track_layers import tracks_of_points

    return _write(path, tracks_of_points(data, meta))


def write_trails(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a Tracks layer in the format of the suffix."""
    from napari_cotracker.widgets.files.track_layers import tracks_of_trails

    return _write(path, tracks_of_trails(data, meta))


def write_both(path: str, layers: list[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write the Points layer of the two, which knows more than the trails."""
    data, meta, _ = next(each for each in layers if each[2] == "points")
    return write_points(path, data, meta)


def _write(path: str, tracks: Tracks) -> list[str]:
    from napari.utils.notifications import show_info

    from napari_cotracker.io import save_tracks

    # napari has asked whether the file may be replaced.
    losses = save_tracks(tracks, path, overwrite=True)
    if losses:
        show_info(f"Saved. {Path(path).suffix} cannot hold: {'; '.join(losses)}.")
    return [path]


def _is_queries(path: Path) -> bool:
    from napari_cotracker.io import queries_csv, recognise
    from napari_cotracker.io.table import csv_header

    required = set(queries_csv.COLUMNS)
    is_text = path.suffix.lower() == ".csv" and path.is_file()
    return is_text and required <= set(csv_header(path)) and recognise(path) is None
