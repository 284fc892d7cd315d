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
from napari_cotracker.tracking.windows.passes import Pass, run_windows

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Sequence

    from napari_cotracker.tracking.features.store import Shelf
    from napari_cotracker.tracking.fusion.fuse import Assembly
    from napari_cotracker.tracking.job import Job
    from napari_cotracker.tracking.prepare import Planned
    from napari_cotracker.tracking.windows.finished import FinishedWindow
    from napari_cotracker.tracking.windows.look import Features

# Which windows run when: those of one turn, (pass, window), together.
Schedule = list[tuple[tuple[int, int], ...]]


def one_after_the_other(planned: Sequence[Planned]) -> Schedule:
    """Finish each pass before the next one begins."""
    return [
        ((part, index),)
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
    names = _fingerprints(job, planned, schedule)
    before = {window.place: window for window in resume}
    places = [(names[part], index) for turn in schedule for part, index in turn]
    done, total = sum(place in before for place in places), max(1, len(places))
    look = Look(job.tracker, job.support_grid, job.iterations)
    with closing(_cache(job, planned, schedule, names, before, shelf)) as cache:
        passes = _passes(job, planned, names, look, cache)
        for turn in schedule:
            walks = [(passes[part], index) for part, index in turn]
            known = [before.get((walk.name, index)) for walk, index in walks]
            # All of them again where one is missing: the numbers of a window may
            # depend, in their last digit, on what was asked with it.
            run = known if all(known) else run_windows(look, walks)
            for (walk, _), old, new in zip(walks, known, run, strict=True):
                window = old or new
                assert window is not None  # what is not known was run
                walk.adopt(window)
                result = walk.result(window)
                assembly.put(walk.plan.sign, result)
                if shelf is not None:
                    shelf.remember(job, walk.plan.sign, result)
                if old is None:
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
    schedule: Schedule,
    names: Sequence[str],
    before: Collection[tuple[str, int]],
    shelf: Shelf | None,
) -> FeatureCache | BoxFeatures:
    device = place_of_network(job.tracker)
    encoder = FrameEncoder(job.source, job.frame, job.tracker, device)
    if not isinstance(job.views, WholeFrame):
        return BoxFeatures(encoder)
    left = {
        place
        for turn in schedule
        if any((names[part], index) not in before for part, index in turn)
        for place in turn
    }
    return FeatureCache(encoder, _frame_uses(planned, left), shelf, device=device)


def _passes(
    job: Job,
    planned: Sequence[Planned],
    names: Sequence[str],
    look: Look,
    features: Features,
) -> list[Pass]:
    sharpener = Sharpener(job.source, job.frame) if job.options.sharpen else None
    return [
        Pass(name, plan, points, look, features, job.views, sharpener)
        for name, (plan, points) in zip(names, planned, strict=True)
    ]


def _frame_uses(
    planned: Sequence[Planned], left: Collection[tuple[int, int]]
) -> Counter[int]:
    """Count in how many requests of the windows left each frame will occur."""
    uses: Counter[int] = Counter()
    members: dict[int, set[int]] = {}
    for part, index in left:
        plan, _ = planned[part]
        window = plan.windows[index]
        uses.update(set(window.frames))
        members.setdefault(part, set()).update(window.members)
    for part, asked in members.items():
        _, points = planned[part]
        shown = points.sightings.of(np.array(sorted(asked)))
        # Points of one time are looked up together.
        times = points.first[shown.owner].tolist()
        together = set(zip(times, shown.frame.tolist(), strict=True))
        uses.update(frame for _, frame in together)
    return uses


def _fingerprints(
    job: Job, planned: Sequence[Planned], schedule: Schedule
) -> list[str]:
    """Identify everything that the answers of each walk depend on but the pictures."""
    common = hashlib.blake2b(digest_size=12)
    common.update(repr((job.source.shape, job.frame, job.manner)).encode())
    common.update(job.network_digest)
    alone = []
    for plan, points in planned:
        digest = common.copy()
        digest.update(repr((plan.sign, plan.origin, plan.lives, plan.windows)).encode())
        digest.update(points.xy.tobytes())
        shown = points.sightings
        for numbers in (shown.owner, shown.frame, shown.xy):
            digest.update(numbers.tobytes())
        alone.append(digest)
    names = []
    for part, digest in enumerate(alone):
        beside = {other for turn in schedule if part in dict(turn) for other, _ in turn}
        name = digest.copy()
        for other in sorted(beside - {part}):
            name.update(alone[other].digest())
        names.append(name.hexdigest())
    return names
