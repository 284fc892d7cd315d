"""Which of a person's own points is which of those that were read before."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from napari_cotracker.tracks import Queries, Tracks
    from napari_cotracker.widgets.session.anchors import UserPoints

    Integers = npt.NDArray[np.int64]
    Place = tuple[int, float, float]  # frame, x, y


def unnamed(point_id: int) -> str:
    """Return what a track is called as long as nobody gives it a name."""
    return f"point {point_id}"


def matched(
    user: UserPoints, before: Queries | None, read: Sequence[Queries], tracks: Tracks
) -> Integers:
    """Return the identity of every point, (A,); -1 where none matches.

    Parameters
    ----------
    user : UserPoints
    before : Queries or None
        The same layer as it was read before.
    read : sequence of Queries
        All layers as they were read, this one first.
    tracks : Tracks
        Those there are.
    """
    ids = np.full(len(user.frame), -1, np.int64)
    _match_groups(ids, user, read, tracks)
    for queries in read:
        _match_places(ids, user, queries)
    if before is not None:
        _match_rows(ids, user, before)
    return ids


def _match_groups(
    ids: Integers, user: UserPoints, read: Sequence[Queries], tracks: Tracks
) -> None:
    """Match points to those of the same name; an edit may have split these up."""
    named = dict(zip(tracks.name, tracks.point_id.tolist(), strict=True))
    known: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for queries in read:
        rows = zip(queries.frame.tolist(), queries.point_id.tolist(), strict=True)
        for name, pair in zip(queries.name, rows, strict=True):
            known[name].append(pair)
    for row, group in enumerate(user.group):
        if group in known:
            frame = int(user.frame[row])
            ids[row] = min(known[group], key=lambda other: abs(other[0] - frame))[1]
        elif group:
            ids[row] = named.get(group, -1)


def _match_places(ids: Integers, user: UserPoints, read: Queries) -> None:
    """Match points that lie where one lay; one that has a name by now gives it."""
    known: dict[Place, list[int]] = defaultdict(list)
    for row, place in enumerate(_places(read.frame, read.xy)):
        known[place].append(row)
    matched: set[str] = set()
    for row, place in enumerate(_places(user.frame, user.xy)):
        group = user.group[row]
        if ids[row] >= 0 or group in matched:
            continue
        for other in known[place]:
            point_id = int(read.point_id[other])
            if not group or read.name[other] == unnamed(point_id):
                ids[row] = point_id
                known[place].remove(other)
                matched |= {group} - {""}
                break


def _match_rows(ids: Integers, user: UserPoints, before: Queries) -> None:
    """Match points that were moved: they stand between the same neighbours."""
    left = Counter(before.point_id.tolist())
    left.subtract(ids.tolist())
    for new, old in _gaps(user, before):
        for row, other in _paired(new, old, user, before):
            point_id = int(before.point_id[other])
            if ids[row] < 0 and not user.group[row] and left[point_id] > 0:
                ids[row] = point_id
                left[point_id] -= 1


def _gaps(user: UserPoints, before: Queries) -> Iterator[tuple[range, range]]:
    """Give rows of both readings that lie between two points that stayed."""
    rows: dict[Place, list[int]] = defaultdict(list)
    for row, place in enumerate(_places(before.frame, before.xy)):
        rows[place].append(row)
    stayed = [(-1, -1)]
    for row, place in enumerate(_places(user.frame, user.xy)):
        other = next((k for k in rows[place] if k > stayed[-1][1]), None)
        if other is not None:
            stayed.append((row, other))
    stayed.append((len(user.frame), len(before)))
    for (row, other), (next_row, next_other) in pairwise(stayed):
        yield range(row + 1, next_row), range(other + 1, next_other)


def _paired(
    new: range, old: range, user: UserPoints, before: Queries
) -> Iterable[tuple[int, int]]:
    """Pair rows of a gap, or where some are missing the nearest on one frame."""
    if len(new) == len(old):
        return zip(new, old, strict=True)
    on_frame: dict[int, list[int]] = defaultdict(list)
    for other in old:
        on_frame[int(before.frame[other])].append(other)
    away = [
        (float(np.linalg.norm(user.xy[row] - before.xy[other])), row, other)
        for row in new
        for other in on_frame[int(user.frame[row])]
    ]
    return [(row, other) for _, row, other in sorted(away)]


def _places(frame: Integers, xy: npt.NDArray[np.float32]) -> Iterator[Place]:
    for t, (x, y) in zip(frame.tolist(), xy.tolist(), strict=True):
        yield t, x, y
