"""Load and save, whatever the format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.errors import FormatError
from napari_cotracker.files import replacing
from napari_cotracker.io import queries_csv
from napari_cotracker.io.registry import format_of

if TYPE_CHECKING:
    from napari_cotracker.tracks import Queries, Tracks


def save_tracks(
    tracks: Tracks,
    path: str | Path,
    format: str | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Save tracks; the file is read back and compared before it takes its place.

    Parameters
    ----------
    tracks : Tracks
    path : path
        Its suffix says the format, unless ``format`` does.
    format : str or None
        ``"csv"``.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FormatError
        The format is not known, a file is there already, or writing failed; nothing
        is changed on disk then.
    """
    path = Path(path)
    chosen = format_of(path, format)
    with replacing(path, overwrite=overwrite) as part:
        chosen.write(tracks, part)
        if not chosen.same(tracks, chosen.read(part, fps=tracks.fps, size=tracks.size)):
            raise _differs(path)


def load_tracks(
    path: str | Path,
    format: str | None = None,
    *,
    fps: float | None = None,
    size: tuple[int, int] = (0, 0),
) -> Tracks:
    """Load tracks.

    Parameters
    ----------
    path : path
    format : str or None
        None = by suffix.
    fps : float or None
        Frames per second, for formats that do not hold them (``csv``).
    size : (H, W)
        Frame size in pixels, for formats that do not hold it (``csv``).

    Raises
    ------
    FormatError
        The file cannot be read; the message says where in it.
    """
    path = Path(path)
    return format_of(path, format).read(path, fps=fps, size=size)


def save_queries(
    queries: Queries, path: str | Path, *, overwrite: bool = False
) -> None:
    """Save query points as CSV, read back and compared like tracks.

    Raises
    ------
    FormatError
        A file is there already, or writing failed; nothing is changed on disk then.
    """
    path = Path(path)
    with replacing(path, overwrite=overwrite) as part:
        queries_csv.write(queries, part)
        if not queries_csv.same(queries, queries_csv.read(part)):
            raise _differs(path)


def load_queries(path: str | Path) -> Queries:
    """Load query points from a CSV file ``track,frame,x,y`` (and ``name``).

    Raises
    ------
    FormatError
        The file cannot be read; the message names line and column.
    """
    return queries_csv.read(Path(path))


def _differs(path: Path) -> FormatError:
    return FormatError(
        f"What was written for '{path.name}' did not read back the same, so it was "
        "thrown away; the disk may be faulty, or a name is unusual."
    )
