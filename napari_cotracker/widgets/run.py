"""One run: what was asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError
from napari_cotracker.tracking import TrackingOptions

if TYPE_CHECKING:
    from napari.layers import Image, Points

    from napari_cotracker.tracks import Queries
    from napari_cotracker.widgets.anchors import UserPoints
    from napari_cotracker.widgets.edits import Labels
    from napari_cotracker.widgets.image_input import ImageInput
    from napari_cotracker.widgets.session import Session


@dataclass(frozen=True, eq=False)
class Request:
    """What the person chose.

    Parameters
    ----------
    image, points : layers or None
    model, device, direction : str
    first_frame, last_frame : int or None
        Both inclusive; None = start or end of the recording.
    """

    image: Image | None
    points: Points | None
    model: str = "compact"
    device: str = "auto"
    direction: str = "both"
    first_frame: int | None = None
    last_frame: int | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """One run on its way.

    Parameters
    ----------
    number : int
        A later run has a higher one.
    session : Session
        Takes the results.
    source : ImageInput
    queries : Queries
        The person's points and edits.
    options : TrackingOptions
    model, device : str
    start : Labels or None
        What was known before.
    span : (first, last)
        Frames to track, both inclusive.
    """

    number: int
    session: Session
    source: ImageInput
    queries: Queries
    options: TrackingOptions
    model: str
    device: str
    start: Labels | None
    span: tuple[int, int]


def options_of(request: Request, source: ImageInput) -> TrackingOptions:
    """Return the options of a request for a recording.

    Raises
    ------
    InputError
        The frames or the direction make no sense.
    """
    first, last = span_of(request, source)
    if first > last:
        raise InputError(
            f"The first frame ({first}) comes after the last ({last}); swap them."
        )
    return TrackingOptions(
        direction=request.direction,  # type: ignore[arg-type]
        first_frame=first if first > 0 else None,
        last_frame=last if last < source.n_frames - 1 else None,
        contrast_limits=source.contrast_limits,
    )


def span_of(request: Request, source: ImageInput) -> tuple[int, int]:
    """Return the first and the last frame to track, both inclusive."""
    last = request.last_frame
    return request.first_frame or 0, source.n_frames - 1 if last is None else last


def refuse_outside(user: UserPoints, span: tuple[int, int]) -> None:
    """Refuse points on frames that are not to be tracked.

    Raises
    ------
    InputError
        Names the first such frame.
    """
    outside = (user.frame < span[0]) | (user.frame > span[1])
    if outside.any():
        raise InputError(
            f"{int(outside.sum())} point(s) lie outside the frames to track: one is on "
            f"frame {user.frame[outside][0]}, but only frames {span[0]} to {span[1]} "
            "are tracked; widen the range or delete them."
        )
