"""The person's Points layer read as anchors, with identities that last between runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.tracks import Queries
from napari_cotracker.tracks.wording import counted
from napari_cotracker.widgets.layers.coordinates import (
    affine_of,
    off_plane,
    to_image,
    to_txy,
)
from napari_cotracker.widgets.session.matching import matched, unnamed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.layers import Image, Points

    from napari_cotracker.project import Document
    from napari_cotracker.widgets.layers.image_input import ImageInput

# Feature columns that say which points are one track; the first one present counts.
GROUP_COLUMNS = ("name", "label", "track_id")


@dataclass(frozen=True, eq=False)
class UserPoints:
    """What the person's Points layer says, before identities.

    Parameters
    ----------
    frame : (A,) int64
    xy : (A, 2) float32
        Pixels of the image.
    group : tuple of str, length A
        Points with the same non-empty text belong to one track.
    """

    frame: npt.NDArray[np.int64]
    xy: npt.NDArray[np.float32]
    group: tuple[str, ...]


def read_points(points: Points, image: Image, source: ImageInput) -> UserPoints:
    """Read a Points layer in pixels of an image; the layer is not changed.

    Raises
    ------
    InputError
        No points, NaN, too few axes, or a point outside the image, its time range or
        the slice the viewer shows.
    """
    if len(points.data) == 0:
        raise InputError(
            f"'{points.name}' has no points; add at least one point to follow."
        )
    if points.ndim < image.ndim:
        raise InputError(
            f"'{points.name}' has {points.ndim} axes but '{image.name}' has "
            f"{image.ndim}, so its points lie on no frame; make the points with "
            "'New points'."
        )
    data = np.asarray(points.data, np.float64)
    if not np.isfinite(data).all():
        raise InputError(
            f"'{points.name}' has points with NaN or infinite coordinates; delete them."
        )
    placed = to_image(data, affine_of(points), affine_of(image))
    group = groups_of(points)
    _refuse_other_slices(points, placed, source)
    txy = to_txy(placed, source.axes)
    # A point shows on the frame it is nearest to.
    frame = np.rint(txy[:, 0]).astype(np.int64)
    names = tuple(g or f"point {i}" for i, g in enumerate(group))
    user = Queries(frame, txy[:, 1:].astype(np.float32), None, names)  # type: ignore[arg-type]
    user.check_inside(source.n_frames, source.size)
    return UserPoints(user.frame, user.xy, group)


def identify(
    user: UserPoints,
    before: Queries | None,
    others: Sequence[Queries],
    document: Document,
) -> Queries:
    """Give every point the identity it had when it was read before, or a new one.

    A point is the same if its group is, else if it lies where one lay, else (in the
    same layer) if it stands where one stood among those that stayed.

    Parameters
    ----------
    user : UserPoints
    before : Queries or None
        The same layer as it was read before.
    others : sequence of Queries
        Other layers as they were read.
    document : Document
        A group of the name of one of its tracks is that track.
    """
    read = [*([] if before is None else [before]), *others]
    ids = matched(user, before, read, document.tracks)
    beyond = (int(queries.point_id.max()) + 1 for queries in read)
    _number_rest(ids, user.group, max([document.next_id, *beyond]))
    name = tuple(
        group or unnamed(i) for group, i in zip(user.group, ids.tolist(), strict=True)
    )
    return Queries(user.frame, user.xy, ids, name)


def groups_of(points: Points) -> tuple[str, ...]:
    """Say of each point to which track it belongs; an empty text leaves it open."""
    table = points.features
    for column in GROUP_COLUMNS:
        if column in table.columns:
            return tuple(
                "" if value is None or value != value else str(value).strip()
                for value in table[column]
            )
    return ("",) * len(points.data)


def _refuse_other_slices(
    points: Points, placed: npt.NDArray[np.float64], source: ImageInput
) -> None:
    off = off_plane(placed, source.axes)
    if off.any():
        chosen = ", ".join(str(index) for index in source.axes.fixed.values())
        raise InputError(
            f"{counted(int(off.sum()), 'point')} of '{points.name}' in another slice "
            f"than the one shown (index {chosen}); move the sliders to the slice with "
            "the points, or the points to this slice."
        )


def _number_rest(
    ids: npt.NDArray[np.int64], group: tuple[str, ...], fresh: int
) -> None:
    given = {group[row]: int(ids[row]) for row in np.flatnonzero(ids >= 0)}
    for row in np.flatnonzero(ids < 0):
        if group[row] and group[row] in given:
            ids[row] = given[group[row]]
            continue
        ids[row] = fresh
        given[group[row]] = fresh
        fresh += 1
