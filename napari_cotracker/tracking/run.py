"""Carry out planned passes: features, windows, progress, and going on from before."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.errors import InputError
from napari_cotracker.tracking.features import FeatureCache, FrameEncoder
from napari_cotracker.tracking.identity import digest_of_network, place_of_network
from napari_cotracker.tracking.passes import Pass
from napari_cotracker.tracking.progress import Progress
from napari_cotracker.tracking.support import global_grid

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from napari_cotracker.tracking.finished import FinishedWindow
    from napari_cotracker.tracking.fuse import Assembly
    from napari_cotracker.tracking.plan import PassPlan
    from napari_cotracker.tracking.prepare import Job, Planned
    from napari_cotracker.tracking.store import FeatureStore

# Which window runs when: (pass, window).
Schedule = list[tuple[int, int]]


def one_after_the_other(planned: Sequence[Planned]) -> Schedule:
    """Finish each pass before the next one begins."""
    return [
        (part, index)
        for part, (plan, _) in enumerate(planned)
        for index in range(len(plan.windows))
    ]


def run_passes(
    job: Job,
    planned: Sequence[Planned],
    schedule: Schedule,
    assembly: Assembly,
    *,
    features: FeatureStore | None = None,
    resume: Iterable[FinishedWindow] = (),
) -> Generator[Progress, None, None]:
    """Run the windows of a schedule, yielding after each; at least once.

    Windows in ``resume`` are taken as they are.

    Raises
    ------
    TrackingError
        The network failed.
    InputError
        Finished windows are those of another run.
    """
    before = {window.place: window for window in resume}
    if not before.keys() <= set(schedule):
        raise InputError(
            "Among the finished windows are some that this run does not have; resume "
            "with the same points, options and constraints, or without them."
        )
    device = place_of_network(job.tracker)
    encoder = FrameEncoder(job.source, job.frame, job.tracker, device)
    uses = _frame_uses([plan for plan, _ in planned], before)
    shelf = None if features is None else features.shelf_for(job)
    support_xy = np.zeros((0, 2), np.float32)
    if job.options.support_grid:
        support_xy = global_grid(job.options.support_grid, job.frame.size)
    done, total = len(before), max(1, len(schedule))
    with closing(FeatureCache(encoder, uses, shelf, device=device)) as cache:
        run = _fingerprint(job, planned)
        passes = [
            Pass(
                run,
                part,
                plan,
                points,
                job.tracker,
                cache.window,
                support_xy=support_xy,
                iterations=job.options.iterations,
            )
            for part, (plan, points) in enumerate(planned)
        ]
        for part, index in schedule:
            walk, window = passes[part], before.get((part, index))
            if window is not None:
                walk.adopt(index, window)
                assembly.put(walk.plan.sign, walk.result(index, window))
                continue
            window = walk.run(index)
            assembly.put(walk.plan.sign, walk.result(index, window))
            done += 1
            span = (int(window.frames.min()), int(window.frames.max()))
            yield Progress(done, total, assembly.snapshot(), span, window)
    if not schedule or schedule[-1] in before:
        # Every query lies at the end it is tracked towards, or the last windows were
        # there already.
        frames = np.flatnonzero(assembly.known)
        span = (int(frames[0]), int(frames[-1])) if len(frames) else (0, 0)
        yield Progress(total, total, assembly.snapshot(), span)


def _frame_uses(
    plans: Sequence[PassPlan], before: dict[tuple[int, int], FinishedWindow]
) -> Counter[int]:
    """Count in how many requests each recording frame will occur."""
    uses: Counter[int] = Counter()
    for part, plan in enumerate(plans):
        for index, window in enumerate(plan.windows):
            if (part, index) in before:
                continue
            uses.update(set(window.frames))
            if (part, index - 1) in before:
                # The points that go on are looked up where they were placed.
                entered = {plan.lives[member].first for member in window.members}
                uses.update(entered - set(window.frames))
    return uses


def _fingerprint(job: Job, planned: Sequence[Planned]) -> str:
    """Identify everything that answers depend on but the pictures."""
    digest = hashlib.blake2b(digest_size=12)
    known = (job.source.shape, job.frame, job.options.iterations)
    digest.update(repr((known, job.options.support_grid)).encode())
    digest.update(digest_of_network(job.tracker))
    for plan, points in planned:
        digest.update(repr((plan.sign, plan.origin, plan.lives, plan.windows)).encode())
        digest.update(points.xy.tobytes())
    return digest.hexdigest()
