"""Own CSV: what is saved comes back to the last bit; bad files say where."""

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_cotracker.errors import FormatError
from napari_cotracker.io import load_tracks, save_tracks
from napari_cotracker.io.codecs import own_csv
from napari_cotracker.tracks import Source, Tracks

HEADER = "track,name,frame,x,y,visible,visibility,confidence,source"


def some_tracks(n_frames=6, names=("nose", "Pfote, links", 'a "quoted" 爪\nline')):
    rng = np.random.default_rng(0)
    shape = (n_frames, len(names))
    source = rng.integers(0, 3, shape)
    xy = rng.normal(200, 100, (*shape, 2)).astype(np.float32)
    xy[source == Source.EMPTY] = np.nan
    visibility = rng.random(shape, np.float32)
    return Tracks(
        xy=xy,
        visibility=visibility,
        confidence=rng.random(shape, np.float32),
        visible=visibility > 0.5,
        source=source,
        point_id=np.array([7, 3, 12])[: len(names)],
        name=names,
        fps=30.0,
        size=(480, 640),
    )


def assert_same(a, b):
    for key in ("xy", "visibility", "confidence", "visible", "source", "point_id"):
        np.testing.assert_array_equal(getattr(a, key), getattr(b, key))
        assert getattr(a, key).dtype == getattr(b, key).dtype
    assert a.name == b.name


def test_round_trip(tmp_path):
    tracks = some_tracks()
    save_tracks(tracks, tmp_path / "t.csv")
    again = load_tracks(tmp_path / "t.csv", fps=30.0, size=(480, 640))
    assert_same(tracks, again)
    assert (again.fps, again.size) == (30.0, (480, 640))
    assert load_tracks(tmp_path / "t.csv").fps is None


coordinates = st.one_of(
    st.floats(width=32, allow_infinity=False, allow_nan=False), st.just(-0.0)
)


@settings(max_examples=60, deadline=None)
@given(xy=hnp.arrays(np.float32, (3, 2, 2), elements=coordinates))
def test_every_float32_survives(tmp_path_factory, xy):
    tracks = replace(some_tracks(3, ("a", "b")), xy=xy)
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    save_tracks(tracks, path)
    assert load_tracks(path).xy.tobytes() == tracks.xy.tobytes()


@settings(max_examples=60, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_every_name_survives(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    save_tracks(some_tracks(2, (name,)), path)
    assert load_tracks(path).name == (name,)


def test_the_layout_is_the_documented_one(tmp_path):
    tracks = some_tracks(4)
    save_tracks(tracks, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == HEADER.split(",")
    assert len(rows) == 12
    assert [row["frame"] for row in rows[:5]] == ["0", "1", "2", "3", "0"]
    empty = [row for row in rows if row["source"] == "0"]
    assert empty and all(row["x"] == row["y"] == "" for row in empty)


def test_the_score_script_reads_it(tmp_path):
    pandas = pytest.importorskip("pandas")
    tracks = some_tracks()
    save_tracks(tracks, tmp_path / "t.csv")
    table = pandas.read_csv(tmp_path / "t.csv", dtype={"track": str})
    assert list(table.columns) == HEADER.split(",")
    found = table[(table.track == "3") & (table.frame == 2)].iloc[0]
    np.testing.assert_equal(np.float32([found.x, found.y]), tracks.xy[2, 1])
    assert int(float(found.visible)) in (0, 1)


def test_large_results_take_seconds(tmp_path):
    names = tuple(f"p{i}" for i in range(40))
    tracks = replace(some_tracks(500, names[:1]), name=("p0",))
    wide = Tracks(
        **{
            key: np.repeat(getattr(tracks, key), 40, axis=1)
            for key in ("xy", "visibility", "confidence", "visible", "source")
        },
        point_id=np.arange(40),
        name=names,
    )
    save_tracks(wide, tmp_path / "t.csv")
    assert_same(wide, load_tracks(tmp_path / "t.csv"))


def write(path, *lines, header=HEADER):
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


GOOD = ("0,a,0,1,2,1,0.9,0.8,1", "0,a,1,1,2,1,0.9,0.8,1")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["0,a,0,1,zwei,1,0.9,0.8,1"], "line 2, column 'y': expected a number"),
        ([GOOD[0], "0,a,1,nan,2,1,1,1,1"], "line 3, column 'x': expected a finite"),
        (["0,a,0,inf,2,1,1,1,1"], "column 'x': expected a finite number"),
        (["0,a,0,,2,1,1,1,1"], "line 2, column 'x'"),
        (["0,a,0.5,1,2,1,1,1,1"], "column 'frame': expected a whole number"),
        (["0,a,-1,1,2,1,1,1,1"], "column 'frame': expected 0 or more"),
        (["x,a,0,1,2,1,1,1,1"], "column 'track': expected a number"),
        (["0,a,0,1,2,maybe,1,1,1"], "column 'visible'"),
        (["0,a,0,1,2,2,1,1,1"], "column 'visible': expected one of 0, 1"),
        (["0,a,0,1,2,1,1,1,9"], "column 'source': expected one of 0, 1, 2"),
        ([GOOD[0], GOOD[0]], "lines 2 and 3: two rows for track 0 on frame 0"),
        ([*GOOD, "1,b,1,1,1,1,1,1,1"], "no row for track 1 on frame 0"),
        ([GOOD[0], "0,a,1000000000000,1,2,1,1,1,1"], "no row for track 0 on frame 1"),
        ([GOOD[0], "0,b,1,1,2,1,1,1,1"], "line 3, column 'name'"),
        ([GOOD[0], "0,a,1,1"], "line 3: 4 cells, but the header has 9"),
        ([GOOD[0], '0,"a,1,1,1,1,1,1,1'], "line 3"),
        ([], "no rows"),
    ],
)
def test_bad_rows_are_named(tmp_path, lines, words):
    with pytest.raises(FormatError) as caught:
        load_tracks(write(tmp_path / "t.csv", *lines))
    assert words in str(caught.value)


