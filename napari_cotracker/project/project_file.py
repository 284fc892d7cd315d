"""An annotation project on disk: every step is in the file when the call returns."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import InputError, ProjectError
from napari_cotracker.files import replacing
from napari_cotracker.project import runs
from napari_cotracker.project.annotations import Annotations
from napari_cotracker.project.facts import RECORDING, REMEMBERED, fact, set_fact
from napari_cotracker.project.failures import InUseError, ReadOnlyError
from napari_cotracker.project.header import beside, remove_sidecars
from napari_cotracker.project.recording import Recording
from napari_cotracker.project.sqlite_file import SqliteFile, make_empty
from napari_cotracker.project.stored_document import (
    NEXT_ID,
    read_stored,
    write_document,
)
from napari_cotracker.project.stored_journal import StoredJournal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from napari_cotracker.project.document import Document
    from napari_cotracker.project.runs import RunRequest, StoredRun

SUFFIX = ".ctk"


class Project(Annotations):
    """Annotations kept in one SQLite file; make one by :meth:`create` or :meth:`open`.

    ``edit``, ``undo``, ``redo`` and ``take`` are those of :class:`Annotations`; when
    one returns, its step is on disk. If it raises :class:`ProjectError`, the step was
    not taken, neither on disk nor in memory.
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._clock = monotonic()
        document, journal = read_stored(file), StoredJournal(file)
        if fact(file, NEXT_ID) is None:  # an earlier version: history must tell
            document = replace(document, next_id=journal.next_id())
        super().__init__(document, journal)

    @classmethod
    def create(
        cls,
        path: str | Path,
        annotations: Annotations,
        recording: Recording,
        *,
        overwrite: bool = False,
    ) -> Project:
        """Make a project file of annotations and their history, and open it.

        Parameters
        ----------
        path : path
            Usually ends in ``.ctk``.
        annotations : Annotations
            They are copied; go on with the project that is returned.
        recording : Recording
        overwrite : bool
            Whether a file may be there already. A project that is open is never
            replaced.

        Raises
        ------
        ProjectError
            A file is there already, is open, or the folder cannot be written.
        """
        path = Path(path)
        with _made(path, overwrite=overwrite) as part:
            make_empty(part, path)
            file = SqliteFile(part, path)
            with closing(file), file.step():
                set_fact(file, RECORDING, recording.seen_from(path).to_dict())
                write_document(file, None, annotations.document)
                StoredJournal(file).fill(annotations.journal)
        return cls.open(path)

    @classmethod
    def open(cls, path: str | Path) -> Project:
        """Open a project file; nobody else can until it is closed.

        Raises
        ------
        ProjectError
            It is missing, no project, damaged, of a newer version, open elsewhere or
            not writable; it was not changed then.
        """
        file = SqliteFile(Path(path))
        try:
            return cls(file)
        except BaseException:
            file.close()
            raise

    def copied(
        self, path: str | Path, recording: Recording, *, overwrite: bool = False
    ) -> Project:
        """Copy the file with everything in it, runs included, and open the copy.

        Parameters
        ----------
        path : path
        recording : Recording
            Where it lies, and what it is like, now.
        overwrite : bool
            As for :meth:`create`.

        Raises
        ------
        ProjectError
            As for :meth:`create`. This project stays open, unless the copy takes the
            place from which its file was moved, deleted or replaced.
        """
        with _made(Path(path), overwrite=overwrite) as part:
            self._file.copy_into(part, Path(path))
            with closing(SqliteFile(part, Path(path))) as file:
                set_fact(file, RECORDING, recording.seen_from(Path(path)).to_dict())
            if self._file.lies_at(Path(path)):
                self.close()  # its log lies where that of the copy will be
        return type(self).open(path)

    @property
    def is_in_place(self) -> bool:
        """Whether the file was neither moved nor deleted since it was opened."""
        return self._file.is_in_place

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._file.path

    def close(self) -> None:
        """Close the file; the annotations can still be read."""
        self._file.close()

    def __enter__(self) -> Project:
        """Return the project."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    # -- the recording --------------------------------------------------------

    @property
    def recording(self) -> Recording:
        """Which recording this is about."""
        return Recording.from_dict(fact(self._file, RECORDING))

    def find_recording(self) -> Path:
        """Return where the recording lies (:class:`ProjectError` if gone or changed).

        One that moved together with the project is found, and remembered there.
        """
        found = self.recording.find(self.path)
        self.move_recording(found)
        return found

    def move_recording(self, path: Path) -> None:
        """Remember another place of the recording.

        Raises
        ------
        ProjectError
            What lies there is another recording.
        """
        recording = self.recording
        recording.check(path)
        moved = replace(recording, path=str(path.resolve())).seen_from(self.path)
        if moved != recording:
            with self._file.step():
                set_fact(self._file, RECORDING, moved.to_dict())

    # -- runs -----------------------------------------------------------------

    def begin_run(self, request: RunRequest) -> None:
        """Enter a run; an earlier one that was not finished can then not go on."""
        runs.begin(self._file, request)
        self._clock = monotonic()

    def add_window(self, data: bytes, document: Document) -> None:
        """Store a finished window of the present run and the document it leads to.

        Raises
        ------
        ProjectError
            It cannot be written.
        InputError
            No run was begun.
        """
        run = runs.open_run(self._file)
        if run is None:
            raise InputError("No run was begun in this project; call begin_run first.")
        begin, self._clock = self._clock, monotonic()
        with self._step(document):
            runs.add_window(self._file, run, data, self._clock - begin)

    def finish_run(self, document: Document) -> None:
        """Take over the result of the present run, which is complete."""
        run = runs.open_run(self._file)
        with self._step(document):
            if run is not None:
                runs.finish(self._file, run)

    def unfinished_run(self) -> StoredRun | None:
        """Return the run that can go on, with its windows."""
        return runs.unfinished(self._file)

    def last_request(self) -> RunRequest | None:
        """Return what the latest run was asked for."""
        return runs.last_request(self._file)

    # -- further facts --------------------------------------------------------

    def remember(self, **values: Any) -> None:
        """Keep values that JSON can hold, in one step."""
        with self._file.step():
            for key, value in values.items():
                set_fact(self._file, REMEMBERED + key, value)

    def recall(self, key: str, default: Any = None) -> Any:
        """Return a value that was remembered."""
        return fact(self._file, REMEMBERED + key, default)

    @contextmanager
    def _step(self, after: Document) -> Iterator[None]:
        with super()._step(after), self._file.step():
            write_document(self._file, self._document, after)
            yield


def read_document(path: str | Path) -> Document:
    """Read the document of a project, also where nothing may be written.

    Raises
    ------
    ProjectError
        It cannot be read, or is open elsewhere.
    """
    path = Path(path)
    try:
        with Project.open(path) as project:
            return project.document
    except ReadOnlyError:
        pass
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal"):
            source = beside(path, suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        with Project.open(copy) as project:
            return project.document


@contextmanager
def _made(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a file that becomes the project at ``path`` if the block succeeds."""
    if overwrite and os.path.exists(path):  # that of Path raises if it is too long
        _settle(path)
    with replacing(path, overwrite=overwrite, failure=ProjectError) as part:
        try:
            yield part
        finally:
            remove_sidecars(part)
        remove_sidecars(path)


def _settle(path: Path) -> None:
    """Refuse to replace an open project; complete a closed one from its log."""
    try:
        SqliteFile(path).close()
    except InUseError:
        raise
    except ProjectError:
        pass  # whatever it is, it may be replaced
