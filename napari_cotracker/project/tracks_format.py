"""Project files as a format of tracks that can be read.

``io`` cannot know projects, which stand above it; importing this module tells it.
Whoever reads tracks for a person takes :func:`load_tracks` and :func:`recognise` from
here, where they know one format more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.errors import FormatError, ProjectError
from napari_cotracker.io import load_queries, load_tracks, recognise, register
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.project.project_file import SUFFIX, read_document
from napari_cotracker.project.sqlite_file import is_project

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.tracks import Tracks

__all__ = ["FORMAT", "load_queries", "load_tracks", "recognise"]


def read(path: Path) -> Tracks:
    """Read the tracks of a project.

    Raises
    ------
    FormatError
        It cannot be read, or is open elsewhere.
    """
    try:
        return read_document(path).tracks
    except ProjectError as error:
        raise FormatError(str(error)) from error


FORMAT = TracksFormat(
    name="ctk",
    label="napari-cotracker project",
    suffixes=(SUFFIX,),
    matches=is_project,
    read=read,
    write=None,
    holds=frozenset(),
)
register(FORMAT)
