"""Which windows run, in which direction, with which anchors; plain Python.

A pass counts its frames in *pass time*: 0 is the first frame it looks at, whether it
walks forwards or backwards. Everything below but ``Window.frames`` is in pass time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_cotracker.tracks import Constraints

Sign = Literal[1, -1]

# An offline network sees the whole clip at once, but its work and memory grow with it.
# Longer passes go through windows of the length such networks were trained with.
OFFLINE_LIMIT = 120
OFFLINE_WINDOW = (60, 30)


@dataclass(frozen=True)
class Life:
    """Frames over which one anchor is followed in one direction.

    Parameters
    ----------
    row : int
        Which anchor.
    first, last : int
        Recording frames, both inclusive; ``first`` is the anchor's own frame and
        ``last`` the last one it is responsible for (smaller when walking backwards).
    """

    row: int
    first: int
    last: int


@dataclass(frozen=True)
class Window:
    """One call of the network.

    Parameters
    ----------
    begin : int
        Pass time of its first frame.
    frames : tuple of int
        Recording frame of each of its S places; a short last window repeats its last.
    n_real : int
        Leading places that are not such repetitions.
    overlap : int
        Leading frames that the previous window already covered.
    members : tuple of int
        Indices into the pass's lives that take part.
    """

    begin: int
    frames: tuple[int, ...]
    n_real: int
    overlap: int
    members: tuple[int, ...]


@dataclass(frozen=True)
class PassPlan:
    """One walk through the recording.

    Parameters
    ----------
    sign : 1 or -1
        Forwards or backwards.
    origin : int
        Recording frame at pass time 0.
    lives : tuple of Life
        Who is followed.
    windows : tuple of Window
        In the order in which they run.
    """

    sign: Sign
    origin: int
    lives: tuple[Life, ...]
    windows: tuple[Window, ...]

    def time_of(self, frame: int) -> int:
        """Convert a recording frame to pass time."""
        return (frame - self.origin) * self.sign

    def frame_at(self, time: int) -> int:
        """Convert pass time to a recording frame."""
        return self.origin + self.sign * time


def lives_of(
    frames: Sequence[int],
    point_ids: Sequence[int],
    sign: Sign,
    bound: int,
    horizon: int | None = None,
    constraints: Constraints | None = None,
) -> list[Life]:
    """Say how far each anchor is followed in one direction.

    An anchor is followed up to the frame before the next anchor of its track, the
    outermost one up to ``bound`` (the end of the range), none further than ``horizon``
    frames, and none where the constraints say no. Anchors with nothing to do are left
    out, and so are duplicates.
    """
    reach = abs(bound) + max(frames, default=0) if horizon is None else horizon
    lives = []
    of_track: dict[int, dict[int, int]] = {}
    for row, (frame, point_id) in enumerate(zip(frames, point_ids, strict=True)):
        of_track.setdefault(point_id, {}).setdefault(frame, row)
    for point_id, anchors in of_track.items():
        stops = [] if constraints is None else _stops(constraints, point_id, sign)
        ordered = sorted(anchors, key=lambda frame: frame * sign)
        ends = [frame - sign for frame in ordered[1:]] + [bound]
        for frame, end in zip(ordered, ends, strict=True):
            length = min((end - frame) * sign, reach)
            last = _stopped(frame, frame + length * sign, sign, stops)
            if (last - frame) * sign > 0:
                lives.append(Life(anchors[frame], frame, last))
    return lives


def _stops(
    constraints: Constraints, point_id: int, sign: Sign
) -> list[tuple[float, float]]:
    """Frames, first and last, into which a track is not followed."""
    limit = constraints.limit_of(point_id)
    if limit.direction not in ("both", "forward" if sign == 1 else "backward"):
        return [(-math.inf, math.inf)]
    stops = [(float(s.first), float(s.last)) for s in constraints.of([point_id]).ends]
    if limit.first is not None:
        stops.append((-math.inf, limit.first - 1))
    if limit.last is not None:
        stops.append((limit.last + 1, math.inf))
    return stops


def _stopped(
    frame: int, last: int, sign: Sign, stops: Iterable[tuple[float, float]]
) -> int:
    """Cut a walk from ``frame`` to ``last`` short before the first stop."""
    for first_stop, last_stop in stops:
        if first_stop <= frame <= last_stop:
            return frame
        near = first_stop if sign == 1 else last_stop
        if 0 < (near - frame) * sign <= (last - frame) * sign:
            last = int(near) - sign
    return last


def plan_pass(
    lives: Sequence[Life],
    sign: Sign,
    window_len: int | None,
    window_step: int,
) -> PassPlan | None:
    """Lay windows over everything that the given lives need; None if that is nothing.

    The grid starts at the first frame that is needed. Windows in which nobody has a
    frame left to renew are skipped.
    """
    if not lives:
        return None
    origin = min((life.first for life in lives), key=lambda frame: frame * sign)
    length = 1 + max((life.last - origin) * sign for life in lives)
    size, step = _window_size(length, window_len, window_step)
    spans = [((x.first - origin) * sign, (x.last - origin) * sign) for x in lives]
    windows: list[Window] = []
    covered = 0
    for begin in range(0, max(1, length - size + step), step):
        overlap = max(0, covered - begin)
        stop = min(begin + size, length)
        members = tuple(
            i
            for i, (first, last) in enumerate(spans)
            if first < stop and last >= begin + overlap
        )
        if not members:
            continue
        times = (min(k, length - 1) for k in range(begin, begin + size))
        frames = tuple(origin + sign * k for k in times)
        windows.append(Window(begin, frames, stop - begin, overlap, members))
        covered = begin + size
    return PassPlan(sign, origin, tuple(lives), tuple(windows))


def _window_size(
    length: int, window_len: int | None, window_step: int
) -> tuple[int, int]:
    if window_len is not None:
        return window_len, window_step
    return (length, length) if length <= OFFLINE_LIMIT else OFFLINE_WINDOW