def test_bad_files_are_named(tmp_path):
    with pytest.raises(FormatError, match="No such file"):
        load_tracks(tmp_path / "none.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(FormatError, match="is empty"):
        load_tracks(tmp_path / "empty.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00\x81" * 20)
    with pytest.raises(FormatError, match="not text"):
        load_tracks(tmp_path / "bytes.csv")
    with pytest.raises(FormatError, match="source missing"):
        load_tracks(write(tmp_path / "t.csv", header=HEADER.removesuffix(",source")))
    with pytest.raises(FormatError, match="'x' is there twice"):
        load_tracks(write(tmp_path / "u.csv", f"{GOOD[0]},5", header=HEADER + ",x"))
    with pytest.raises(FormatError):
        load_tracks(tmp_path)


def test_formats_by_suffix_and_by_name(tmp_path):
    tracks = some_tracks()
    with pytest.raises(FormatError, match=r"suffix of 't\.xyz' names no format"):
        save_tracks(tracks, tmp_path / "t.xyz")
    save_tracks(tracks, tmp_path / "t.xyz", format="csv")
    assert_same(tracks, load_tracks(tmp_path / "t.xyz", "csv"))
    with pytest.raises(FormatError, match="no format 'tsv'"):
        save_tracks(tracks, tmp_path / "t.csv", format="tsv")


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path):
    path = tmp_path / "t.csv"
    save_tracks(some_tracks(3), path)
    before = path.read_bytes()
    with pytest.raises(FormatError, match="exists already"):
        save_tracks(some_tracks(5), path)
    assert path.read_bytes() == before
    save_tracks(some_tracks(5), path, overwrite=True)
    assert load_tracks(path).n_frames == 5
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_what_cannot_be_saved_leaves_nothing(tmp_path):
    tracks = some_tracks(3)
    infinite = tracks.xy.copy()
    infinite[0, 0] = np.inf
    for bad in (
        Tracks.empty(0, [1], ("a",), size=(4, 4)),
        Tracks.empty(4, [], (), size=(4, 4)),
        replace(tracks, point_id=np.array([1, 1, 2])),
        replace(tracks, xy=infinite),
        replace(tracks, name=("a", "b", "\ud800")),
    ):
        with pytest.raises(FormatError):
            save_tracks(bad, tmp_path / "t.csv")
    with pytest.raises(FormatError, match="cannot be written"):
        save_tracks(tracks, tmp_path / "none" / "t.csv")
    with pytest.raises(FormatError, match="is not a file"):
        save_tracks(tracks, tmp_path, format="csv", overwrite=True)
    assert not list(tmp_path.iterdir())


def test_a_file_that_reads_back_differently_is_thrown_away(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    save_tracks(some_tracks(3), path)
    before = path.read_bytes()
    rows = own_csv._rows

    def faulty(tracks):
        for row in rows(tracks):
            yield (*row[:3], "1.5", "1.5", *row[5:]) if row[2] == 1 else row

    monkeypatch.setattr(own_csv, "_rows", faulty)
    with pytest.raises(FormatError, match="did not read back the same"):
        save_tracks(some_tracks(3), path, overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """A limit on file size is the full disk that a test can have without being root."""
    code = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_csv import some_tracks
from napari_cotracker.errors import FormatError
from napari_cotracker.io import save_tracks
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
try:
    save_tracks(some_tracks(2000), sys.argv[1], overwrite=True)
except FormatError as error:
    sys.exit(str(error))
"""
    path = tmp_path / "t.csv"
    path.write_text("precious")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True
    )
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert path.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
