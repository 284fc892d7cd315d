"""Where the annotations of a session are kept, and the facts about them.

In the project file that a person has chosen; until there is one, in a file of the
recovery folder; in memory alone before the first click, and where that folder fails.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from napari_cotracker.errors import CoTrackerError, ProjectError
from napari_cotracker.project import Annotations, History, Project, recovery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from napari_cotracker.project import Document, Edit, Recording
    from napari_cotracker.project.runs import RunRequest
    from napari_cotracker.widgets.layers.coordinates import PixelAxes
    from napari_cotracker.widgets.session.clicked import Clicked
    from napari_cotracker.widgets.session.memory import Memory

Answer = TypeVar("Answer")


class Keeping:
    """Annotations and memory of a session, on disk as soon as there is work in them.

    Every step is as durable as that of a :class:`Project`. One that cannot be written
    to the project of a person is refused with :class:`ProjectError`; one that cannot be
    written to the recovery folder is taken all the same, and that is said once.

    Parameters
    ----------
    annotations : Annotations
    memory : Memory
    describe : () -> (str, Recording)
        Name of the image, and its recording.
    warn : (str) -> None
        Told when work is not kept on disk any more.
    """

    def __init__(
        self,
        annotations: Annotations,
        memory: Memory,
        describe: Callable[[], tuple[str, Recording]],
        warn: Callable[[str], None],
    ) -> None:
        self.annotations = annotations
        self.memory = memory
        self._describe = describe
        self._warn = warn
        self._given_up = False
        self._left: Path | None = None  # where it was kept before that

    @property
    def project(self) -> Project | None:
        """The file in which all this is kept, if there is one."""
        return self.annotations if isinstance(self.annotations, Project) else None

    @property
    def saved_as(self) -> Path | None:
        """The project file that a person has chosen."""
        project = self.project
        return None if project is None or self.is_unsaved else project.path

    @property
    def is_unsaved(self) -> bool:
        """Whether the file lies in the recovery folder."""
        project = self.project
        return project is not None and recovery.is_unsaved(project.path)

    # -- steps ----------------------------------------------------------------

    def edit(self, edit: Edit) -> None:
        """Make an edit."""
        self._do(lambda: self.annotations.edit(edit))

    def undo(self) -> Edit | None:
        """Take the last edit back."""
        return self._do(lambda: self.annotations.undo())

    def redo(self) -> Edit | None:
        """Do the edit last taken back again."""
        return self._do(lambda: self.annotations.redo())

    def begin(self, asked: RunRequest | None) -> None:
        """Enter a run over everything, if it is one; from now on there is a file."""
        self.begin_file()

        def step() -> None:
            if self.project is not None and asked is not None:
                self.project.begin_run(asked)

        self._do(step)

    def take(self, document: Document, window: bytes | None = None) -> None:
        """Take over what a run found, and the window that it has finished."""

        def step() -> None:
            if self.project is not None and window is not None:
                self.project.add_window(window, document)
            else:
                self.annotations.take(document)

        self._do(step)

    def finish(self, document: Document) -> None:
        """Take over the result of a run over everything, which is complete."""

        def step() -> None:
            if self.project is not None:
                self.project.finish_run(document)
            else:
                self.annotations.take(document)

        self._do(step)

    def remember(self, **values: Any) -> None:
        """Keep further facts."""
        self.memory = replace(self.memory, **values)

        def step() -> None:
            if self.project is not None:
                self.memory.write(self.project, values)

        self._do(step)

    def keep_clicked(
        self, clicked: Clicked | None, others: Iterable[Clicked], axes: PixelAxes
    ) -> None:
        """Keep the person's points as they are now; the next run will read them.

        Parameters
        ----------
        clicked : Clicked or None
            The layer that is chosen.
        others : iterable of Clicked
            Layers that were chosen before and were not read yet.
        axes : PixelAxes
            Of the results.
        """
        if clicked is not None and self.memory.was_read(clicked, axes):
            clicked = None
        left = tuple(x for x in others if not self.memory.was_read(x, axes))
        known = (self.memory.clicked, *self.memory.set_aside)
        now = (clicked, *left)
        if len(now) == len(known) and all(map(_same, now, known)):
            return
        if clicked is not None or left:
            self.begin_file()
        self.remember(clicked=clicked, set_aside=left)

    # -- files ----------------------------------------------------------------

    def begin_file(self) -> None:
        """See to it that there is a file, unless that has failed before."""
        if self.project is not None or self._given_up:
            return
        try:
            name, recording = self._describe()
            path = recovery.new_file(name)
            project = Project.create(path, self.annotations, recording)
        except CoTrackerError as error:
            self._give_up(error)
            return
        self.annotations = project

        def step() -> None:
            if self.project is not None:
                self.project.remember(**{recovery.IMAGE: name})
                self.memory.write(self.project)

        self._do(step)

    def go_on_in(self, annotations: Annotations, memory: Memory) -> None:
        """Go on with other annotations, such as those of a project file."""
        self.close()
        self.annotations, self.memory = annotations, memory

    def save_in(self, project: Project) -> None:
        """Go on in a file that a person has chosen and that holds everything."""
        own = self.project.path if self.project and self.is_unsaved else self._left
        self.go_on_in(project, self.memory)
        if own is not None:
            with suppress(ProjectError):  # it would only be offered once more
                recovery.remove(own)

    def close(self) -> None:
        """Close the file; unsaved work stays in it, if there is any."""
        project = self.project
        if project is not None:
            project.close()
            if self.is_unsaved:
                recovery.remove_if_empty(project.path)

    def drop(self) -> None:
        """Close the file; what was clicked is not offered, being there still."""
        if self.is_unsaved:
            self.remember(clicked=None, set_aside=())
        self.close()

    def _do(self, step: Callable[[], Answer]) -> Answer:
        try:
            return step()
        except ProjectError as error:
            if not self.is_unsaved:
                raise
            self._give_up(error)
            return step()

    def _give_up(self, error: CoTrackerError) -> None:
        """Go on in memory; what was written so far stays and can be restored."""
        self._given_up = True
        project = self.project
        if project is not None:
            self.annotations, self._left = _in_memory(project), project.path
            project.close()
        cause = error.__cause__ or error
        self._warn(
            f"Unsaved work cannot be kept in '{recovery.recovery_folder()}' "
            f"({getattr(cause, 'strerror', None) or cause}); what you do from here on "
            "is lost if napari ends: save the project."
        )


def _same(one: Clicked | None, two: Clicked | None) -> bool:
    return one is two or (one is not None and one.same_as(two))


def _in_memory(project: Project) -> Annotations:
    journal = project.journal
    try:
        edits = [journal.at(k) for k in range(journal.done + journal.undone)]
        return Annotations(project.document, History(edits, journal.done))
    except ProjectError:  # what was written cannot be read any more either
        return Annotations(project.document)
