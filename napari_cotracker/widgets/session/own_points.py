"""The person's own Points layers as they were read, each with its identities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.tracks import Queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Points

    from napari_cotracker.widgets.session.anchors import UserPoints


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


def _share_a_point(points: Queries | None, user: UserPoints | None) -> bool:
    if points is None or user is None:
        return False
    places = zip(user.frame.tolist(), user.xy.tolist(), strict=True)
    known = {(t, *xy) for t, xy in places}
    return any((int(t), float(x), float(y)) in known for t, x, y in points.txy)
