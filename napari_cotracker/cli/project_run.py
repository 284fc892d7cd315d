"""What ``track`` is to do: from its flags, and from the project that keeps the run."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker import __version__
from napari_cotracker.cli.options import chosen
from napari_cotracker.errors import InputError, ProjectError
from napari_cotracker.project import Annotations, Project, Recording, RunRequest
from napari_cotracker.project.merging import document_of, overlay
from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracks import Constraints, Queries

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    import numpy.typing as npt

    from napari_cotracker.tracking import Progress
    from napari_cotracker.video import FrameSource

DEFAULT_MODEL = "compact"
# What open_video may be told that is no tracking option.
READING = ("axes", "plane", "fps")
# What it may be told that is one: also a matter of the recording, not of one run.
LOOK = ("channels", "contrast_limits")


@dataclass(frozen=True, eq=False)
class Task:
    """A run as it was asked for.

    Parameters
    ----------
    options : TrackingOptions
    request : RunRequest
    windows : tuple of bytes
        Finished in an earlier run, which this one continues.
    is_done : bool
        The project holds the result already.
    """

    options: TrackingOptions
    request: RunRequest
    windows: tuple[bytes, ...] = ()
    is_done: bool = False


def add_project_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a run that is kept in a project."""
    parser.add_argument(
        "--project",
        metavar="CTK",
        type=Path,
        help="keep points, finished windows and result in this file; it is made if it "
        "does not exist, else its own points are followed and --queries left out",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in the project that was not finished",
    )


def check_flags(args: argparse.Namespace) -> None:
    """Refuse flags that do not go together (:class:`InputError`)."""
    there = args.project is not None and args.project.exists()
    if args.resume and args.project is None:
        raise InputError("--resume needs the --project that was not finished.")
    if args.project is None and args.out is None:
        raise InputError("Say where the tracks go: --out TRACKS, or --project CTK.")
    if not there and args.video is None:
        raise InputError("Name the recording: napari-cotracker track VIDEO ...")
    if not there and args.queries is None:
        raise InputError(
            "Give the points to follow: --queries CSV, or a --project that has some."
        )
    if there and args.queries is not None and not args.resume:
        raise InputError(
            f"The project {args.project} exists already; add --resume to go on with "
            "its run, leave out --queries to follow its own points, or name another "
            "file."
        )


def open_project(args: argparse.Namespace) -> Project | None:
    """Open the project if it exists; None if it is to be made, or none is wanted."""
    if args.project is None or not args.project.exists():
        return None
    project = Project.open(args.project)
    try:
        if args.video is not None:
            project.move_recording(args.video)
    except BaseException:
        project.close()
        raise
    return project


def plan(args: argparse.Namespace, project: Project | None) -> Task:
    """Say what is to be done.

    Raises
    ------
    CoTrackerError
        There are no points, or the project's run is another one.
    """
    from napari_cotracker.project.tracks_format import load_queries
    from napari_cotracker.weights import digest_of

    stored = None if project is None else project.unfinished_run()
    if stored is not None and not args.resume and not args.overwrite:
        raise InputError(
            f"The project {args.project} has a run that was not finished "
            f"({len(stored.windows)} windows are); add --resume to go on with it, or "
            "--overwrite to drop it and begin afresh."
        )
    before = None if project is None else project.last_request()
    earlier = _resumed(args, before)
    given = _look(before) if earlier is None else dict(earlier.options)
    options = TrackingOptions.from_plain({**given, **chosen(args, TrackingOptions)})
    if args.queries is not None:
        queries = load_queries(args.queries)
    else:
        assert project is not None  # see check_flags
        queries = _own_points(project, options) if earlier is None else earlier.queries
    model = args.model or (DEFAULT_MODEL if earlier is None else earlier.model)
    constraints = (
        Constraints.none() if project is None else project.document.constraints
    )
    request = RunRequest(
        queries,
        str(model),
        digest_of(model),
        asdict(options),
        constraints if earlier is None else earlier.constraints,
        more={
            "device": args.device,
            "version": __version__,
            **_reading(before),
            **_said(args),
        },
    )
    if earlier is None:
        return Task(options, request)
    _refuse_another(args.project, request, earlier)
    _refuse_other_reading(args, earlier)
    windows = () if stored is None else stored.windows
    return Task(options, earlier, windows, is_done=stored is None)


def reading_of(args: argparse.Namespace, task: Task) -> dict[str, Any]:
    """Return how the recording is to be read: as said now, else as said before."""
    return {**_reading(task.request), **_said(args)}


