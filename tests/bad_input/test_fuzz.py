"""Damaged files never crash, hang or raise anything but our own errors."""

import os
import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from damage import DAMAGE, RECORDINGS, damaged, good, put
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messages import assert_clear
from some_good_tracks import good_tracks, some_tracks

from napari_cotracker import load_tracks, open_video, save_tracks
from napari_cotracker.errors import CoTrackerError, FormatError
from napari_cotracker.io import formats, load_queries

NOISE = bytes(range(256)) * 3
COMMON = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
# The same examples in every run of the suite; new ones, and many, in the slow run.
SHORT = settings(max_examples=12, derandomize=True, **COMMON)
LONG = settings(
    max_examples=int(os.environ.get("NAPARI_COTRACKER_FUZZ", "400")), **COMMON
)


def open_damaged(name, content):
    """Open and read; returns the error, if one was raised, after checking it."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = put(folder, name, content)
        try:
            with open_video(path) as source:
                assert source[len(source) - 1].shape == (*source.size, 3)
                for start in range(0, min(len(source), 40), 8):
                    source.read(start, min(start + 8, len(source)))
        except CoTrackerError as error:
            assert_clear(error, path)
            return error
    return None


@pytest.mark.parametrize("name", RECORDINGS)
def test_damaged_recordings(name):
    assert open_damaged(name, good(name)) is None

    @SHORT
    @given(DAMAGE)
    def check(steps):
        open_damaged(name, damaged(good(name), steps))

    check()


# What longer runs have found; each once raised something else, hung or crashed.
FOUND = {
    "j.flv": [("drop", 0.9404736971964226, 19, 162), ("insert", 0.258, 10, 4)],
    "zip.tif": [("set", 0.0625, 1, 1)],
    "lzw.tif": [
        ("drop", 0.8703478288039252, 63, 15),
        ("set", 0.7596350154323771, 64, 65),
        ("repeat", 0.07973929229409704, 4, 76),
        ("flip", 0.5312277934770817, 2, 95),
    ],
}


@pytest.mark.parametrize("name", FOUND)
def test_damage_that_once_did_harm(name):
    open_damaged(name, damaged(good(name), FOUND[name]))


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", RECORDINGS)
def test_damaged_recordings_at_length(name):
    @LONG
    @given(DAMAGE)
    def check(steps):
        open_damaged(name, damaged(good(name), steps))

    check()


def load_damaged(kind, content):
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / f"t{kind.suffixes[0]}"
        path.write_bytes(content)
        try:
            load_tracks(path, kind.name)
        except CoTrackerError as error:
            assert_clear(error, path)


@pytest.mark.parametrize("kind", formats(), ids=lambda kind: kind.name)
def test_damaged_tracks(tmp_path, kind):
    content = good_tracks(tmp_path, kind)

    @SHORT
    @given(DAMAGE)
    def check(steps):
        load_damaged(kind, damaged(content, steps))

    check()


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", formats(), ids=lambda kind: kind.name)
def test_damaged_tracks_at_length(tmp_path, kind):
    content = good_tracks(tmp_path, kind)

    @LONG
    @given(DAMAGE)
    def check(steps):
        load_damaged(kind, damaged(content, steps))

    check()


@pytest.mark.parametrize(
    "kind", [kind for kind in formats() if kind.folder], ids=lambda kind: kind.name
)
@pytest.mark.parametrize(
    "spoil", [lambda b: b"", lambda b: b[: len(b) // 2], lambda b: NOISE]
)
def test_folders_of_tracks_with_one_damaged_file(tmp_path, kind, spoil):
    good_one = tmp_path / f"t{kind.suffixes[0]}"
    try:
        save_tracks(some_tracks(), good_one, kind.name)
    except FormatError as error:
        pytest.skip(str(error))
    for number, file in enumerate(sorted(p for p in good_one.rglob("*"))):
        if not file.is_file():
            continue
        bad = tmp_path / f"{number}{kind.suffixes[0]}"
        shutil.copytree(good_one, bad)
        damaged_file = bad / file.relative_to(good_one)
        content = file.read_bytes()
        damaged_file.write_bytes(spoil(content))
        try:
            load_tracks(bad, kind.name)
        except CoTrackerError as error:
            assert_clear(error, bad)


CELL = st.one_of(
    st.sampled_from(
        ["0", "1", "-1", "1.5", "nan", "inf", "", "1e400", "9" * 30, "a", '"', "\0"]
    ),
    st.integers(-3, 30).map(str),
    st.floats().map(str),
    st.text(max_size=6),
)
HEADERS = [
    "track,frame,x,y",
    "track,frame,x,y,name",
    "track,name,frame,x,y,visible,visibility,confidence,source",
    "particle,frame,x,y",
    "index,ID,T,Y,X",
]
ROWS = st.tuples(
    st.sampled_from(HEADERS),
    st.lists(st.lists(CELL, min_size=1, max_size=10), max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
)


def read_rows(header, rows, line_end, folder):
    path = os.path.join(folder, "rows.csv")
    lines = [header, *(",".join(row) for row in rows)]
    with open(path, "wb") as file:
        file.write(line_end.join(lines).encode("utf-8", "surrogatepass"))
    for read in (load_queries, load_tracks):
        try:
            read(path)
        except CoTrackerError as error:
            assert len(str(error).splitlines()) == 1


@settings(SHORT, max_examples=150)
@given(ROWS)
def test_rows_of_anything(parts):
    with TemporaryDirectory() as folder:
        read_rows(*parts, folder)


@pytest.mark.long
@settings(LONG, max_examples=20_000)
@given(ROWS)
def test_rows_of_anything_at_length(parts):
    with TemporaryDirectory() as folder:
        read_rows(*parts, folder)
