"""Track points through a whole recording, or renew parts of a result."""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import InputError
from napari_cotracker.tracking.fusion.fuse import Assembly
from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracking.prepare import (
    check_anchors,
    lives_in,
    loaded,
    make_job,
    plan_walk,
)
from napari_cotracker.tracking.published.predictor import (
    check_reference,
    check_reference_options,
    track_reference,
)
from napari_cotracker.tracking.retrack import (
    cells_of,
    check_spans,
    choose_focus,
    lives_through,
    plan_retracking,
    recall_answers,
    with_new_tracks,
    without_unreachable,
)
from napari_cotracker.tracking.run import one_after_the_other, run_passes
from napari_cotracker.tracks import Constraints, Queries, Tracks
from napari_cotracker.tracks.wording import listed
from napari_cotracker.video import open_video

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from contextlib import AbstractContextManager

    import numpy as np
    import numpy.typing as npt

    from napari_cotracker.tracking.features.store import FeatureStore
    from napari_cotracker.tracking.job import Job
    from napari_cotracker.tracking.progress import Progress
    from napari_cotracker.tracking.windows.finished import FinishedWindow
    from napari_cotracker.tracking.windows.plan import Sign
    from napari_cotracker.tracks import Span
    from napari_cotracker.video import FrameSource

    Steps = Generator[Progress, None, Tracks]

_DEFAULTS = TrackingOptions()
# So many numbers of tracks are named in messages.
_SHOWN_IDS = 9


def track(
    video: Any,
    queries: Queries | npt.ArrayLike,
    model: Any = "compact",
    options: TrackingOptions = _DEFAULTS,
    on_progress: Callable[[Progress], object] | None = None,
    *,
    constraints: Constraints | None = None,
    features: FeatureStore | None = None,
) -> Tracks:
    """Follow points through a recording and wait for the result.

    Parameters
    ----------
    video : path, FrameSource or array
        Arrays are (T, H, W) or (T, H, W, 3 or 4).
    queries : Queries or (N, 3) array
        Rows of (t, x, y): frame and pixels, (0, 0) = centre of the top-left pixel.
    model : str, path or network
        A name, a checkpoint, or anything with ``predict``.
    options : TrackingOptions
    on_progress : callable or None
        Called after every window.
    constraints : Constraints or None
        Where tracks are hidden, do not exist, or are not followed.
    features : FeatureStore or None
        Keeps encoded frames for later runs, and has those of earlier ones.

    Returns
    -------
    Tracks
        One track per ``point_id``; its anchors are reproduced exactly.

    Raises
    ------
    InputError
        Queries, options or model cannot be used with this recording, or constraints
        are about tracks that have no query.
    VideoError, ModelError
        The recording or the network cannot be opened.
    TrackingError
        The network failed on the way.
    """
    tracks = None
    anchors = queries if isinstance(queries, Queries) else Queries.from_txy(queries)
    _refuse_unknown(constraints, anchors)
    steps = track_iter(
        video, anchors, model, options, constraints=constraints, features=features
    )
    with closing(steps):
        for step in steps:
            tracks = step.tracks_so_far
            if on_progress is not None:
                on_progress(step)
    assert tracks is not None  # track_iter yields at least once
    return tracks


def track_iter(
    video: Any,
    queries: Queries | npt.ArrayLike,
    model: Any = "compact",
    options: TrackingOptions = _DEFAULTS,
    *,
    constraints: Constraints | None = None,
    resume: Iterable[FinishedWindow] = (),
    features: FeatureStore | None = None,
) -> Steps:
    """Follow points through a recording, yielding after every window.

    Closing the generator cancels between two windows. The last item holds the final
    tracks, which are also the generator's return value. Parameters and errors are
    those of :func:`track`; nothing is read before the first ``next``. Constraints of
    tracks without a query are left aside: those of a document have some.

    Parameters
    ----------
    resume : iterable of FinishedWindow
        ``Progress.window`` of a run that did not get to its end, with the same
        recording, queries, options, constraints and model: they are not run again,
        and the result is that of a run without interruption, bit for bit (on the
        same machine, with as many threads). Windows of other runs are left aside.
    """
    anchors = queries if isinstance(queries, Queries) else Queries.from_txy(queries)
    with _opened(video, options) as source:
        network = loaded(model, options)
        job = check_run(source, anchors, network, options, constraints)
        if job is None:
            return (yield from _reference(source, anchors, network, options))
        signs: tuple[Sign, Sign] = (1, -1)
        walks = (plan_walk(job, sign, lives_in(job, sign)) for sign in signs)
        planned = [walk for walk in walks if walk is not None]
        assembly = _assembly(job, _nothing_known(source, anchors))
        schedule = one_after_the_other(planned)
        shelf = None if features is None else features.shelf_for(job)
        yield from run_passes(
            job, planned, schedule, assembly, shelf=shelf, resume=resume
        )
        return assembly.snapshot()


