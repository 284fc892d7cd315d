"""What a run amounted to, for scripts and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.cli.console import Console
    from napari_cotracker.cli.following import Outcome
    from napari_cotracker.tracks import Tracks

FAILURE, INTERRUPTED = 1, 130


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Return what was done in plain numbers."""
    result: dict[str, Any] = {
        "finished": outcome.stopped_by is None,
        "windows_done": outcome.done,
        "windows": outcome.total,
        "seconds": round(outcome.seconds, 2),
    }
    if outcome.tracks is not None:
        known = outcome.tracks.source != Source.EMPTY
        tracked = int(known.any(axis=1).sum())
        result |= {
            "frames": outcome.tracks.n_frames,
            "frames_tracked": tracked,
            "points": outcome.tracks.n_tracks,
            "visible_share": round(float(outcome.tracks.visible[known].mean()), 4),
        }
        if outcome.seconds:
            result["frames_per_second"] = round(tracked / outcome.seconds, 2)
    return result


def errors_px(tracks: Tracks, truth: Tracks) -> npt.NDArray[np.float32]:
    """Return the distance to the truth wherever a model answered and it can be seen.

    Parameters
    ----------
    tracks, truth : Tracks
        The same points in the same order.

    Returns
    -------
    distances : (K,) float
        Pixels; the given query points themselves are left out.
    """
    judged = (tracks.source == Source.MODEL) & truth.visible
    return np.linalg.norm(tracks.xy - truth.xy, axis=-1)[judged]


def exit_code_of(outcome: Outcome, console: Console) -> int:
    """Say why a run stopped early, and return the exit code."""
    if outcome.stopped_by is None:
        return 0
    kept = (
        "no window was finished, so nothing new was saved"
        if outcome.tracks is None
        else f"{outcome.done} of {outcome.total} windows were finished and are saved"
    )
    if isinstance(outcome.stopped_by, KeyboardInterrupt):
        console.complain(f"Stopped: {kept}.")
        return INTERRUPTED
    console.complain(f"{outcome.stopped_by} ({kept})")
    return FAILURE
