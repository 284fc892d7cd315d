"""Results of one image: annotations, the layers that show them, what is stale."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import CoTrackerError, InputError
from napari_cotracker.project import Annotations
from napari_cotracker.project.merging import overlay
from napari_cotracker.project.recovery import SET_ASIDE
from napari_cotracker.widgets.layers.coordinates import (
    PixelAxes,
    placement,
    result_axes,
)
from napari_cotracker.widgets.layers.following import Following
from napari_cotracker.widgets.layers.image_input import position_in, read_image
from napari_cotracker.widgets.layers.layer_looks import METADATA_KEY, POINTS_SUFFIX
from napari_cotracker.widgets.layers.result_layers import ResultLayers
from napari_cotracker.widgets.session.entering import empty_document, enter_points
from napari_cotracker.widgets.session.hand_edits import (
    decided_cells,
    edit_by_hand,
    frames_of,
)
from napari_cotracker.widgets.session.keeping import Keeping
from napari_cotracker.widgets.session.memory import Memory
from napari_cotracker.widgets.session.own_points import followed
from napari_cotracker.widgets.session.recordings import recording_of
from napari_cotracker.widgets.session.staleness import made_stale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from napari.layers import Tracks as TracksLayer

    from napari_cotracker.project import Document, Edit, Project, Recording
    from napari_cotracker.project.runs import RunRequest
    from napari_cotracker.tracks import Span, Tracks
    from napari_cotracker.widgets.layers.image_input import ImageInput
    from napari_cotracker.widgets.layers.layer_looks import Scheduling
    from napari_cotracker.widgets.session.listeners import Listeners
    from napari_cotracker.widgets.session.own_points import OwnPoints
    from napari_cotracker.widgets.session.run import Run


class Session:
    """Annotations of one image layer, and what a person does to them."""

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        source: ImageInput,
        listeners: Listeners,
        schedule: Scheduling,
    ) -> None:
        self.image = image
        self.axes: PixelAxes = result_axes(source.axes)
        self.kept = Keeping(
            Annotations(empty_document(source.n_frames, source.size)),
            Memory(slice=tuple(source.axes.fixed.items())),
            self._describe,
            listeners.warned,
        )
        place = partial(placement, image, source.axes)
        self.layers = ResultLayers(
            viewer,
            image,
            place,
            source.size,
            self.read_layer,
            lambda: listeners.edited(self, ""),
            schedule,
        )
        self._following = Following(
            image, place, lambda: (self.layers.points, self.layers.trails)
        )
        self._following.align()  # trails that were left may lie elsewhere
        self._listeners = listeners
        # Steps that were made since the present run began, and whether as an edit.
        self._steps_since: list[tuple[Edit, bool]] = []

    @property
    def annotations(self) -> Annotations:
        """The document and the history of its edits."""
        return self.kept.annotations

    @property
    def memory(self) -> Memory:
        """Facts about them."""
        return self.kept.memory

    @property
    def document(self) -> Document:
        """Everything that is known and decided."""
        return self.annotations.document

    @property
    def project(self) -> Project | None:
        """The file in which all this is kept, saved or not, if there is one."""
        return self.kept.project

    @property
    def has_tracks(self) -> bool:
        """Whether there is any track."""
        return self.document.tracks.n_tracks > 0

    # -- runs -----------------------------------------------------------------

    def fits(self, source: ImageInput) -> bool:
        """Tell whether a recording has the frames and the size of this one."""
        tracks = self.document.tracks
        return (tracks.n_frames, tracks.size) == (source.n_frames, source.size)

    def refuse_other_slice(self, source: ImageInput) -> None:
        """Refuse to mix results of two slices or channels in one pair of layers.

        Raises
        ------
        InputError
            The viewer shows another slice than the results were made of.
        """
        now = tuple(source.axes.fixed.items())
        if not self.has_tracks:
            self.axes = result_axes(source.axes)
            self.remember(slice=now)
        elif now != self.memory.slice:
            labels = self.image.axis_labels
            where = ", ".join(f"axis {labels[a]} at {i}" for a, i in self.memory.slice)
            raise InputError(
                f"The tracks of '{self.image.name}' were made with {where}; move the "
                f"sliders there, or delete '{self.image.name} {POINTS_SUFFIX}' to "
                "start afresh."
            )

    def enter(self, own: OwnPoints, before: OwnPoints | None) -> bool:
        """Take up what changed in the person's own points; tell whether anything did.

        Parameters
        ----------
        own : OwnPoints
            A layer as it is now.
        before : OwnPoints or None
            The same layer as it was read before; nothing of others is ever gone.

        Raises
        ------
        ProjectError
            The project file cannot be written.
        """
        old = None if before is None else before.points
        document = enter_points(self.document, old, own.points)
        changed = document is not self.document
        if changed:
            self.kept.take(document)
        others = (read for read in self.memory.own_points if read is not before)
        left = [x for x in self.memory.not_read if x.layer != own.layer]
        self.remember(own_points=(*others, own), clicked=None, set_aside=tuple(left))
        return changed

    def begin(self, asked: RunRequest | None, *, go_on: bool) -> None:
        """Let a run begin: what is edited from now on is kept whatever it finds.

        Parameters
        ----------
        asked : RunRequest or None
            A run over everything; None renews what is stale.
        go_on : bool
            Whether it was interrupted and is in the project file already.

        Raises
        ------
        ProjectError
            The project file cannot be written.
        """
        self._steps_since.clear()
        if asked is not None:
            self.layers.wants_trails = True  # also where they were deleted
        if go_on:
            return
        self.kept.begin(asked)
        self.remember(stale=(), renewing=self.memory.stale)

    def take(self, run: Run, found: Tracks, window: bytes | None = None) -> None:
        """Take over what an unfinished run knows; edits made meanwhile stay.

        Parameters
        ----------
        run : Run
        found : Tracks
        window : bytes or None
            What the project file keeps of the window that was finished.

        Raises
        ------
        ProjectError
            The project file cannot be written.
        """
        self.kept.take(self._with_found(run, found, complete=False), window)

    def end(self, run: Run, found: Tracks | None, *, complete: bool) -> None:
        """Let a run end; what it did not get to stays stale.

        Parameters
        ----------
        run : Run
        found : Tracks or None
            What it knows in the end.
        complete : bool

        Raises
        ------
        ProjectError
            The project file cannot be written.
        """
        left = self.memory.stale
        if not complete:
            left = (*self.memory.renewing, *left)
        elif run.is_whole:
            left = run.stale_by_now(self.document)  # it may have begun long ago
        if found is not None:
            document = self._with_found(run, found, complete=complete)
            if complete and run.is_whole:
                self.kept.finish(document)
            else:
                self.kept.take(document)
        self.remember(stale=tuple(dict.fromkeys(left)), renewing=())

    def _with_found(self, run: Run, found: Tracks, *, complete: bool) -> Document:
        self.read_layer()  # an edit that was not read yet
        if run.settings != self.memory.settings:
            self.remember(settings=run.settings)  # not before they proved to work
        kept = decided_cells(self.document.tracks, self._steps_since)
        return overlay(self.document, found, run.asked(found), kept, complete=complete)

    # -- edits ----------------------------------------------------------------

    def edit(self, make: Callable[[Document], Edit]) -> None:
        """Make an edit of the present document; errors are told, not raised."""
        self.read_layer()
        before = self.document
        try:
            edit = make(before)
            self.kept.edit(edit)
        except CoTrackerError as error:
            self.show()
            self._listeners.failed(error)
            return
        self._after(before, edit, edit.sentence)

    def undo(self) -> None:
        """Take the last edit back."""
        self._travel(self.kept.undo, "Taken back: ")

    def redo(self) -> None:
        """Do the edit again that was last taken back."""
        self._travel(self.kept.redo, "Done again: ")

    def read_layer(self) -> None:
        """Make an edit of what a person changed in the editable layer, if anything."""
        reading = self.layers.read()
        if reading is None or reading.is_empty:
            return
        before, edit = self.document, None
        try:
            edit = edit_by_hand(before, reading)
            if edit is not None:
                self.kept.edit(edit)
        except CoTrackerError as error:
            self.show()
            self._listeners.failed(error)
            return
        sentence = "" if edit is None else edit.sentence
        self._after(before, edit, f"{sentence} {reading.remark}".strip())

    def _travel(self, step: Callable[[], Edit | None], prefix: str) -> None:
        self.read_layer()
        before = self.document
        try:
            edit = step()
        except CoTrackerError as error:
            self._listeners.failed(error)
            return
        if edit is not None:
            self._after(before, edit, prefix + edit.sentence, travelled=True)
            self.layers.bring_into_view(frames_of(edit))

    def _after(
        self,
        before: Document,
        edit: Edit | None,
        sentence: str,
        *,
        travelled: bool = False,
    ) -> None:
        if edit is not None:
            self._steps_since.append((edit, not travelled))
            own = followed(self.memory.own_points, before, self.document)
            if own is not self.memory.own_points:
                self.remember(own_points=own)
            stale = made_stale(
                self.memory, before, self.document, edit, travelled=travelled
            )
            if stale:
                self.set_stale((*self.memory.stale, *stale))
        self.show()
        self._listeners.edited(self, sentence)

    def set_stale(self, spans: Iterable[Span]) -> None:
        """Say which spans are to be tracked again."""
        self.remember(stale=tuple(dict.fromkeys(spans)))

    def remember(self, **values: Any) -> None:
        """Keep further facts about these annotations."""
        self.kept.remember(**values)

    # -- layers ---------------------------------------------------------------

    def show(self, *, at_once: bool = True) -> None:
        """Write both layers from the tracks; the first call adds them."""
        self.layers.show(self.document.tracks, self.axes, at_once=at_once)
        self._store()

    def restore(self, points: Points, trails: TracksLayer | None) -> None:
        """Take up layers, and the results kept with them, of a closed dock."""
        kept = points.metadata[METADATA_KEY]
        self.kept.go_on_in(kept["annotations"], kept["memory"])
        self.axes = kept["axes"]
        self.layers.restore(points, trails, kept["tracks"], self.axes, kept["shown"])
        self._following.align()

    def keep_in(self, project: Project, memory: Memory, axes: PixelAxes) -> None:
        """Go on with a project, in its slice; points that it has not read go there.

        Raises
        ------
        ProjectError
            Its file cannot be written.
        """
        own = result_axes(axes)
        if not self.has_tracks:
            memory = memory.with_unread(self.memory.not_read, own)
            memory.write(project, [SET_ASIDE])
            self.kept.drop()
        self.kept.go_on_in(project, memory)
        self.axes = own
        self.layers.chosen, self.layers.wants_trails = None, True
        self._steps_since.clear()
        self._store()

    def save_in(self, project: Project) -> None:
        """Go on in a file that a person has chosen and that holds everything."""
        self.kept.save_in(project)
        self._store()

    def release(self) -> None:
        """Stop listening; a dock that is opened again can go on."""
        self.read_layer()
        self._store()
        self._stop_listening()

    def close(self) -> None:
        """Stop listening for good."""
        self._stop_listening()
        self.kept.close()

    def _stop_listening(self) -> None:
        self._following.leave()
        self.layers.release()

    def position(self) -> tuple[float, ...]:
        """Return a world position in the slice that the results are of."""
        return position_in(self.image, dict(self.memory.slice))

    def _describe(self) -> tuple[str, Recording]:
        source = read_image(self.image, self.position())
        return self.image.name, recording_of(self.image, source)

    def _store(self) -> None:
        """Keep the results with the layer, so that a closed dock loses nothing."""
        about: dict[str, Any] = {"image": self.image.name}
        if self.memory.settings is not None:
            about |= self.memory.settings.to_dict()
        self.layers.store(
            about,
            {
                "annotations": self.annotations,
                "memory": self.memory,
                "axes": self.axes,
            },
        )
