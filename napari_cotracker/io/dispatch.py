"""Load and save, whatever the format."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import CoTrackerError, FormatError
from napari_cotracker.files import is_device, replacing
from napari_cotracker.io import queries_csv
from napari_cotracker.io.anchors import queries_of, tracks_of
from napari_cotracker.io.compare import compare
from napari_cotracker.io.registry import format_inside, format_of, formats
from napari_cotracker.tracks import Tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.io.format import TracksFormat
    from napari_cotracker.tracks import Queries


def save_tracks(
    tracks: Tracks,
    path: str | Path,
    format: str | None = None,
    *,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Save tracks; the file is read back and compared before it takes its place.

    Parameters
    ----------
    tracks : Tracks
    path : path
        Its suffix says the format, unless ``format`` does.
    format : str or None
        A name from :func:`napari_cotracker.io.formats`.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    tuple of str
        What of these tracks the format could not hold; () if it holds everything.

    Raises
    ------
    FormatError
        The format is not known, a file is there already, or writing failed; nothing
        is changed on disk then.
    """
    path = Path(path)
    chosen = format_of(path, format)
    assert chosen.write is not None
    _check_writable(tracks)
    with replacing(path, overwrite=overwrite, folder=chosen.folder) as part:
        try:
            chosen.write(tracks, part)
        except (CoTrackerError, OSError):
            raise
        except Exception as error:
            raise FormatError(
                f"'{path.name}' cannot be written as {chosen.label} "
                f"({' '.join(str(error).split())[:200]}); choose another format."
            ) from error
        return _losses(tracks, _read(chosen, part, path), chosen, path)


def load_tracks(
    path: str | Path,
    format: str | None = None,
    *,
    fps: float | None = None,
    size: tuple[int, int] = (0, 0),
    times: npt.NDArray[np.float64] | None = None,
) -> Tracks:
    """Load tracks.

    Parameters
    ----------
    path : path
    format : str or None
        None = by suffix and content.
    fps : float or None
        Frames per second, for files that do not hold them.
    size : (H, W)
        Frame size in pixels, for files that do not hold it.
    times : (T',) float64 or None
        Seconds of each frame, for files that do not hold them; T' may be larger than
        the number of frames in the file.

    Raises
    ------
    FormatError
        The file cannot be read; the message says where in it.
    """
    path = Path(path)
    _refuse_pipes(path)
    tracks = _read(format_inside(path, format), path)
    if tracks.times is None and times is not None and len(times) >= tracks.n_frames:
        tracks = replace(tracks, times=np.asarray(times)[: tracks.n_frames])
    return replace(
        tracks,
        fps=fps if tracks.fps is None else tracks.fps,
        size=size if tracks.size == (0, 0) else tracks.size,
    )


def save_queries(
    queries: Queries,
    path: str | Path,
    format: str | None = None,
    *,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Save query points, read back and compared like tracks.

    Parameters
    ----------
    queries : Queries
    path : path
        A CSV file ``track,frame,x,y,name``, unless suffix or ``format`` say another
        format of tracks; that then holds the anchors and nothing else.
    format : str or None
        As for :func:`save_tracks`; ``"csv"`` is the CSV file of queries.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    tuple of str
        What could not be held.

    Raises
    ------
    FormatError
        A file is there already, or writing failed; nothing is changed on disk then.
    """
    path = Path(path)
    if format_of(path, format).name != "csv":
        return save_tracks(tracks_of(queries), path, format, overwrite=overwrite)
    with replacing(path, overwrite=overwrite) as part:
        queries_csv.write(queries, part)
        if not queries_csv.same(queries, queries_csv.read(part)):
            raise _differs(path, "a point has changed")
    return ()


def load_queries(path: str | Path, format: str | None = None) -> Queries:
    """Load query points: from a CSV file ``track,frame,x,y`` or any file of tracks.

    Of tracks the positions placed by a person are taken; if a file has none, every
    visible one.

    Raises
    ------
    FormatError
        The file cannot be read; the message names line and column.
    """
    path = Path(path)
    _refuse_pipes(path)
    plain = path.suffix.lower() in queries_csv.SUFFIXES
    if format is None and plain and not any(f.matches(path) for f in formats()):
        return queries_csv.read(path)
    return queries_of(_read(format_inside(path, format), path))


def _read(chosen: TracksFormat, path: Path, known_as: Path | None = None) -> Tracks:
    name = (known_as or path).name
    if path.exists() and path.is_dir() is not chosen.folder:
        kind, other = ("folder", "file") if chosen.folder else ("file", "folder")
        raise FormatError(
            f"'{path}' is a {other}; {chosen.label} is a {kind}, so check the path."
        )
    try:
        return chosen.read(path)
    except FormatError as error:
        text = str(error).replace(path.name, name)
        raise FormatError(text if name in text else f"'{name}': {text}") from error
    except OSError as error:
        if error.errno is None:
            raise _unreadable(chosen, name) from error
        raise FormatError(
            f"'{path}' cannot be read ({os.strerror(error.errno)}); check the path."
        ) from error
    except Exception as error:
        # Libraries that read a damaged file raise whatever they come upon.
        raise _unreadable(chosen, name) from error


def _refuse_pipes(path: Path) -> None:
    """Refuse what can be read only once: what is in it is looked at first."""
    if is_device(path):
        raise FormatError(
            f"'{path}' is a pipe or a device; save what comes out of it as a file and "
            "give that."
        )


def _losses(
    tracks: Tracks, again: Tracks, chosen: TracksFormat, path: Path
) -> tuple[str, ...]:
    found = compare(tracks, again, by_id="point_id" in chosen.holds)
    broken = sorted(found.lost.keys() & chosen.holds)
    if found.wrong is not None or broken:
        raise _differs(path, found.wrong or f"it lost {found.lost[broken[0]]}")
    return tuple(text for key, text in found.lost.items() if key != "blank")


def _check_writable(tracks: Tracks) -> None:
    if not isinstance(tracks, Tracks):
        raise FormatError(
            f"tracks is a {type(tracks).__name__}; expected Tracks, as track() and "
            "load_tracks() return them."
        )
    if tracks.n_frames == 0 or tracks.n_tracks == 0:
        raise FormatError(
            f"There is nothing to save: {tracks.n_tracks} tracks over "
            f"{tracks.n_frames} frames."
        )
    if len(set(tracks.point_id.tolist())) != tracks.n_tracks:
        raise FormatError(
            "Several tracks have the same point_id, so a file could not tell them "
            "apart; give each its own."
        )
    for key in ("xy", "visibility", "confidence"):
        if np.isinf(getattr(tracks, key)).any():
            raise FormatError(
                f"Tracks.{key} holds infinite values, which a file cannot; replace "
                "them by NaN."
            )


def _unreadable(chosen: TracksFormat, name: str) -> FormatError:
    # What libraries say of a damaged file means nothing to a person; it is the cause.
    return FormatError(
        f"'{name}' cannot be read as {chosen.label}: it is damaged, cut off or of "
        "another format."
    )


def _differs(path: Path, why: str) -> FormatError:
    return FormatError(
        f"What was written for '{path.name}' did not read back the same ({why}), so it "
        "was thrown away; the disk may be faulty, or a name is unusual."
    )
