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
    done = f"Done. {left_out(run)}".strip()
    points = run.session.layers.points
    if points is None:
        return done
    return f"{done} To correct a point, select the layer '{points.name}' and drag it."


def left_out(run: Run) -> str:
    """Return what to say of anchors on frames that are not tracked, if any."""
    if not run.n_beyond:
        return ""
    points = "1 point is" if run.n_beyond == 1 else f"{run.n_beyond} points are"
    first, last = run.span
    return f"{points} not on frames {first} to {last}: kept, but not followed."
