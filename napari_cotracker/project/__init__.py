"""The annotation project: a document, edits with an inverse, their history, the file.

Map::

    document.py    tracks, what was edited, what was decided      cells.py  their values
    changes.py     changes of one sort with an inverse            edit.py   one step
    draft.py       tracks taken out to be changed -> an edit
    point_edits.py, span_edits.py, track_edits.py                 the edits there are
    history.py     edits in order           annotations.py  document + history
    travelling.py  a step back or forth, past which own points stay
    encoding.py    edits as bytes           merging.py      results laid over it
    tracks_format.py  projects read like any file of tracks
    recovery.py    projects that nobody has saved under a name
    project_file.py  annotations in a file  recording.py    fingerprint of the video
    sqlite_file.py   one file, whole steps  header.py       told without SQLite
    failures.py      what can go wrong      facts.py        single values in it
    blocks.py, stored_document.py, stored_journal.py, runs.py  what its tables hold
"""

from napari_cotracker.project.annotations import Annotations
from napari_cotracker.project.cells import Cells
from napari_cotracker.project.document import Document, columns_of
from napari_cotracker.project.edit import Edit, together
from napari_cotracker.project.history import History
from napari_cotracker.project.project_file import SUFFIX, Project, read_document
from napari_cotracker.project.recording import Recording
from napari_cotracker.project.runs import RunRequest, StoredRun

__all__ = [
    "SUFFIX",
    "Annotations",
    "Cells",
    "Document",
    "Edit",
    "History",
    "Project",
    "Recording",
    "RunRequest",
    "StoredRun",
    "columns_of",
    "read_document",
    "together",
]
