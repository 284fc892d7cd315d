"""The person's own Points layers as they were read, each with its identities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.project import columns_of
from napari_cotracker.project.travelling import own_at
from napari_cotracker.tracks import Queries, Source
from napari_cotracker.widgets.layers.coordinates import off_plane, to_txy
from napari_cotracker.widgets.session.matching import unnamed

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from napari.layers import Points

    from napari_cotracker.project import Document
    from napari_cotracker.widgets.layers.coordinates import PixelAxes
    from napari_cotracker.widgets.session.anchors import UserPoints
    from napari_cotracker.widgets.session.clicked import Clicked


@dataclass(frozen=True, eq=False)
class OwnPoints:
    """A Points layer as it was read.

    Parameters
    ----------
    layer : str
        Its name, which another layer may bear later on.
    layer_id : str
        Told by napari, for as long as it runs; empty if it is not known.
    points : Queries or None
        With identities; None = there were none any more.
    """

    layer: str
    layer_id: str
    points: Queries | None

    def same_as(self, clicked: Clicked, axes: PixelAxes) -> bool:
        """Tell whether a layer holds the same points, over an image of these axes."""
        points = self.points
        placed = clicked.data[:, -axes.ndim :]  # results lie on the axes from time on
        if points is None or off_plane(placed, axes).any():
            return False
        txy = to_txy(placed, axes)
        group = zip(clicked.group, points.point_id.tolist(), strict=False)
        return (
            np.array_equal(points.frame, np.rint(txy[:, 0]))
            and np.array_equal(points.xy, txy[:, 1:].astype(np.float32))
            and points.name == tuple(text or unnamed(i) for text, i in group)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        points = self.points and {
            "frame": self.points.frame.tolist(),
            "xy": self.points.xy.astype(np.float64).tolist(),
            "point_id": self.points.point_id.tolist(),
            "name": self.points.name,
        }
        return {"layer": self.layer, "layer_id": self.layer_id, "points": points}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> OwnPoints:
        """Undo :meth:`to_dict`, also after JSON."""
        points = plain["points"]
        return cls(
            plain["layer"], plain["layer_id"], Queries(**points) if points else None
        )


def id_of(points: Points) -> str:
    """Return what tells a layer from every other one in this process."""
    return str(points.unique_id)


def earlier_reading(
    read: Iterable[OwnPoints], points: Points, user: UserPoints | None
) -> OwnPoints | None:
    """Return how this layer was read before; None if it never was.

    In another process, or for a layer that was loaded again, the name says so; a
    new layer may have got the same name, which therefore only counts if at least one
    point lies where it lay.

    Parameters
    ----------
    read : iterable of OwnPoints
    points : Points
    user : UserPoints or None
        What the layer says; None if it says nothing.
    """
    read = tuple(read)
    for own in read:
        if own.layer_id == id_of(points):
            return own
    for own in read:
        if own.layer == points.name and _share_a_point(own.points, user):
            return own
    return None


def followed(
    read: tuple[OwnPoints, ...], before: Document, after: Document
) -> tuple[OwnPoints, ...]:
    """Return readings whose points are of the tracks to which an edit moved them.

    The same object if it moved none.
    """
    now = tuple(_followed(own, before, after) for own in read)
    return read if all(a is b for a, b in zip(read, now, strict=True)) else now


def _followed(own: OwnPoints, before: Document, after: Document) -> OwnPoints:
    points = own.points
    if points is None:
        return own
    moved = _is_own(before, points) & ~_is_own(after, points)
    ids, names = points.point_id.copy(), list(points.name)
    for row in np.flatnonzero(moved):
        frame, point_id = points.frame[row], int(ids[row])
        there = own_at(after, frame, points.xy[row])
        was = own_at(before, frame, points.xy[row])
        ids[row] = next((i for i in there if i not in was), point_id)
        if names[row] == unnamed(point_id):
            names[row] = unnamed(int(ids[row]))
    if (ids == points.point_id).all():
        return own
    return replace(own, points=replace(points, point_id=ids, name=tuple(names)))


def _is_own(document: Document, points: Queries) -> npt.NDArray[np.bool_]:
    """Tell of each point whether it is an anchor that no edit made."""
    column = columns_of(document.tracks, points.point_id)
    own = (column >= 0) & (points.frame < document.tracks.n_frames)
    at = (points.frame[own], column[own])
    own[own] = (
        (document.tracks.source[at] == Source.MANUAL)
        & ~document.edited[at]
        & (document.tracks.xy[at] == points.xy[own]).all(axis=1)
    )
    return own


def _share_a_point(points: Queries | None, user: UserPoints | None) -> bool:
    if points is None or user is None:
        return False
    places = zip(user.frame.tolist(), user.xy.tolist(), strict=True)
    known = {(t, *xy) for t, xy in places}
    return any((int(t), float(x), float(y)) in known for t, x, y in points.txy)
