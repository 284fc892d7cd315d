"""Carry out planned passes: features, windows, progress, and going on from before."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from napari_cotracker.tracking.features.boxes import BoxFeatures
from napari_cotracker.tracking.features.cache import FeatureCache, FrameEncoder
from napari_cotracker.tracking.frames.views import WholeFrame
from napari_cotracker.tracking.identity import place_of_network
from napari_cotracker.tracking.progress import Progress
from napari_cotracker.tracking.sharpening.sharpen import Sharpener
from napari_cotracker.tracking.windows.look import Look
from napari_cotracker.tracking.windows.passes import Pass

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from napari_cotracker.tracking.features.store import Shelf
    from napari_cotracker.tracking.fusion.fuse import Assembly
    from napari_cotracker.tracking.job import Job
    from napari_cotracker.tracking.prepare import Planned
    from napari_cotracker.tracking.windows.finished import FinishedWindow
    from napari_cotracker.tracking.windows.look import Features

# Which window runs when: (pass, window).
Schedule = list[tuple[int, int]]
Before = dict[tuple[str, int], "FinishedWindow"]


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
    shelf: Shelf | None = None,
    resume: Iterable[FinishedWindow] = (),
) -> Generator[Progress, None, None]:
    """Run the windows of a schedule, yielding after each; at least once.

    Features and answers are kept on the shelf. Windows in ``resume`` are taken as they
    are; those of other runs are left aside.

    Raises
    ------
    TrackingError
        The network failed.
    """
    names = _fingerprints(job, planned)
    before = {window.place: window for window in resume}
    places = [(names[part], index) for part, index in schedule]
    done, total = sum(place in before for place in places), max(1, len(schedule))
    with closing(_cache(job, planned, names, before, shelf)) as cache:
        passes = _passes(job, planned, names, cache)
        for part, index in schedule:
            walk = passes[part]
            window = before.get((walk.name, index))
            is_new = window is None
            if window is None:
                window = walk.run(index)
            walk.adopt(window)
            result = walk.result(window)
            assembly.put(walk.plan.sign, result)
            if shelf is not None:
                shelf.remember(job, walk.plan.sign, result)
            if is_new:
                done += 1
                span = (int(window.frames.min()), int(window.frames.max()))
                yield Progress(done, total, assembly.snapshot(), span, window)
    if not places or places[-1] in before:
        # Every query lies at the end it is tracked towards, or the last windows were
        # there already.
        frames = np.flatnonzero(assembly.known)
        span = (int(frames[0]), int(frames[-1])) if len(frames) else (0, 0)
        yield Progress(total, total, assembly.snapshot(), span)


def _cache(
    job: Job,
    planned: Sequence[Planned],
    names: Sequence[str],
    before: Before,
    shelf: Shelf | None,
) -> FeatureCache | BoxFeatures:
    device = place_of_network(job.tracker)
    encoder = FrameEncoder(job.source, job.frame, job.tracker, device)
    if not isinstance(job.views, WholeFrame):
        return BoxFeatures(encoder)
    return FeatureCache(
        encoder,
        _frame_uses(planned, names, before),
        shelf,
        device=device,
    )


def _passes(
    job: Job, planned: Sequence[Planned], names: Sequence[str], features: Features
) -> list[Pass]:
    look = Look(job.tracker, job.support_grid, job.iterations)
    sharpener = Sharpener(job.source, job.frame) if job.options.sharpen else None
    return [
        Pass(name, plan, points, look, features, job.views, sharpener)
        for name, (plan, points) in zip(names, planned, strict=True)
    ]


def _frame_uses(
    planned: Sequence[Planned], names: Sequence[str], before: Before
) -> Counter[int]:
    """Count in how many requests each recording frame will occur."""
    uses: Counter[int] = Counter()
    for name, (plan, _) in zip(names, planned, strict=True):
        for index, window in enumerate(plan.windows):
            if (name, index) in before:
                continue
            uses.update(set(window.frames))
            if (name, index - 1) in before:
                # The points that go on are looked up where they were placed.
                entered = {plan.lives[member].first for member in window.members}
                uses.update(entered - set(window.frames))
    return uses


def _fingerprints(job: Job, planned: Sequence[Planned]) -> list[str]:
    """Identify everything that the answers of each walk depend on but the pictures."""
    common = hashlib.blake2b(digest_size=12)
    common.update(repr((job.source.shape, job.frame, job.manner)).encode())
    common.update(job.network_digest)
    names = []
    for plan, points in planned:
        digest = common.copy()
        digest.update(repr((plan.sign, plan.origin, plan.lives, plan.windows)).encode())
        digest.update(points.xy.tobytes())
        names.append(digest.hexdigest())
    return names
