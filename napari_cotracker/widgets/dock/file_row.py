"""The row of the dock for files: projects opened and saved, tracks exported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_cotracker.errors import CoTrackerError
from napari_cotracker.widgets.dock.controls import button, evenly
from napari_cotracker.widgets.files.export_formats import (
    export_filters,
    format_asked,
    with_format,
)
from napari_cotracker.widgets.files.project_files import (
    SUFFIX,
    open_project,
    save_project,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.widgets.runs.controller import TrackingController
    from napari_cotracker.widgets.session.session import Session

PROJECT_FILTER = f"Projects (*{SUFFIX})"
GO_ON = " A run was interrupted; press Run to let it go on."


class FileRow:
    """Three buttons and their dialogs.

    Parameters
    ----------
    parent : QWidget
        Dialogs stand over it.
    controller : TrackingController
    session : () -> Session or None
        The session of the image that is chosen.
    on_open : (Session) -> None
        A project was opened.
    on_message : (str) -> None
        Told what was done.
    on_error : (Exception) -> None
        Told why it was not.
    """

    def __init__(
        self,
        parent: QWidget,
        controller: TrackingController,
        session: Callable[[], Session | None],
        on_open: Callable[[Session], None],
        on_message: Callable[[str], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._on_opened = on_open
        self._on_message = on_message
        self._on_error = on_error
        self._parent = parent
        self._controller = controller
        self._session = session
        self.open_project = button(
            "open_project", "Open…", "Go on with a project file, recording and all"
        )
        self.save_project = button(
            "save_project",
            "Save…",
            "Keep everything in a project file; from then on every edit and every "
            "finished window is on disk at once",
        )
        self.export = button("export", "Export…", "Save the tracks for other programs")
        self.row = evenly(self.open_project, self.save_project, self.export)
        self.open_project.clicked.connect(self._on_open)
        self.save_project.clicked.connect(self._on_save)
        self.export.clicked.connect(self._on_export)

    def refresh(self, busy: bool) -> None:
        """Offer what can be done now."""
        session = self._session()
        self.open_project.setEnabled(not busy)
        self.save_project.setEnabled(session is not None)
        self.export.setEnabled(session is not None and session.has_tracks)

    # -- handlers -------------------------------------------------------------

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._parent, "Open project", "", PROJECT_FILTER
        )
        if path:
            self._try(lambda: self._open(Path(path)))

    def _on_save(self) -> None:
        session = self._session()
        if session is None:
            return
        start = f"{_file_name(session)}{SUFFIX}"
        if session.kept.saved_as is not None:
            start = str(session.kept.saved_as)
        # The dialog asks before it overwrites.
        path, _ = QFileDialog.getSaveFileName(
            self._parent, "Save project", start, PROJECT_FILTER
        )
        chosen = self._with_suffix(path, SUFFIX)
        if chosen is not None:
            self._try(lambda: self._save(session, chosen))

    def _on_export(self) -> None:
        session = self._session()
        if session is None:
            return
        path, kind = QFileDialog.getSaveFileName(
            self._parent,
            "Export tracks",
            f"{_file_name(session)} tracks.csv",
            ";;".join(export_filters()),
        )
        chosen = self._with_suffix(path, format_asked(path, kind))
        if chosen is not None:
            self._try(lambda: self._export(session, chosen))

    def open(self, path: Path) -> str:
        """Go on with a project; return what there is left to do, if anything.

        Raises
        ------
        CoTrackerError
            It, or its recording, cannot be used.
        """
        session = open_project(self._controller, path)
        assert session.project is not None
        interrupted = session.project.unfinished_run() is not None
        self._on_opened(session)
        return GO_ON if interrupted else ""

    # -- inside ---------------------------------------------------------------

    def _open(self, path: Path) -> None:
        left = self.open(path)
        self._on_message(f"{path.name} is open: every edit is saved there.{left}")

    def _save(self, session: Session, path: Path) -> None:
        save_project(self._controller, session, path)
        self._on_message(f"From now on every edit is saved at once in {path}.")

    def _export(self, session: Session, path: Path) -> None:
        losses = self._controller.export(session.image, path)
        lost = f" It cannot hold {'; '.join(losses)}." if losses else ""
        self._on_message(f"Saved {path.name}.{lost}")

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except CoTrackerError as error:
            self._on_error(error)

    def _with_suffix(self, path: str, suffix: str) -> Path | None:
        """Return a path with a suffix; None if there is none or it may not be used."""
        if not path:
            return None
        chosen = with_format(path, suffix)
        if chosen == Path(path) or not os.path.exists(chosen):
            return chosen
        # The dialog did not see the suffix that was added.
        answer = QMessageBox.question(
            self._parent, "Save", f"{chosen.name} already exists. Replace it?"
        )
        return chosen if answer == QMessageBox.StandardButton.Yes else None


def _file_name(session: Session) -> str:
    return session.image.name.replace("/", "-").replace("\\", "-")
