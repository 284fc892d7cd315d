"""Run the tracker under a progress bar, keeping what is finished when it stops."""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from napari_cotracker.errors import CoTrackerError, ProjectError, TrackingError

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_cotracker.cli.console import Console
    from napari_cotracker.cli.interrupts import AtOnce
    from napari_cotracker.tracking import Progress
    from napari_cotracker.tracks import Tracks

Stop = KeyboardInterrupt | CoTrackerError


@dataclass(frozen=True)
class Outcome:
    """What a run left behind.

    Parameters
    ----------
    tracks : Tracks or None
        Everything known at the end; None = no window was finished.
    done, total : int
        Windows.
    seconds : float
        Time spent, the model's loading not included.
    stopped_by : KeyboardInterrupt, CoTrackerError or None
        Why it did not get to the end; KeyboardInterrupt also for SIGTERM.
    """

    tracks: Tracks | None
    done: int
    total: int
    seconds: float
    stopped_by: Stop | None = None


def follow(
    steps: Generator[Progress, None, object],
    console: Console,
    at_once: AtOnce = nullcontext,
) -> Outcome:
    """Exhaust a tracking run.

    Parameters
    ----------
    steps : generator of Progress
        As ``track_iter`` returns it; closed in any case.
    console : Console
        Where the progress is drawn.
    at_once : callable
        Of :func:`finishing_first`, which keeps what was found here safe until it is
        saved: only the steps themselves are interrupted.

    Raises
    ------
    CoTrackerError
        Bad input, found before the first window was finished; all others are part of
        the outcome.
    """
    last: Progress | None = None
    stopped_by: Stop | None = None
    begin = perf_counter()
    with console.progress("tracking") as bar, closing(steps):
        try:
            with at_once():
                for last in steps:
                    bar.show(last.done, last.total)
        except KeyboardInterrupt as error:
            stopped_by = error
        except CoTrackerError as error:
            # Bad input is told before any work; what broke in the work is an outcome.
            if last is None and not isinstance(error, TrackingError | ProjectError):
                raise
            stopped_by = error
    seconds = perf_counter() - begin
    if last is None:
        return Outcome(None, 0, 0, seconds, stopped_by)
    return Outcome(last.tracks_so_far, last.done, last.total, seconds, stopped_by)
