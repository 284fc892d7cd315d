"""What of the tracks a file has kept: they are compared with what it reads back as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.io.building import known_cells
from napari_cotracker.io.naming import distinct_names
from napari_cotracker.tracks import Tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

# "position" and so on are of visible points; "blank" are values where nothing is known.
ASPECTS = frozenset(
    (
        "tracks",
        "position",
        "occluded position",
        "visible",
        "visibility",
        "confidence",
        "occluded confidence",
        "source",
        "disagreement",
        "point_id",
        "name",
        "frames",
        "fps",
        "times",
        "size",
        "blank",
    )
)
# Scores go through float32 and text in other people's libraries.
_SCORE_TOLERANCE = 1e-6
_RELATIVE_TIME = 1e-9


@dataclass(frozen=True)
class Comparison:
    """Differences between tracks and what was read back.

    Parameters
    ----------
    lost : dict of str to str
        Aspect and what of it is gone, as a piece of a sentence.
    wrong : str or None
        A difference that no format may make: a position that has moved or come from
        nowhere, or an occluded point that is now visible.
    """

    lost: dict[str, str]
    wrong: str | None


def compare(tracks: Tracks, again: Tracks, *, by_id: bool) -> Comparison:
    """Compare tracks with what a file of them reads back as.

    Parameters
    ----------
    tracks, again : Tracks
    by_id : bool
        Whether the file holds ``point_id``; else tracks are matched by name.
    """
    pairs = _pairs(tracks, again, by_id=by_id)
    if pairs is None:
        return Comparison({}, "its tracks are other ones")
    now, spilled = _laid_over(tracks, again, pairs)
    known, there = known_cells(tracks), known_cells(now)
    seen, hidden = known & tracks.visible, known & ~tracks.visible
    both = known & there
    wrong = _wrong(tracks, now, spilled=spilled)
    scores = {
        "visibility": both & _differ(tracks.visibility, now.visibility),
        "confidence": both & seen & _differ(tracks.confidence, now.confidence),
        "occluded confidence": both
        & hidden
        & _differ(tracks.confidence, now.confidence),
        "disagreement": both & _differ(tracks.disagreement, now.disagreement),
    }
    counts = {
        "position": (seen & ~there, "{} positions"),
        "occluded position": (hidden & ~there, "the positions of {} occluded points"),
        "visible": (
            both & tracks.visible & ~now.visible,
            "{} visible points, which read back as occluded",
        ),
        "source": (
            both & (tracks.source != now.source),
            "where {} positions come from (placed by hand or by the model)",
        ),
        **{key: (mask, f"the {key} of {{}} points") for key, mask in scores.items()},
        "blank": (~known & _blank_differs(tracks, now), "{} values of unknown points"),
    }
    lost = {
        key: text.format(int(mask.sum()))
        for key, (mask, text) in counts.items()
        if mask.any()
    }
    return Comparison(lost | _lost_facts(tracks, again, pairs), wrong)


def _pairs(
    tracks: Tracks, again: Tracks, *, by_id: bool
) -> list[tuple[int, int]] | None:
    """Return (column of tracks, column of again), or None if they do not belong."""
    # Formats that know tracks by name were given names that are distinct.
    old: list[Any] = tracks.point_id.tolist() if by_id else list(distinct_names(tracks))
    new: list[Any] = again.point_id.tolist() if by_id else list(again.name)
    if len(set(new)) < len(new) or not set(new) <= set(old):
        return None
    place = {key: i for i, key in enumerate(old)}
    return [(place[key], j) for j, key in enumerate(new)]


def _laid_over(
    tracks: Tracks, again: Tracks, pairs: list[tuple[int, int]]
) -> tuple[Tracks, bool]:
    """Bring ``again`` into the shape of ``tracks``; also tell whether that cut it."""
    old = [i for i, _ in pairs]
    new = [j for _, j in pairs]
    n_frames = min(tracks.n_frames, again.n_frames)
    result = Tracks.empty(
        tracks.n_frames, tracks.point_id, tracks.name, size=tracks.size
    )
    for key in (
        *("xy", "visibility", "confidence", "visible", "source", "disagreement"),
    ):
        getattr(result, key)[:n_frames, old] = getattr(again, key)[:n_frames, new]
    return result, bool(known_cells(again)[n_frames:].any())


def _wrong(tracks: Tracks, now: Tracks, *, spilled: bool) -> str | None:
    known, there = known_cells(tracks), known_cells(now)
    if spilled or (there & ~known).any():
        return "it has positions that were not there"
    moved = known & there & (tracks.xy != now.xy).any(axis=-1)
    if moved.any():
        return f"{int(moved.sum())} positions have moved"
    shown = known & there & ~tracks.visible & now.visible
    if shown.any():
        return f"{int(shown.sum())} occluded points would count as visible"
    return None


def _differ(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> Mask:
    # NaN says nothing that could be lost.
    return ~np.isclose(a, b, rtol=0, atol=_SCORE_TOLERANCE) & ~np.isnan(a)


def _blank_differs(tracks: Tracks, now: Tracks) -> Mask:
    same = [
        tracks.source == now.source,
        tracks.visible == now.visible,
        ~_differ(tracks.visibility, now.visibility),
        ~_differ(tracks.confidence, now.confidence),
        ((tracks.xy == now.xy) | (np.isnan(tracks.xy) & np.isnan(now.xy))).all(-1),
    ]
    return ~np.logical_and.reduce(same)


def _lost_facts(
    tracks: Tracks, again: Tracks, pairs: list[tuple[int, int]]
) -> dict[str, str]:
    lost = {}
    kept = {i for i, _ in pairs}
    gone = [name for i, name in enumerate(tracks.name) if i not in kept]
    if gone:
        lost["tracks"] = f"{len(gone)} tracks without a position ({gone[0]!r})"
    renamed = [
        (tracks.name[i], again.name[j])
        for i, j in pairs
        if tracks.name[i] != again.name[j]
    ]
    if renamed:
        old, new = renamed[0]
        lost["name"] = f"{len(renamed)} names ({old!r} becomes {new!r})"
    if any(tracks.point_id[i] != again.point_id[j] for i, j in pairs):
        lost["point_id"] = "the numbers of the tracks"
    if tracks.n_frames != again.n_frames:
        lost["frames"] = (
            f"the number of frames ({tracks.n_frames}; the last known is "
            f"{again.n_frames - 1})"
        )
    if tracks.fps is not None and not _close(tracks.fps, again.fps):
        lost["fps"] = "the frame rate"
    if tracks.times is not None and not _close(tracks.times, again.times):
        lost["times"] = "the time of each frame"
    if tracks.size not in ((0, 0), again.size):
        lost["size"] = "the frame size"
    return lost


def _close(a: Any, b: Any) -> bool:
    return (
        b is not None
        and np.shape(a) == np.shape(b)
        and bool(np.allclose(a, b, rtol=_RELATIVE_TIME, atol=_RELATIVE_TIME))
    )
