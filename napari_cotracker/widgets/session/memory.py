"""What a session knows beside its document, kept in the project file too."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.project.recovery import CLICKED
from napari_cotracker.tracking import TrackingOptions
from napari_cotracker.tracks import Queries, Span
from napari_cotracker.widgets.session.clicked import Clicked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_cotracker.project import Project
    from napari_cotracker.project.runs import RunRequest


@dataclass(frozen=True)
class Settings:
    """What the latest run was made with.

    Parameters
    ----------
    model, device : str
    options : TrackingOptions
    """

    model: str
    device: str
    options: TrackingOptions

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Settings:
        """Undo :meth:`to_dict`, also after JSON; options of another version drop."""
        known = {field.name for field in fields(TrackingOptions)}
        options: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in plain["options"].items()
            if key in known
        }
        return cls(plain["model"], plain["device"], TrackingOptions(**options))


@dataclass(frozen=True, eq=False)
class Memory:
    """Facts about the annotations of one image.

    Parameters
    ----------
    settings : Settings or None
        None before the first run.
    points_layer : str
        Name of the person's Points layer that was read last.
    user_points : Queries or None
        That layer as it was read, with identities.
    clicked : Clicked or None
        The layer as it is now, if that was not read yet.
    stale : tuple of Span
        Predictions that do not follow from the anchors any more.
    renewing : tuple of Span
        Those that a run is renewing at present.
    slice : tuple of (axis, index)
        Where the further axes of the image stood.
    """

    settings: Settings | None = None
    points_layer: str = ""
    user_points: Queries | None = None
    clicked: Clicked | None = None
    stale: tuple[Span, ...] = ()
    renewing: tuple[Span, ...] = ()
    slice: tuple[tuple[int, int], ...] = ()

    def write(self, project: Project, keys: Iterable[str] | None = None) -> None:
        """Put facts into a project file; all by default.

        Raises
        ------
        ProjectError
            The file cannot be written.
        """
        plain: dict[str, Callable[[], Any]] = {
            "settings": lambda: self.settings and self.settings.to_dict(),
            "points_layer": lambda: self.points_layer,
            "user_points": lambda: _plain_queries(self.user_points),
            CLICKED: lambda: self.clicked and self.clicked.to_dict(),
            # What a killed run was renewing is stale when the file is opened again.
            "stale": lambda: [*self.renewing, *self.stale],
            "slice": lambda: list(self.slice),
        }
        wanted = plain if keys is None else plain.keys() & set(keys)
        if wanted:
            project.remember(**{key: plain[key]() for key in wanted})

    @classmethod
    def read(cls, project: Project) -> Memory:
        """Take facts out of a project file."""
        settings = project.recall("settings") or _settings_of(project.last_request())
        points, clicked = project.recall("user_points"), project.recall(CLICKED)
        return cls(
            Settings.from_dict(settings) if settings else None,
            project.recall("points_layer", ""),
            Queries(**points) if points else None,
            Clicked.from_dict(clicked) if clicked else None,
            tuple(Span(*row) for row in project.recall("stale", ())),
            (),
            tuple((axis, index) for axis, index in project.recall("slice", ())),
        )


def _settings_of(asked: RunRequest | None) -> dict[str, Any] | None:
    """Return what a run of the command line was made with."""
    if asked is None:
        return None
    device = asked.more.get("device", "auto")
    return {"model": asked.model, "device": device, "options": dict(asked.options)}


def _plain_queries(queries: Queries | None) -> dict[str, Any] | None:
    if queries is None:
        return None
    return {
        "frame": queries.frame.tolist(),
        "xy": queries.xy.astype(np.float64).tolist(),
        "point_id": queries.point_id.tolist(),
        "name": queries.name,
    }
