"""The formats that the export dialog offers."""

from __future__ import annotations

from pathlib import Path


def export_filters() -> dict[str, str]:
    """Return the suffix of every format, by the text that the dialog shows."""
    from napari_cotracker.io import formats

    return {
        f"{each.label} (*{each.suffixes[0]})": each.suffixes[0]
        for each in formats()
        if each.write is not None
    }


def with_format(path: str, suffix: str) -> Path:
    """Give a path the suffix of the chosen format in place of that of another.

    ``x`` and ``x.csv`` become ``x.slp`` for that suffix, ``x.v2`` becomes
    ``x.v2.slp``.
    """
    chosen = Path(path)
    if chosen.name.lower().endswith(suffix):
        return chosen
    from napari_cotracker.io import formats

    known = {other for each in formats() for other in each.suffixes}
    for other in sorted(known, key=len, reverse=True):
        if chosen.name.lower().endswith(other):
            return chosen.with_name(chosen.name[: -len(other)] + suffix)
    return chosen.with_name(chosen.name + suffix)
