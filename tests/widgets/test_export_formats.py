"""Which formats the export dialog offers, and the name that a file gets."""

import pytest

from napari_cotracker.io import format_of, formats
from napari_cotracker.widgets.files.export_formats import (
    export_filters,
    format_asked,
    with_format,
)


def test_every_format_that_can_be_written_is_offered():
    filters = export_filters()
    writable = [each.name for each in formats() if each.write is not None]
    names = [format_of(with_format("x", suffix)).name for suffix in filters.values()]
    assert names == writable
    assert all(f"(*{suffix})" in text for text, suffix in filters.items())


@pytest.mark.parametrize(
    ("typed", "suffix", "expected"),
    [
        ("/a/x", ".csv", "x.csv"),
        ("/a/x.csv", ".csv", "x.csv"),
        ("/a/x.csv", ".dlc.csv", "x.dlc.csv"),
        ("/a/x.dlc.csv", ".dlc.csv", "x.dlc.csv"),
        ("/a/x tracks.csv", ".slp", "x tracks.slp"),
        ("/a/x.dlc.csv", ".json", "x.json"),
        ("/a/x.v2", ".json", "x.v2.json"),
        ("/a/X.CSV", ".csv", "X.CSV"),
    ],
)
def test_the_name_says_the_format(typed, suffix, expected):
    assert with_format(typed, suffix).name == expected


@pytest.mark.parametrize(
    ("typed", "chosen", "expected"),
    [
        ("/a/x.slp", ".csv", ".slp"),
        ("/a/x.dlc.csv", ".csv", ".dlc.csv"),
        ("/a/x", ".csv", ".csv"),
        ("/a/x.v2", ".csv", ".csv"),
        ("/a/x tracks.csv", ".slp", ".slp"),
        ("/a/x.slp", "", ".slp"),
        ("/a/x", "", ".csv"),
    ],
)
def test_a_name_that_was_typed_counts_if_nothing_else_was_chosen(
    typed, chosen, expected
):
    texts = {suffix: text for text, suffix in export_filters().items()}
    assert format_asked(typed, texts.get(chosen, "")) == expected