def enter(
    args: argparse.Namespace, task: Task, project: Project | None, source: FrameSource
) -> Project | None:
    """Enter a run into its project, which is made if there is none yet."""
    if args.project is None:
        return None
    if project is None:
        queries = task.request.queries
        document = document_of(
            queries, len(source), source.size, source.fps, source.times
        )
        recording = Recording.of_file(args.video, (len(source), *source.size))
        project = _made(args.project, Annotations(document), recording)
    elif (project.document.tracks.n_frames, project.document.tracks.size) != (
        len(source),
        source.size,
    ):
        raise ProjectError(
            f"The project {args.project} is about {project.document.tracks.n_frames} "
            f"frames of (height, width) {project.document.tracks.size}, but the "
            f"recording has {len(source)} of {source.size}; open it as before."
        )
    if not task.windows:
        project.begin_run(task.request)
    return project


def keep(
    steps: Generator[Progress, None, object], project: Project, options: TrackingOptions
) -> Generator[Progress, None, None]:
    """Pass on the steps of a run, each in the project before it is passed on."""
    found = None
    with closing(steps):
        for step in steps:
            found = step.tracks_so_far
            if step.window is not None:
                asked = _asked(found.source.shape, options)
                document = overlay(project.document, found, asked, complete=False)
                project.add_window(step.window.to_bytes(), document)
            yield step
    if found is not None:
        asked = _asked(found.source.shape, options)
        project.finish_run(overlay(project.document, found, asked, complete=True))


def _made(path: Path, annotations: Annotations, recording: Recording) -> Project:
    try:
        return Project.create(path, annotations, recording)
    except ProjectError as error:
        if not isinstance(error.__cause__, FileExistsError):
            raise
        raise ProjectError(
            f"The project {path} was made by another run since this one began; that "
            "one was left as it is. Name another file with --project, or wait for the "
            "other run and leave out --queries to follow its points again."
        ) from error


def _said(args: argparse.Namespace) -> dict[str, Any]:
    values = {key: getattr(args, key) for key in READING}
    return {key: value for key, value in values.items() if value is not None}


def _reading(request: RunRequest | None) -> dict[str, Any]:
    return {key: request.more.get(key) if request else None for key in READING}


def _look(request: RunRequest | None) -> dict[str, Any]:
    chosen_then = {} if request is None else request.options
    return {key: chosen_then[key] for key in LOOK if key in chosen_then}


def _resumed(args: argparse.Namespace, before: RunRequest | None) -> RunRequest | None:
    """Return the request that this run is to go on with."""
    earlier = before if args.resume else None
    if earlier is not None and earlier.spans:
        raise InputError(
            f"The unfinished run of {args.project} renews parts of a result; open the "
            "project in the dock to go on, or add --overwrite without --resume."
        )
    return earlier


def _refuse_another(path: Path, request: RunRequest, earlier: RunRequest) -> None:
    other = request.differences(earlier)
    if other:
        raise InputError(
            f"The run in {path} was asked for with other {' and '.join(other)}; repeat "
            "the command as it was, or leave out --resume and --queries to track its "
            "points afresh."
        )


def _refuse_other_reading(args: argparse.Namespace, earlier: RunRequest) -> None:
    for key, value in _said(args).items():
        # The dock does not say how it read the recording.
        if key in earlier.more and value != (then := earlier.more[key]):
            how = f"without --{key}" if then is None else f"with --{key} {then}"
            raise InputError(
                f"The run in {args.project} was begun {how}, and --{key} {value} would "
                "read another recording; leave that out, or leave out --resume to "
                "track afresh."
            )


def _own_points(project: Project, options: TrackingOptions) -> Queries:
    anchors = project.document.anchors()
    if anchors is None:
        raise InputError(f"The project {project.path} has no points to follow.")
    low, high = options.span_in(project.document.tracks.n_frames)
    inside = (anchors.frame >= low) & (anchors.frame <= high)
    if not inside.any():
        raise InputError(
            f"The project {project.path} has no points on frames {low} to {high}."
        )
    return Queries(
        anchors.frame[inside],
        anchors.xy[inside],
        anchors.point_id[inside],
        tuple(np.array(anchors.name, object)[inside]),
    )


def _asked(shape: tuple[int, ...], options: TrackingOptions) -> npt.NDArray[np.bool_]:
    asked = np.zeros(shape, np.bool_)
    first, last = options.span_in(len(asked))
    asked[first : last + 1] = True
    return asked
