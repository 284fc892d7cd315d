"""Names of tracks as "individual/part", and names that a file can tell apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_cotracker.tracks import Tracks

SEPARATOR = "/"
# DeepLabCut's word for parts that belong to no individual.
NOBODY = "single"


@dataclass(frozen=True)
class Layout:
    """Individuals that have parts in common.

    Parameters
    ----------
    individuals, parts : tuple of str
        In order of appearance.
    place : tuple of (int, int)
        Individual and part of each track.
    """

    individuals: tuple[str, ...]
    parts: tuple[str, ...]
    place: tuple[tuple[int, int], ...]

    @property
    def has_individuals(self) -> bool:
        """Whether there is more than parts of nobody in particular."""
        return self.individuals != (NOBODY,)

    @classmethod
    def of(cls, names: Iterable[str]) -> Layout:
        """Read names: "mouse1/nose" is the nose of mouse1, "nose" is nobody's."""
        pairs = [split(name) for name in names]
        individuals = tuple(dict.fromkeys(individual for individual, _ in pairs))
        parts = tuple(dict.fromkeys(part for _, part in pairs))
        place = tuple((individuals.index(i), parts.index(p)) for i, p in pairs)
        return cls(individuals, parts, place)


def split(name: str) -> tuple[str, str]:
    """Return the individual and the part that a name speaks of."""
    individual, found, part = name.partition(SEPARATOR)
    if found and individual and part:
        return individual, part
    return NOBODY, name


def join(individual: str, part: str) -> str:
    """Name a part of an individual; inverse of :func:`split`."""
    return part if individual in ("", NOBODY) else f"{individual}{SEPARATOR}{part}"


def distinct_names(tracks: Tracks) -> tuple[str, ...]:
    """Return names of which none is empty or there twice; others stay as they are.

    But "single/nose" is the nose of nobody, called "nose".
    """
    names = [join(*split(name)) for name in tracks.name]
    counts = Counter(names)
    taken = {name for name, count in counts.items() if count == 1 and name}
    result = []
    for name, point_id in zip(names, tracks.point_id.tolist(), strict=True):
        if name not in taken:
            base = name or "point"
            name = f"{base} {point_id}"
            while name in taken:
                name += "'"
            taken.add(name)
        result.append(name)
    return tuple(result)
