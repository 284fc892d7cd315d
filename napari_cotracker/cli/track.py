"""``napari-cotracker track``: follow query points through a recording."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cotracker.cli.following import Outcome, follow
from napari_cotracker.cli.interrupts import finishing_first
from napari_cotracker.cli.options import add_flags
from napari_cotracker.cli.outputs import (
    check_apart,
    check_output,
    check_video_output,
    try_format,
    write_or_rescue,
)
from napari_cotracker.cli.project_run import (
    add_project_flags,
    check_flags,
    enter,
    keep,
    open_project,
    plan,
    reading_of,
)
from napari_cotracker.cli.recording import add_reading_flags
from napari_cotracker.cli.result import exit_code_of, summarise
from napari_cotracker.tracking.options import TrackingOptions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from napari_cotracker.cli.console import Console
    from napari_cotracker.cli.interrupts import AtOnce
    from napari_cotracker.cli.project_run import Task
    from napari_cotracker.project import Project
    from napari_cotracker.tracking import Progress
    from napari_cotracker.tracks import Tracks
    from napari_cotracker.video import FrameSource

    Steps = Generator[Progress, None, object]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    add = parser.add_argument
    add(
        "video",
        metavar="VIDEO",
        type=Path,
        nargs="?",
        help="video, TIFF stack, folder of images or zarr; a project knows its own",
    )
    add(
        *("--queries", "-q"),
        metavar="CSV",
        type=Path,
        help="points to follow: columns track,frame,x,y and optionally name; or labels "
        "in any format that is read, a project too",
    )
    add(
        *("--out", "-o"),
        metavar="TRACKS",
        type=Path,
        help="where the tracks go; the suffix names the format",
    )
    add("--format", metavar="NAME", help="format of TRACKS, if not by its suffix")
    add("--overlay", metavar="MP4", type=Path, help="also draw the tracks on a video")
    add("--overwrite", action="store_true", help="replace existing outputs")
    add_project_flags(parser)
    add_model_flags(parser)
    # Not given is not the same as the default: the project may say otherwise.
    parser.set_defaults(model=None)
    add_reading_flags(parser)
    add_flags(parser, TrackingOptions)


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a network and of where it runs."""
    parser.add_argument(
        *("--model", "-m"),
        default="compact",
        help="name of a model, or path of a checkpoint (default: compact)",
    )
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)"
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the network: for long recordings (minutes before it starts)",
    )


def load_chosen(args: argparse.Namespace, model: str, dtype: str) -> Any:
    """Load a network onto the chosen device, compiled if that was asked for."""
    from napari_cotracker.tracking.models import load_model

    return load_model(model, args.device, dtype, compiled=args.compile)


def run(args: argparse.Namespace, console: Console) -> int:
    """Check everything that can be checked, track, and save."""
    check_flags(args)
    check_outputs(args)
    from napari_cotracker.video import open_video

    with ExitStack() as stack:
        project = open_project(args)
        if project is not None:
            stack.enter_context(project)
        task = plan(args, project)
        video = args.video if project is None else project.find_recording()
        source = open_video(
            video,
            contrast_limits=task.options.contrast_limits,
            channels=task.options.channels,
            **reading_of(args, task),
        )
        stack.enter_context(source)
        console.say(source.describe())
        task.request.queries.check_inside(len(source), source.size)
        if args.out is not None:
            try_format(task.request.queries, args.out, args.format)
        steps = None
        if task.is_done:
            console.say("The run in the project is finished; nothing is left to track.")
        else:
            steps, project = _begin(args, task, project, source, console)
            if project is not None:
                stack.enter_context(project)
        with finishing_first(console.complain) as at_once:
            outcome = _outcome(steps, project, console, at_once)
            result = {"video": str(video), **_report(args, task, source, outcome)}
            if outcome.tracks is not None:
                result |= save(outcome.tracks, source, args, at_once)
        console.report_run(result)
        return exit_code_of(outcome, console)


