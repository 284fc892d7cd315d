"""What is said of results: when a run is over, and when a dock finds some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.tracks.wording import counted
from napari_cotracker.widgets.runs.runner import Ending

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_cotracker.widgets.session.run import Run
    from napari_cotracker.widgets.session.session import Session

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
    return " ".join(
        filter(None, ("Done.", left_out(run), _how_to_correct(run.session)))
    )


def found(sessions: Iterable[Session]) -> str:
    """Return what to say of tracks that were there before the dock; empty if none."""
    tracked = [session for session in sessions if session.has_tracks]
    if not tracked:
        return ""
    numbers = [session.document.tracks.n_tracks for session in tracked]
    there = ", ".join(
        f"{counted(number, 'track')} of '{session.image.name}'"
        for number, session in zip(numbers, tracked, strict=True)
    )
    are = "is" if numbers[0] == 1 else "are"
    return f"There {are} {there}. {_how_to_correct(tracked[0])}".strip()


def _how_to_correct(session: Session) -> str:
    points = session.layers.points
    if points is None:
        return ""
    return f"To correct a point, select the layer '{points.name}' and drag it."


def left_out(run: Run) -> str:
    """Return what to say of anchors on frames that are not tracked, if any."""
    if not run.n_beyond:
        return ""
    points = f"{counted(run.n_beyond, 'point')} {'is' if run.n_beyond == 1 else 'are'}"
    first, last = run.span
    return f"{points} not on frames {first} to {last}: kept, but not followed."
