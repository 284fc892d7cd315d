"""The annotation project: a document, edits with an inverse, and their history.

Map::

    document.py    tracks, what was edited, what was decided      cells.py  their values
    changes.py     changes of one sort with an inverse            edit.py   one step
    draft.py       tracks taken out to be changed -> an edit
    point_edits.py, span_edits.py, track_edits.py                 the edits there are
    history.py     edits in order           annotations.py  document + history
"""

from napari_cotracker.project.annotations import Annotations
from napari_cotracker.project.cells import Cells
from napari_cotracker.project.document import Document, columns_of
from napari_cotracker.project.edit import Edit, together
from napari_cotracker.project.history import History

__all__ = [
    "Annotations",
    "Cells",
    "Document",
    "Edit",
    "History",
    "columns_of",
    "together",
]