def _begin(
    args: argparse.Namespace,
    task: Task,
    project: Project | None,
    source: FrameSource,
    console: Console,
) -> tuple[Steps, Project | None]:
    """Load the model, and return the run and the project that keeps it."""
    from napari_cotracker.tracking import FinishedWindow, check_run, track_iter

    # The source was opened with these two already.
    options = replace(task.options, contrast_limits=None, channels=None)
    model = load_chosen(args, task.request.model, task.options.dtype)
    check_run(source, task.request.queries, model, options, task.request.constraints)
    project = enter(args, task, project, source)
    if task.windows:
        console.say(f"{len(task.windows)} windows were finished before.")
    steps: Any = track_iter(
        source,
        task.request.queries,
        model,
        options,
        constraints=task.request.constraints,
        resume=[FinishedWindow.from_bytes(window) for window in task.windows],
    )
    return (steps if project is None else keep(steps, project, task.options)), project


def _outcome(
    steps: Steps | None, project: Project | None, console: Console, at_once: AtOnce
) -> Outcome:
    """Run; where a project keeps it, the outcome is what that holds then."""
    outcome = Outcome(None, 0, 0, 0.0)
    if steps is not None:
        outcome = follow(steps, console, at_once)
    if project is None or (steps is not None and outcome.tracks is None):
        return outcome
    return replace(outcome, tracks=project.document.tracks)


def _report(
    args: argparse.Namespace, task: Task, source: FrameSource, outcome: Outcome
) -> dict[str, Any]:
    result = {
        "shown": source.describe(),
        "contrast_limits": source.contrast_limits,
        "model": task.request.model,
        **summarise(outcome),
    }
    if task.windows:  # part of the frames were tracked in other seconds
        result.pop("frames_per_second", None)
    for key in ("project", "out", "overlay"):
        if getattr(args, key) is not None and outcome.tracks is not None:
            result[key] = str(getattr(args, key))
    return result


def check_outputs(args: argparse.Namespace) -> None:
    """Refuse outputs that could not be written, before anything is computed.

    Raises
    ------
    InputError, FormatError
        Existing or impossible files, unknown formats, or outputs that would
        overwrite an input.
    """
    from napari_cotracker.io.registry import format_of

    if args.out is not None:
        chosen = format_of(args.out, args.format)
        check_output(args.out, overwrite=args.overwrite, folder=chosen.folder)
    if args.project is not None and not args.project.exists():
        check_output(args.project, overwrite=False)
    if args.overlay is not None:
        check_video_output(args.overlay, overwrite=args.overwrite)
    inputs = [path for path in (args.video, args.queries) if path is not None]
    check_apart((args.out, args.overlay, args.project), inputs)
    check_apart((args.out, args.overlay), [args.project] if args.project else [])


def save(
    tracks: Tracks, source: FrameSource, args: argparse.Namespace, at_once: AtOnce
) -> dict[str, Any]:
    """Write the tracks, then the overlay, as far as they were asked for.

    Returns
    -------
    dict
        What of the tracks the format could not hold, in words.

    Raises
    ------
    CoTrackerError
        Something could not be written; the message says where it is instead.
    """
    said = {}
    if args.out is not None:
        timed = replace(tracks, fps=source.fps, times=source.times)
        losses = _save_tracks(timed, args)
        said["not_kept"] = "; ".join(losses) or "nothing: the file holds all"
    if args.overlay is not None:
        from napari_cotracker.overlay import write_overlay

        def draw(path: Path) -> None:
            write_overlay(source, tracks, path, overwrite=args.overwrite)

        with at_once():  # the tracks are safe, and this takes long
            write_or_rescue(draw, args.overlay)
    return said


def _save_tracks(timed: Tracks, args: argparse.Namespace) -> tuple[str, ...]:
    from napari_cotracker.io import save_tracks

    losses: list[str] = []

    def write(path: Path) -> None:
        losses[:] = save_tracks(timed, path, args.format, overwrite=args.overwrite)

    def as_json(path: Path) -> None:
        save_tracks(timed, path, "json")

    write_or_rescue(write, args.out, as_json)
    return tuple(losses)
