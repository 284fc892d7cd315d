"""What a person decided about tracks beyond single points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Direction = Literal["both", "forward", "backward"]


class Span(NamedTuple):
    """Frames of one track, both inclusive."""

    point_id: int
    first: int
    last: int


class Limit(NamedTuple):
    """How one track is followed: which way from its anchors, and over which frames.

    ``first`` and ``last`` are inclusive; None = as far as the run goes.
    """

    point_id: int
    direction: Direction = "both"
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Constraints:
    """Decisions that every run respects.

    Spans are kept sorted, and those of one track that touch are one; two objects that
    decide the same are therefore equal.

    Parameters
    ----------
    hidden : tuple of Span
        The point is there but not visible: ``visible`` is False and ``visibility`` 0.
        Its position is certain only where an anchor says it; a run follows it through
        and reports where it probably is.
    ends : tuple of Span
        The track does not exist there: source EMPTY, position NaN.
    directions : tuple of Limit
        At most one per track; a track without one follows the options of the run.

    Raises
    ------
    InputError
        A span runs backwards or begins before frame 0, or a track has two limits.
    """

    hidden: tuple[Span, ...] = ()
    ends: tuple[Span, ...] = ()
    directions: tuple[Limit, ...] = ()

    def __post_init__(self) -> None:
        """Check once and bring into the one order."""
        for key in ("hidden", "ends"):
            spans = tuple(Span(*map(int, span)) for span in getattr(self, key))
            object.__setattr__(self, key, _united(spans))
        limits = tuple(
            sorted(
                (_checked_limit(limit) for limit in self.directions),
                key=lambda limit: limit.point_id,
            )
        )
        ids = [limit.point_id for limit in limits]
        for one, other in pairwise(ids):
            if one == other:
                raise InputError(f"Track {one} has two limits; give one per track.")
        object.__setattr__(self, "directions", limits)

    @classmethod
    def none(cls) -> Constraints:
        """Return no decisions."""
        return cls()

    # -- questions ------------------------------------------------------------

    def __bool__(self) -> bool:
        """Return whether anything is decided."""
        return bool(self.hidden or self.ends or self.directions)

    def hidden_mask(
        self, point_ids: npt.ArrayLike, n_frames: int
    ) -> npt.NDArray[np.bool_]:
        """Return where points are hidden, (T, N) for N tracks."""
        return _mask(self.hidden, point_ids, n_frames)

    def ended_mask(
        self, point_ids: npt.ArrayLike, n_frames: int
    ) -> npt.NDArray[np.bool_]:
        """Return where tracks do not exist, (T, N) for N tracks."""
        return _mask(self.ends, point_ids, n_frames)

    def limit_of(self, point_id: int) -> Limit:
        """Return how a track is followed; ``both`` without limits if not decided."""
        found = [limit for limit in self.directions if limit.point_id == point_id]
        return found[0] if found else Limit(int(point_id))

    def of(self, point_ids: Iterable[int]) -> Constraints:
        """Return what is decided about some tracks."""
        wanted = set(point_ids)
        return self._filtered(lambda point_id: point_id in wanted)

    # -- changes --------------------------------------------------------------

    def without(self, point_ids: Iterable[int]) -> Constraints:
        """Return these decisions with none about some tracks."""
        unwanted = set(point_ids)
        return self._filtered(lambda point_id: point_id not in unwanted)

    def joined(self, other: Constraints) -> Constraints:
        """Return the decisions of both; they must not limit one track twice."""
        return Constraints(
            self.hidden + other.hidden,
            self.ends + other.ends,
            self.directions + other.directions,
        )

    def with_hidden(self, *spans: Span) -> Constraints:
        """Return these decisions with more hidden spans."""
        return replace(self, hidden=self.hidden + spans)

    def without_hidden(self, *spans: Span) -> Constraints:
        """Return these decisions with spans shown again."""
        return replace(self, hidden=_cut(self.hidden, spans))

    def with_ends(self, *spans: Span) -> Constraints:
        """Return these decisions with more spans where a track does not exist."""
        return replace(self, ends=self.ends + spans)

    def without_ends(self, *spans: Span) -> Constraints:
        """Return these decisions with tracks existing again over spans."""
        return replace(self, ends=_cut(self.ends, spans))

    def with_limit(self, limit: Limit) -> Constraints:
        """Return these decisions with one track followed in another way."""
        others = tuple(x for x in self.directions if x.point_id != limit.point_id)
        free = limit == Limit(limit.point_id)
        return replace(self, directions=others if free else (*others, limit))

    # -- JSON -----------------------------------------------------------------

    def to_dict(self) -> dict[str, list[list[Any]]]:
        """Return plain lists for JSON."""
        return {
            key: [list(row) for row in getattr(self, key)]
            for key in ("hidden", "ends", "directions")
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Constraints:
        """Make constraints of what :meth:`to_dict` returned.

        Raises
        ------
        InputError
            It is something else.
        """
        try:
            return cls(
                tuple(Span(*row) for row in plain.get("hidden", ())),
                tuple(Span(*row) for row in plain.get("ends", ())),
                tuple(Limit(*row) for row in plain.get("directions", ())),
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(
                "Constraints must be lists of (point_id, first, last) under 'hidden' "
                "and 'ends' and of (point_id, direction, first, last) under "
                f"'directions'; what was given is something else ({error})."
            ) from error

    def _filtered(self, keep: Callable[[int], bool]) -> Constraints:
        return Constraints(
            tuple(span for span in self.hidden if keep(span.point_id)),
            tuple(span for span in self.ends if keep(span.point_id)),
            tuple(limit for limit in self.directions if keep(limit.point_id)),
        )


def _united(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Sort spans and join those of one track that overlap or touch."""
    united: list[Span] = []
    for span in sorted(spans):
        if not 0 <= span.first <= span.last:
            raise InputError(
                f"The span of frames {span.first} to {span.last} of track "
                f"{span.point_id} cannot be used; expected 0 <= first <= last."
            )
        before = united[-1] if united else None
        if (
            before is not None
            and before.point_id == span.point_id
            and span.first <= before.last + 1
        ):
            united[-1] = before._replace(last=max(before.last, span.last))
        else:
            united.append(span)
    return tuple(united)


