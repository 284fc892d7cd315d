"""Broken files of tracks and query points: one clear sentence each."""

from dataclasses import dataclass

import numpy as np
import pytest
from messages import assert_clear
from some_good_tracks import SIZE, N, good_tracks, some_tracks

from napari_cotracker import load_tracks, save_tracks
from napari_cotracker.cli import main
from napari_cotracker.errors import CoTrackerError, FormatError
from napari_cotracker.io import formats, load_queries
from napari_cotracker.video import write_video


@dataclass(frozen=True)
class Case:
    """Rows below the header; ``words`` are in the message; more is fatal for tracks."""

    name: str
    rows: str
    words: str
    header: str = "track,frame,x,y,name"


QUERIES = [
    Case("no rows", "", "no rows"),
    Case("no header", "0,0,5,5,a", "missing", header="0,1,5,5,a"),
    Case("missing columns", "0,5,5", "column(s) frame missing", "track,x,y"),
    Case("column twice", "0,0,5,5,6", "there twice", "track,frame,x,y,x"),
    Case("other separator", "0;0;5;5", "missing", "track;frame;x;y"),
    Case("tabs", "0\t0\t5\t5", "missing", "track\tframe\tx\ty"),
    Case("text for a number", "0,0,left,5,a", "column 'x': expected a number"),
    Case("decimal comma", '0,0,"5,5",5,a', "expected a number"),
    Case("empty cell", "0,0,,5,a", "column 'x'"),
    Case("no track", ",0,5,5,a", "column 'track'"),
    Case("NaN", "0,0,nan,5,a", "finite number"),
    Case("infinite", "0,0,inf,5,a", "finite number"),
    Case("frame between frames", "0,0.5,5,5,a", "whole number"),
    Case("frame before the first", "0,-1,5,5,a", "0 or more"),
    Case("frame beyond counting", "0,1e300,5,5,a", "column 'frame'"),
    Case("too few cells", "0,0,5", "3 cells"),
    Case("too many cells", "0,0,5,5,a,9", "6 cells"),
    Case("the same row twice", "0,0,5,5,a\n0,0,5,5,a", "two rows for track 0"),
    Case("two places at once", "0,0,5,5,a\n0,0,9,5,a", "two rows for track 0"),
    Case("open quote", '0,0,5,5,"a', "line"),
    Case("huge coordinates", "0,0,1e300,5,a", ""),
    Case("beyond float32", "0,0,4e38,5,a", ""),
]


@pytest.mark.parametrize("case", QUERIES, ids=lambda case: case.name)
def test_query_points(tmp_path, capsys, case):
    path = tmp_path / "queries 鼻.csv"
    path.write_text(f"{case.header}\n{case.rows}\n", encoding="utf-8")
    with pytest.raises(CoTrackerError) as caught:
        load_queries(path)
    assert_clear(caught.value, path)
    assert case.words in str(caught.value)
    flags = ["--queries", str(path), "--out", str(tmp_path / "o.csv")]
    assert main(["track", str(tmp_path / "v.mp4"), *flags]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.csv", None, "absent.csv"),
        ("empty.csv", b"", "empty"),
        ("blank.csv", b"\n\n\n", ""),
        ("zeros.csv", bytes(500), ""),
        ("latin1.csv", "track,frame,x,y\nNase-\xe4,0,5,5\n".encode("latin1"), "UTF-8"),
        ("utf16.csv", "track,frame,x,y\n0,0,5,5\n".encode("utf-16"), "UTF-8"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, ""),
        ("one-long-cell.csv", b"track,frame,x,y\n0,0,5," + b"9" * 300_000, ""),
        ("null.csv", b"track,frame,x,y\n0,0,5\0,5\n", ""),
        ("http:/localhost/q.csv", None, ""),
    ],
    ids=lambda value: value if isinstance(value, str) and value else "",
)
def test_files_of_query_points_that_are_none(tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CoTrackerError) as caught:
        load_queries(path)
    assert_clear(caught.value, path)
    assert words in str(caught.value)


def test_a_folder_is_no_file_of_query_points(tmp_path):
    path = tmp_path / "folder.csv"
    path.mkdir()
    with pytest.raises(CoTrackerError) as caught:
        load_queries(path)
    assert_clear(caught.value, path)


def test_odd_but_readable_query_points(tmp_path):
    path = tmp_path / "q.csv"
    # A byte order mark, Windows line ends, unsorted rows, names that are shared,
    # spaces around cells, further columns.
    path.write_bytes(
        b"\xef\xbb\xbftrack, frame,x,y,name,note\r\n7,5,1.5,2,ear,late\r\n"
        b"3,0,3,4,ear,\r\n7,1,5e0,+6,ear,early\r\n\r\n"
    )
    queries = load_queries(path)
    assert queries.frame.tolist() == [5, 0, 1]
    assert queries.point_id.tolist() == [7, 3, 7]
    assert queries.name == ("ear", "ear", "ear")