def check_run(
    source: FrameSource,
    anchors: Queries,
    network: Any,
    options: TrackingOptions,
    constraints: Constraints | None = None,
) -> Job | None:
    """Raise now what :func:`track_iter` would raise before its first window.

    Returns
    -------
    Job or None
        What will be done; None where a published predictor does it.
    """
    check_anchors(source, anchors, options)
    if options.reference:
        check_reference(network, anchors)
        check_reference_options(options, constraints)
        return None
    return make_job(source, anchors, network, options, _decided(constraints))


def retrack_iter(
    video: Any,
    queries: Queries | npt.ArrayLike,
    tracks: Tracks,
    spans: Iterable[Span | tuple[int, int, int]],
    model: Any = "compact",
    options: TrackingOptions = _DEFAULTS,
    *,
    focus_frame: int | None = None,
    constraints: Constraints | None = None,
    features: FeatureStore | None = None,
    resume: Iterable[FinishedWindow] = (),
) -> Steps:
    """Renew parts of a result after an edit, yielding after every window.

    Only the cells of the spans change, all others stay as they are, bit for bit. Work
    grows outward from the focus: the first windows are those around it. Cells that no
    anchor is followed to any more are emptied at once; others keep what they held
    until a window renews them.

    Parameters
    ----------
    video, queries, model, options, constraints, features, resume
        As in :func:`track_iter`; ``queries`` are *all* anchors of all tracks.
    tracks : Tracks
        The present result; tracks that only ``queries`` knows are appended to it.
    spans : iterable of (point_id, first, last)
        What the edit made invalid, see :func:`invalid_spans`.
    focus_frame : int or None
        Frame to begin at; None = that of the first anchor within the spans.

    Raises
    ------
    InputError
        Also: a span belongs to no track, or ``tracks`` to another recording.
    """
    anchors = queries if isinstance(queries, Queries) else Queries.from_txy(queries)
    if options.reference:
        raise InputError(
            "reference=True tracks whole recordings only; set reference=False to renew "
            "parts of a result."
        )
    with _opened(video, options) as source:
        check_anchors(source, anchors, options)
        network = loaded(model, options)
        job = make_job(source, anchors, network, options, _decided(constraints))
        usable = check_spans(spans, tracks, job)
        known = with_new_tracks(tracks, anchors)
        cells = cells_of(usable, known)
        known = without_unreachable(known, cells, job)
        assembly = _assembly(job, known, cells)
        if focus_frame is None:
            focus_frame = choose_focus(anchors, usable) if usable else 0
        shelf = None if features is None else features.shelf_for(job)
        lives = recall_answers(job, lives_through(job, usable), assembly, shelf)
        planned, schedule = plan_retracking(job, lives, focus_frame)
        yield from run_passes(
            job, planned, schedule, assembly, shelf=shelf, resume=resume
        )
        return assembly.snapshot()


def _opened(
    video: Any, options: TrackingOptions
) -> AbstractContextManager[FrameSource]:
    if not isinstance(options, TrackingOptions):
        raise InputError(
            f"options is a {type(options).__name__}; expected TrackingOptions, as in "
            "options=TrackingOptions(direction='forward')."
        )
    source = open_video(
        video, contrast_limits=options.contrast_limits, channels=options.channels
    )
    # Only what was opened here is closed here.
    return nullcontext(source) if source is video else closing(source)


def _decided(constraints: Constraints | None) -> Constraints:
    if constraints is None:
        return Constraints.none()
    if not isinstance(constraints, Constraints):
        raise InputError(
            f"constraints is a {type(constraints).__name__}; expected Constraints, as "
            "in constraints=Constraints(hidden=(Span(0, 40, 60),))."
        )
    return constraints


def _refuse_unknown(constraints: Constraints | None, anchors: Queries) -> None:
    decided = _decided(constraints)
    known = set(anchors.tracks.tolist())
    kinds = (decided.hidden, decided.ends, decided.directions)
    for each in (each for kind in kinds for each in kind):
        if each.point_id not in known:
            raise InputError(
                f"The constraints speak of track {each.point_id}, for which there is "
                "no query; the queries have point_id "
                f"{listed(sorted(known), _SHOWN_IDS)}."
            )


def _reference(
    source: FrameSource, anchors: Queries, network: Any, options: TrackingOptions
) -> Steps:
    for step in track_reference(source, anchors, network, options):
        yield step
    return step.tracks_so_far


def _nothing_known(source: FrameSource, anchors: Queries) -> Tracks:
    ids = anchors.tracks
    names = tuple(anchors.name_of(i) for i in ids.tolist())
    return Tracks.empty(
        len(source), ids, names, size=source.size, fps=source.fps, times=source.times
    )


def _assembly(
    job: Job, tracks: Tracks, cells: npt.NDArray[np.bool_] | None = None
) -> Assembly:
    return Assembly(
        job.anchors,
        job.frame,
        tracks,
        threshold=job.options.visibility_threshold,
        constraints=job.constraints,
        writable=cells,
    )
