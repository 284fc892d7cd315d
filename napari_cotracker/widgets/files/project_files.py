"""Project files of the images in a viewer: saved under a name, and opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError, ProjectError
from napari_cotracker.project import Project, recovery
from napari_cotracker.widgets.files.video_reader import read_video
from napari_cotracker.widgets.layers.image_input import position_in, read_image
from napari_cotracker.widgets.session.memory import Memory
from napari_cotracker.widgets.session.recordings import path_of, recording_of, shows

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image

    from napari_cotracker.project import Recording
    from napari_cotracker.widgets.layers.image_input import ImageInput
    from napari_cotracker.widgets.runs.controller import TrackingController
    from napari_cotracker.widgets.session.session import Session

SUFFIX = ".ctk"
VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .ts .wmv .flv .ogv .gif".split()
)


def save_project(controller: TrackingController, session: Session, path: Path) -> None:
    """Keep a session in a project file from now on; every edit is then on disk at once.

    Raises
    ------
    ProjectError
        The file cannot be written; the session goes on as before.
    """
    session.read_layer()
    before = session.project
    same = before is not None and before.path.resolve() == path.resolve()
    if before is not None and same and before.is_in_place:
        return  # it holds everything already
    source = read_image(session.image, session.position())
    recording = recording_of(session.image, source)
    if before is not None:
        project = before.copied(path, recording, overwrite=True)
    else:
        project = _written(controller, session, path, recording)
    session.save_in(project)


def _written(
    controller: TrackingController, session: Session, path: Path, recording: Recording
) -> Project:
    """Return a new project of what is in memory only."""
    project = Project.create(path, session.annotations, recording, overwrite=True)
    try:
        session.memory.write(project)
        run = controller.run
        if run is not None and run.session is session and run.request is not None:
            project.begin_run(run.request)  # its further windows go there
    except BaseException:
        project.close()
        raise
    return project


def open_project(controller: TrackingController, path: Path) -> Session:
    """Go on with a project: its recording is shown, opened if it has to be.

    Raises
    ------
    CoTrackerError
        The project or its recording cannot be used; nothing was changed.
    """
    for known in controller.sessions():
        known.read_layer()  # an edit, which may begin a renewal
    if controller.run is not None:
        raise InputError("Tracking is running; cancel it or wait for its end.")
    for known in controller.sessions():
        if known.project is not None and known.project.path.resolve() == path.resolve():
            return known
    project = Project.open(path)
    try:
        memory = Memory.read(project)
        image = _image_of(controller, project, memory)
        position = position_in(image, dict(memory.slice))
        source = read_image(image, position)
        _refuse_other_shape(project, source, image)
        session = controller.session_of(image) or controller.session_for(image, source)
        session.keep_in(project, memory, source.axes)
    except BaseException:
        project.close()
        raise
    _show_slice(controller, image, position, memory)
    controller.enter(session)
    if session.has_tracks or session.layers.points is not None:
        session.show()  # or nothing, over what was shown before
    for clicked in memory.not_read:
        controller.show_clicked(image, clicked)
    return session


def _image_of(
    controller: TrackingController, project: Project, memory: Memory
) -> Image:
    """Return the image of a project's recording, opening it if it is a file."""
    images = controller.image_layers()
    if not project.recording.path:
        for image in images:
            if shows(image, project.recording, dict(memory.slice)):
                return image
        raise ProjectError(_no_file(project))
    path = _file_of(images, project)
    for image in images:
        shown = path_of(image)
        if shown is not None and shown.resolve() == path.resolve():
            return image
    image = _opened(controller, path)
    image.name = project.recall(recovery.IMAGE, "") or image.name
    return image


def _no_file(project: Project) -> str:
    if not recovery.is_unsaved(project.path):
        return (
            f"The recording of '{project.path.name}' is not a file; open it in napari "
            "as before, then open the project again."
        )
    name = project.recall(recovery.IMAGE, "")
    return (
        f"'{name}' was no file, so it cannot be opened from here; show the same data "
        "in napari as before, then restore the work on it."
    )


def _file_of(images: list[Image], project: Project) -> Path:
    """Return where the recording lies; where it was moved to, if it is shown."""
    try:
        return project.find_recording()
    except ProjectError:
        for path in filter(None, map(path_of, images)):
            if project.recording.is_same_as(path):
                project.move_recording(path)
                return path
        raise


def _opened(controller: TrackingController, path: Path) -> Image:
    if path.suffix.lower() in VIDEO_SUFFIXES:
        ((data, look, _),) = read_video(str(path))
        return controller.viewer.add_image(data, **look)
    before = set(controller.image_layers())
    controller.viewer.open(str(path), plugin="napari")
    new = [image for image in controller.image_layers() if image not in before]
    if not new:
        raise ProjectError(
            f"napari cannot show '{path}'; open it in another way first."
        )
    return new[0]


def _refuse_other_shape(project: Project, source: ImageInput, image: Image) -> None:
    tracks = project.document.tracks
    if (tracks.n_frames, tracks.size) != (source.n_frames, source.size):
        raise ProjectError(
            f"'{project.path.name}' is about {tracks.n_frames} frames of size "
            f"{tracks.size}, but '{image.name}' has {source.n_frames} of size "
            f"{source.size}; open the recording it was made for."
        )


def _show_slice(
    controller: TrackingController,
    image: Image,
    position: tuple[float, ...],
    memory: Memory,
) -> None:
    dims = controller.viewer.dims
    for axis, _ in memory.slice:
        dims.set_point(dims.ndim - image.ndim + axis, position[axis])