HEADER = "track,name,frame,x,y,visible,visibility,confidence,source"
GOOD = "0,a,0,5,5,1,0.9,0.8,1"
TRACKS = [
    Case("no rows", "", "no rows"),
    Case("no header", GOOD, "missing", header=GOOD.replace("5,5", "5,6")),
    Case("queries for tracks", "0,0,5,5", "missing", "track,frame,x,y"),
    Case("a column missing", "0,a,0,5,5", "missing", "track,name,frame,x,y"),
    Case("text for a number", "0,a,0,left,5,1,0.9,0.8,1", "expected a number"),
    Case("half a point", "0,a,0,5,,1,0.9,0.8,1", "column 'y'"),
    Case("infinite", "0,a,0,inf,5,1,0.9,0.8,1", "finite"),
    Case("visible perhaps", "0,a,0,5,5,2,0.9,0.8,1", "one of 0, 1"),
    Case("unknown source", "0,a,0,5,5,1,0.9,0.8,7", "one of"),
    Case("a name for an id", "nose,a,0,5,5,1,0.9,0.8,1", "column 'track'"),
    Case("frame before the first", "0,a,-1,5,5,1,0.9,0.8,1", "0 or more"),
    Case("a frame left out", f"{GOOD}\n{GOOD.replace('a,0', 'a,2')}", "no row for"),
    Case("a billion frames", GOOD.replace("a,0", "a,999999999"), "no row for"),
    Case("the same row twice", f"{GOOD}\n{GOOD}", "two rows"),
    Case("two names", f"{GOOD}\n{GOOD.replace('a,0', 'b,1')}", "column 'name'"),
    Case("too few cells", "0,a,0,5", "4 cells"),
    Case("open quote", GOOD.replace("a", '"a'), "line"),
    Case("beyond float32", GOOD.replace("5,5", "4e38,5"), ""),
]


@pytest.mark.parametrize("case", TRACKS, ids=lambda case: case.name)
def test_own_tracks(tmp_path, capsys, case):
    path = tmp_path / "tracks 鼻.csv"
    header = HEADER if case.header == "track,frame,x,y,name" else case.header
    path.write_text(f"{header}\n{case.rows}\n", encoding="utf-8")
    with pytest.raises(CoTrackerError) as caught:
        load_tracks(path, "csv")
    assert_clear(caught.value, path)
    assert case.words in str(caught.value)
    video = tmp_path / "v.mp4"
    write_video(np.zeros((N, *SIZE, 3), np.uint8), video)
    flags = ["--format", "csv", "--json"]
    out = tmp_path / "o.mp4"
    assert main(["render", str(path), str(video), str(out), *flags]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not out.exists()


def no_file(path, good):
    pass


def empty(path, good):
    path.write_bytes(b"")


def zeros(path, good):
    path.write_bytes(bytes(700))


def noise(path, good):
    path.write_bytes(np.random.default_rng(0).bytes(3000))


def words(path, good):
    path.write_text("hello, this is no file of tracks\n")


def web_page(path, good):
    path.write_text("<!doctype html><html><body>404 not found</body></html>")


def first_bytes(path, good):
    path.write_bytes(good[: min(60, len(good) // 3)])


def a_folder(path, good):
    path.mkdir()


def latin_text(path, good):
    path.write_bytes(b"\xe4\xf6\xfc;" * 99)


def other_json(path, good):
    path.write_text('[{"something": "else"}, 7, null]')


def deep_json(path, good):
    path.write_text("[" * 20_000 + "]" * 20_000)


@pytest.mark.parametrize("kind", formats(), ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "spoil",
    [
        *(no_file, empty, zeros, noise, words, web_page, first_bytes, a_folder),
        *(latin_text, other_json, deep_json),
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_every_format_says_what_is_wrong(tmp_path, kind, spoil):
    good = good_tracks(tmp_path, kind)
    path = tmp_path / f"bad tracks 鼻{kind.suffixes[0]}"
    spoil(path, good)
    with pytest.raises(CoTrackerError) as caught:
        load_tracks(path, kind.name)
    assert_clear(caught.value, path)


@pytest.mark.parametrize("kind", formats(), ids=lambda kind: kind.name)
def test_every_format_stands_odd_paths(tmp_path, kind):
    good = good_tracks(tmp_path, kind)
    folder = tmp_path / "ünï 鼻 #1 100%"
    folder.mkdir()
    path = folder / f"my tracks 2026-01-01 12_30 (copy){kind.suffixes[0]}"
    path.write_bytes(good)
    path.chmod(0o444)
    assert load_tracks(path, kind.name).n_tracks == 2


@pytest.mark.parametrize("kind", formats(), ids=lambda kind: kind.name)
def test_every_format_refuses_to_write_into_nothing(tmp_path, kind):
    if kind.write is None:
        pytest.skip("can only be read")
    for folder in ("none", "file.txt"):
        (tmp_path / "file.txt").write_text("precious")
        path = tmp_path / folder / f"t{kind.suffixes[0]}"
        with pytest.raises(FormatError) as caught:
            save_tracks(some_tracks(), path, kind.name)
        assert_clear(caught.value, path)
    assert (tmp_path / "file.txt").read_text() == "precious"


def test_attributes_of_hdf5_on_which_pytables_crashes(tmp_path):
    """Found by fuzzing; a crash would take the whole test run with it."""
    (kind,) = [kind for kind in formats() if kind.name == "dlc"]
    content = bytearray(good_tracks(tmp_path, kind))
    at = content.index(b"PYTABLES_FORMAT_VERSION")
    content[at - 8 : at] = b"\xff" * 8
    path = tmp_path / f"bad{kind.suffixes[0]}"
    path.write_bytes(content)
    with pytest.raises(CoTrackerError) as caught:
        load_tracks(path, "dlc")
    assert_clear(caught.value, path)
