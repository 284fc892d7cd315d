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


def format_asked(path: str, filter_text: str) -> str:
    """Return the suffix of the format that a person has asked for.

    It is the one chosen in the list of the dialog; where that was left as it was
    offered, the one of the name, if that is known.
    """
    filters = export_filters()
    offered = next(iter(filters.values()))
    chosen = filters.get(filter_text, offered)
    return (_known_suffix(path) or chosen) if chosen == offered else chosen


def with_format(path: str, suffix: str) -> Path:
    """Give a path the suffix of the chosen format in place of that of another.

    ``x`` and ``x.csv`` become ``x.slp`` for that suffix, ``x.v2`` becomes
    ``x.v2.slp``.
    """
    chosen = Path(path)
    if chosen.name.lower().endswith(suffix):
        return chosen
    other = _known_suffix(path)
    return chosen.with_name(chosen.name[: len(chosen.name) - len(other)] + suffix)


def _known_suffix(path: str) -> str:
    """Return how the name ends, if that is the suffix of a format."""
    from napari_cotracker.io import formats

    known = {suffix for each in formats() for suffix in each.suffixes}
    endings = (suffix for suffix in known if path.lower().endswith(suffix))
    return max(endings, key=len, default="")
