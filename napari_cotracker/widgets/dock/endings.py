"""What is said when a run is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.widgets.runs.runner import Ending

if TYPE_CHECKING:
    from napari_cotracker.widgets.session.run import Run

UNTIMELY = {
    Ending.CANCELLED: "Cancelled; what was finished is shown.",
    Ending.ABANDONED: "Stopped: its image or results were removed.",
}


def told(run: Run, ending: Ending) -> str:
    """Return what to say of the end of a run; empty if something else says it."""
    if ending is not Ending.COMPLETE:
        return UNTIMELY.get(ending, "")
    if not run.is_whole:
        return ""  # what the edit did is still to be read
    points = run.session.layers.points
    if points is None:
        return "Done."
    return f"Done. To correct a point, select the layer '{points.name}' and drag it."
