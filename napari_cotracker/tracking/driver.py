"""Track points through a whole recording."""

from __future__ import annotations

from contextlib import closing, nullcontext
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_cotracker.tracking.clip_model import as_window_tracker
from napari_cotracker.tracking.features import FeatureCache, FrameEncoder
from napari_cotracker.tracking.frames import ModelFrame, choose_model_frame
from napari_cotracker.tracking.fuse import Assembly
from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracking.passes import PassPoints, run_pass
from napari_cotracker.tracking.plan import PassPlan, frame_uses
from napari_cotracker.tracking.prepare import (
    check_in_range,
    frame_range_of,
    plan_passes,
)
from napari_cotracker.tracking.progress import Progress
from napari_cotracker.tracking.reference import check_reference, track_reference
from napari_cotracker.tracking.support import global_grid
from napari_cotracker.tracks import Queries
from napari_cotracker.video import open_video

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy.typing as npt

    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.tracks import Tracks
    from napari_cotracker.video import FrameSource

_DEFAULTS = TrackingOptions()


def track(
    video: Any,
    queries: Queries | npt.ArrayLike,
    model: Any = "compact",
    options: TrackingOptions = _DEFAULTS,
    on_progress: Callable[[Progress], object] | None = None,
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

    Returns
    -------
    Tracks
        One track per ``point_id``; its anchors are reproduced exactly.

    Raises
    ------
    InputError
        Queries, options or model cannot be used with this recording.
    VideoError, ModelError
        The recording or the network cannot be opened.
    TrackingError
        The network failed on the way.
    """
    tracks = None
    with closing(track_iter(video, queries, model, options)) as steps:
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
) -> Generator[Progress, None, Tracks]:
    """Follow points through a recording, yielding after every window.

    Closing the generator cancels between two windows. The last item holds the final
    tracks, which are also the generator's return value. Parameters and errors are
    those of :func:`track`; nothing is read before the first ``next``.
    """
    anchors = queries if isinstance(queries, Queries) else Queries.from_txy(queries)
    source = open_video(
        video, contrast_limits=options.contrast_limits, channels=options.channels
    )
    # Only what was opened here is closed here.
    with nullcontext() if source is video else closing(source):
        return (yield from _track_source(source, anchors, model, options))


def _track_source(
    source: FrameSource, anchors: Queries, model: Any, options: TrackingOptions
) -> Generator[Progress, None, Tracks]:
    n_frames, height, width = source.shape[:3]
    first, last = frame_range_of(options, n_frames)
    anchors.check_inside(n_frames, (height, width))
    check_in_range(anchors, first, last)
    network = _loaded(model, options)
    if options.reference:
        check_reference(network, anchors)
        return (yield from _reference(source, anchors, network, options))
    tracker = as_window_tracker(network)
    frame = choose_model_frame(
        (height, width),
        stride=tracker.stride,
        region=options.region,
        resolution=options.model_resolution,
    )
    frame.check_inside(anchors)
    assembly = Assembly(
        anchors,
        frame,
        n_frames=n_frames,
        size=(height, width),
        fps=source.fps,
        threshold=options.visibility_threshold,
    )
    passes = plan_passes(anchors, frame, tracker, options, (first, last))
    encoder = FrameEncoder(source, frame, tracker, _device_of(tracker))
    uses = frame_uses(plan for plan, _ in passes)
    with closing(FeatureCache(encoder, uses)) as cache:
        yield from _run(passes, tracker, cache, assembly, frame, options)
    return assembly.snapshot()


def _reference(
    source: FrameSource, anchors: Queries, network: Any, options: TrackingOptions
) -> Generator[Progress, None, Tracks]:
    for step in track_reference(source, anchors, network, options):
        yield step
    return step.tracks_so_far


def _run(
    passes: list[tuple[PassPlan, PassPoints]],
    tracker: WindowTracker,
    cache: FeatureCache,
    assembly: Assembly,
    frame: ModelFrame,
    options: TrackingOptions,
) -> Generator[Progress, None, None]:
    support_xy = np.zeros((0, 2), np.float32)
    if options.support_grid:
        support_xy = global_grid(options.support_grid, frame.size)
    total = sum(len(plan.windows) for plan, _ in passes)
    done = 0
    for plan, points in passes:
        results = run_pass(
            plan,
            points,
            tracker,
            cache.window,
            support_xy=support_xy,
            iterations=options.iterations,
        )
        for result in results:
            assembly.put(plan.sign, result)
            done += 1
            span = (int(result.frames.min()), int(result.frames.max()))
            yield Progress(done, total, assembly.snapshot(), span)
    if not passes:
        # Every query lies at the end it is tracked towards: the anchors are all.
        frames = np.flatnonzero(assembly.anchored)
        yield Progress(1, 1, assembly.snapshot(), (int(frames[0]), int(frames[-1])))


def _loaded(model: Any, options: TrackingOptions) -> Any:
    if not isinstance(model, str | PathLike):
        return model
    from napari_cotracker.tracking.models import load_model

    name = model if isinstance(model, str) else Path(model)
    return load_model(name, device="auto", dtype=options.dtype)


def _device_of(tracker: WindowTracker) -> torch.device:
    network = getattr(tracker, "model", tracker)
    if isinstance(network, torch.nn.Module):
        for tensor in (*network.parameters(), *network.buffers()):
            return tensor.device
    return torch.device("cpu")
