"""What a session knows beside its document, kept in the project file too."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from napari_cotracker.project.recovery import CLICKED, SET_ASIDE
from napari_cotracker.tracking import TrackingOptions
from napari_cotracker.tracks import Span
from napari_cotracker.widgets.session.clicked import Clicked
from napari_cotracker.widgets.session.own_points import OwnPoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_cotracker.project import Project
    from napari_cotracker.project.runs import RunRequest
    from napari_cotracker.widgets.layers.coordinates import PixelAxes

OWN_POINTS = "own_points"  # what a project file calls them


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
    own_points : tuple of OwnPoints
        The person's Points layers as they were read, the last one last.
    clicked : Clicked or None
        The layer that is chosen as it is now, if that was not read yet.
    set_aside : tuple of Clicked
        Other layers that were chosen before and were not read yet.
    stale : tuple of Span
        Predictions that do not follow from the anchors any more.
    renewing : tuple of Span
        Those that a run is renewing at present.
    slice : tuple of (axis, index)
        Where the further axes of the image stood.
    """

    settings: Settings | None = None
    own_points: tuple[OwnPoints, ...] = ()
    clicked: Clicked | None = None
    set_aside: tuple[Clicked, ...] = ()
    stale: tuple[Span, ...] = ()
    renewing: tuple[Span, ...] = ()
    slice: tuple[tuple[int, int], ...] = ()

    @property
    def not_read(self) -> tuple[Clicked, ...]:
        """Every layer that was not read yet."""
        return (*([] if self.clicked is None else [self.clicked]), *self.set_aside)

    def holds(self, clicked: Clicked, axes: PixelAxes) -> bool:
        """Tell whether a layer is known as it is, read or not."""
        unread = any(map(clicked.same_as, self.not_read))
        return unread or self.was_read(clicked, axes)

    def was_read(self, clicked: Clicked, axes: PixelAxes) -> bool:
        """Tell whether a run has read a layer as it is, over an image of these axes."""
        return any(own.same_as(clicked, axes) for own in self.own_points)

    def with_unread(self, clicked: Iterable[Clicked], axes: PixelAxes) -> Memory:
        """Return the same facts and further layers, those that they do not hold."""
        new = (layer for layer in clicked if not self.holds(layer, axes))
        return replace(self, set_aside=(*self.set_aside, *new))

    def write(self, project: Project, keys: Iterable[str] | None = None) -> None:
        """Put facts into a project file; all by default.

        Raises
        ------
        ProjectError
            The file cannot be written.
        """
        plain: dict[str, Callable[[], Any]] = {
            "settings": lambda: self.settings and self.settings.to_dict(),
            OWN_POINTS: lambda: [own.to_dict() for own in self.own_points],
            CLICKED: lambda: self.clicked and self.clicked.to_dict(),
            SET_ASIDE: lambda: [clicked.to_dict() for clicked in self.set_aside],
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
        clicked = project.recall(CLICKED)
        return cls(
            Settings.from_dict(settings) if settings else None,
            tuple(map(OwnPoints.from_dict, _own_points_in(project))),
            Clicked.from_dict(clicked) if clicked else None,
            tuple(map(Clicked.from_dict, project.recall(SET_ASIDE, ()))),
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


def _own_points_in(project: Project) -> list[dict[str, Any]]:
    """Return what was read of the person's layers, also by an earlier version."""
    read = project.recall(OWN_POINTS)
    if read is not None:
        return list(read)
    points = project.recall("user_points")  # it remembered the last layer only
    layer = project.recall("points_layer", "")
    return [{"layer": layer, "layer_id": "", "points": points}] if points else []