def _cut(spans: tuple[Span, ...], away: Iterable[Span]) -> tuple[Span, ...]:
    """Take frames away from spans."""
    left = spans
    for gone in away:
        pieces = []
        for span in left:
            if span.point_id != gone.point_id:
                pieces.append(span)
                continue
            if span.first < gone.first:
                pieces.append(span._replace(last=min(span.last, gone.first - 1)))
            if span.last > gone.last:
                pieces.append(span._replace(first=max(span.first, gone.last + 1)))
        left = tuple(pieces)
    return left


def _mask(
    spans: tuple[Span, ...], point_ids: npt.ArrayLike, n_frames: int
) -> npt.NDArray[np.bool_]:
    ids = np.asarray(point_ids, np.int64)
    mask = np.zeros((n_frames, len(ids)), np.bool_)
    for span in spans:
        mask[span.first : span.last + 1, ids == span.point_id] = True
    return mask


def _checked_limit(limit: Limit) -> Limit:
    limit = Limit(*limit)
    if limit.direction not in get_args(Direction):
        raise InputError(
            f"The direction of track {limit.point_id} is {limit.direction!r}; "
            "expected 'both', 'forward' or 'backward'."
        )
    first, last = limit.first, limit.last
    late = first is not None and last is not None and first > last
    if late or (first is not None and first < 0):
        raise InputError(
            f"Track {limit.point_id} is limited to frames {first} to {last}; "
            "expected 0 <= first <= last."
        )
    return limit
