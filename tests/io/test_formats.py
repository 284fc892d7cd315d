"""Every format: what it holds comes back, what it cannot hold is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from some_tracks import FILES, FORMATS, GROUP, SOLO, hidden, rich_tracks, seen

from napari_cotracker.errors import FormatError
from napari_cotracker.io import (
    formats,
    load_queries,
    load_tracks,
    register,
    save_queries,
    save_tracks,
)
from napari_cotracker.io.anchors import tracks_of
from napari_cotracker.io.codecs import BUILT_IN
from napari_cotracker.io.compare import ASPECTS
from napari_cotracker.io.format import TracksFormat
from napari_cotracker.tracks import Queries, Source, Tracks

# Projects join when their room is first imported, which other tests may have done.
NAMES = {f.name: f for f in formats() if f.name != "ctk"}
HIDDEN_KEPT = {"csv", "json", "dlc", "slp", "nwb", "coco"}
SOURCE_KEPT = {"csv", "json", "napari", "slp", "nwb", "coco", "trackmate", "geff"}
SOURCE_KEPT |= {"trackmate-csv", "trackpy"}
VISIBILITY_KEPT = SOURCE_KEPT - {"slp"}
CONFIDENCE_LOST = {"dlc-labels"}
FPS_KEPT = {"json", "nwb", "coco", "trackmate", "geff"}
TIMES_KEPT = {"json", "nwb", "coco"}

files = pytest.mark.parametrize(("format", "file"), FILES)
teams = pytest.mark.parametrize("names", [SOLO, GROUP], ids=["solo", "group"])


def test_the_list_of_formats_is_the_documented_one():
    assert list(NAMES) == [
        *("csv", "json", "napari", "dlc", "dlc-labels", "slp", "sleap-h5"),
        *("sleap-csv", "nwb", "coco", "trackmate", "trackmate-csv", "trackpy", "geff"),
    ]
    assert set(NAMES) == set(FORMATS)
    for each in NAMES.values():
        assert each.label and each.suffixes and each.holds <= ASPECTS


def test_the_table_in_the_docs_is_that_of_the_code():
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    rows = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            rows[cells[0].strip("`")] = cells
    assert list(rows) == list(NAMES)
    columns = {
        "occluded position": 3,
        "visibility": 4,
        "confidence": 5,
        "source": 6,
        "point_id": 7,
        "times": 9,
    }
    for each in NAMES.values():
        assert f"`{each.suffixes[0]}`" in text
        for aspect, column in columns.items():
            kept = rows[each.name][column].startswith("kept")
            assert kept is (aspect in each.holds), (each.name, aspect)


@files
@teams
def test_round_trip(tmp_path, format, file, names):
    tracks = rich_tracks(names)
    save_tracks(tracks, tmp_path / file, format)
    again = load_tracks(tmp_path / file)
    order = [again.name.index(name) for name in names]
    n = again.n_frames
    xy, visible = again.xy[:, order], again.visible[:, order]
    want = seen(tracks)[:n]
    assert not seen(tracks)[n:].any()
    np.testing.assert_array_equal(xy[want], tracks.xy[:n][want])
    np.testing.assert_array_equal(visible, want)
    known = again.source[:, order] != Source.EMPTY
    if format in HIDDEN_KEPT:
        mask = hidden(tracks)[:n]
        np.testing.assert_array_equal(xy[mask], tracks.xy[:n][mask])
        np.testing.assert_array_equal(known, (tracks.source != Source.EMPTY)[:n])
    else:
        np.testing.assert_array_equal(known, want)
    if format in SOURCE_KEPT:
        got = again.source[:, order]
        np.testing.assert_array_equal(got[known], tracks.source[:n][known])
    for kept, key in (
        (format in VISIBILITY_KEPT, "visibility"),
        (format not in CONFIDENCE_LOST, "confidence"),
    ):
        if kept:
            got, given = getattr(again, key)[:, order], getattr(tracks, key)[:n]
            np.testing.assert_allclose(got[want], given[want], atol=2e-7)


@files
def test_facts_of_the_recording(tmp_path, format, file):
    plain, timed = rich_tracks(), rich_tracks(timed=True)
    save_tracks(plain, tmp_path / file, format)
    again = load_tracks(tmp_path / file)
    assert again.fps == (pytest.approx(29.97) if format in FPS_KEPT else None)
    assert load_tracks(tmp_path / file, fps=5.0).fps is not None
    assert load_tracks(tmp_path / file, size=(480, 640)).size == (480, 640)
    save_tracks(timed, tmp_path / file, format, overwrite=True)
    again = load_tracks(tmp_path / file)
    assert again.fps == (pytest.approx(29.97) if format in FPS_KEPT else None)
    if format in TIMES_KEPT:
        np.testing.assert_array_equal(again.times, timed.times)
    else:
        assert again.times is None
        given = load_tracks(tmp_path / file, times=timed.times).times
        np.testing.assert_array_equal(given, timed.times[: again.n_frames])


@files
def test_losses_are_reported(tmp_path, format, file):
    losses = " ".join(save_tracks(rich_tracks(timed=True), tmp_path / file, format))
    assert ("occluded points" in losses) is (format not in HIDDEN_KEPT)
    assert ("placed by hand" in losses) is (format not in SOURCE_KEPT)
    assert ("time of each frame" in losses) is (format not in TIMES_KEPT)
    assert ("disagreement" in losses) is (format not in ("json", "nwb"))
    if format == "json":
        assert losses == ""


@files
def test_nothing_is_lost_in_silence(tmp_path, format, file):
    """Whatever differs after loading was said when saving."""
    tracks = rich_tracks(timed=True)
    losses = save_tracks(tracks, tmp_path / file, format)
    again = load_tracks(tmp_path / file)
    said = " ".join(losses)
    assert (again.n_frames == tracks.n_frames) or "number of frames" in said
    assert (again.size == tracks.size) or "frame size" in said
    assert np.array_equal(again.point_id, tracks.point_id) or "numbers of" in said
    assert again.fps == pytest.approx(tracks.fps) or "frame rate" in said


@files
def test_names_that_clash(tmp_path, format, file):
    tracks = rich_tracks(("a", "a", "m/b", "", "single"))
    losses = " ".join(save_tracks(tracks, tmp_path / file, format))
    again = load_tracks(tmp_path / file)
    assert again.n_tracks == 5
    if sorted(again.name) != sorted(tracks.name):
        assert "names ('a' becomes" in losses
    total = seen(tracks).sum()
    assert seen(again).sum() == total


@files
@pytest.mark.parametrize("names", [("single/nose", "nose", "."), ("./nose", "a/.", "")])
def test_names_that_mean_something_to_a_format(tmp_path, format, file, names):
    tracks = rich_tracks(names)
    save_tracks(tracks, tmp_path / file, format)
    again = load_tracks(tmp_path / file)
    assert again.n_tracks == 3
    assert seen(again).sum() == seen(tracks).sum()


@files
def test_one_point_on_one_frame(tmp_path, format, file):
    queries = Queries([0], [[3.5, 4.25]], [0], ("nose",))
    save_queries(queries, tmp_path / file, format)
    again = load_queries(tmp_path / file)
    assert again.txy.tolist() == [[0.0, 3.5, 4.25]]
    assert again.name == ("nose",)


@files
def test_the_only_frame_has_a_time(tmp_path, format, file):
    alone = tracks_of(Queries([0], [[3.5, 4.25]], [0], ("nose",)))
    timed = replace(alone, times=np.zeros(1), size=(48, 64), fps=25.0)
    save_tracks(timed, tmp_path / file, format)
    times = load_tracks(tmp_path / file).times
    assert (times is not None) is (format in TIMES_KEPT)


@files
def test_labels_become_anchors(tmp_path, format, file):
    tracks = rich_tracks()
    save_tracks(tracks, tmp_path / file, format)
    anchors = load_queries(tmp_path / file)
    manual = tracks.source == Source.MANUAL
    if format not in SOURCE_KEPT:
        manual = np.ones_like(manual)
    assert len(anchors) == (manual & seen(tracks)).sum()
    assert set(anchors.name) == set(tracks.name)


@files
def test_unicode_and_spaces_in_the_path(tmp_path, format, file):
    folder = tmp_path / "Maus 爪 (1)"
    folder.mkdir()
    save_tracks(rich_tracks(), folder / f"Versuch ä {file}", format)
    assert load_tracks(folder / f"Versuch ä {file}").n_tracks == 3
    assert [p.name for p in folder.iterdir()] == [f"Versuch ä {file}"]


@files
def test_an_existing_file_stays(tmp_path, format, file):
    path = tmp_path / file
    save_tracks(rich_tracks(), path, format)
    with pytest.raises(FormatError, match="exists already"):
        save_tracks(rich_tracks(n_frames=8), path, format)
    assert load_tracks(path).n_frames > 8
    save_tracks(rich_tracks(n_frames=8), path, format, overwrite=True)
    assert load_tracks(path).n_frames <= 8
    assert [p.name for p in tmp_path.iterdir()] == [file]


def test_a_folder_of_other_things_is_never_replaced(tmp_path):
    precious = tmp_path / "results"
    precious.mkdir()
    (precious / "notes.txt").write_text("precious")
    with pytest.raises(FormatError, match="holds something else than GEFF"):
        save_tracks(rich_tracks(), precious, "geff", overwrite=True)
    assert (precious / "notes.txt").read_text() == "precious"
    (precious / "notes.txt").unlink()
    for _ in range(2):
        save_tracks(rich_tracks(), precious, "geff", overwrite=True)


@files
def test_numbers_of_tracks_may_be_large(tmp_path, format, file):
    tracks = rich_tracks()
    large = replace(tracks, point_id=np.array([10**11, -3, 7]))
    save_tracks(large, tmp_path / file, format)


@files
def test_a_name_that_is_too_long_is_said(tmp_path, format, file):
    with pytest.raises(FormatError, match="cannot be written"):
        save_tracks(rich_tracks(), tmp_path / f"{'n' * 300}{file}", format)
    assert not any(tmp_path.iterdir())


@files
def test_a_faulty_disk_is_noticed(tmp_path, monkeypatch, format, file):
    """What reads back otherwise than written never takes the place of a file."""
    path = tmp_path / file
    save_tracks(rich_tracks(), path, format)
    chosen = NAMES[format]

    def shifted(tracks, part):
        moved = tracks.xy.copy()
        moved[seen(tracks)] += 0.25
        chosen.write(replace(tracks, xy=moved), part)

    faulty = replace(chosen, write=shifted)
    monkeypatch.setattr("napari_cotracker.io.dispatch.format_of", lambda *_: faulty)
    with pytest.raises(FormatError, match="have moved"):
        save_tracks(rich_tracks(), path, format, overwrite=True)
    monkeypatch.undo()
    again = load_tracks(path)
    assert seen(again).sum() == seen(rich_tracks()).sum()
    assert [p.name for p in tmp_path.iterdir()] == [file]


@files
def test_large_coordinates_stay_exact(tmp_path, format, file):
    tracks = rich_tracks()
    xy = tracks.xy * np.float32(-1e6)
    save_tracks(replace(tracks, xy=xy), tmp_path / file, format)


def test_an_occluded_point_is_never_seen_elsewhere(tmp_path):
    """Convert through every format and back: hidden points do not come up."""
    tracks = rich_tracks()
    for format, file in FILES:
        save_tracks(tracks, tmp_path / file, format)
        again = load_tracks(tmp_path / file)
        order = [again.name.index(name) for name in tracks.name]
        shown = again.visible[:, order] & hidden(tracks)[: again.n_frames]
        assert not shown.any(), format


def test_suffixes_choose_and_contents_decide(tmp_path):
    tracks = rich_tracks()
    save_tracks(tracks, tmp_path / "own.csv")
    save_tracks(tracks, tmp_path / "own.json")
    tables = ("napari", "dlc", "dlc-labels", "sleap-csv", "trackmate-csv", "trackpy")
    for format in tables:
        path = tmp_path / f"{format}.csv"
        save_tracks(tracks, path, format)
        assert load_tracks(path).n_tracks == 3, format
    for format in ("dlc", "dlc-labels", "sleap-h5"):
        path = tmp_path / f"{format}.h5"
        with pytest.raises(FormatError, match="can be dlc, dlc-labels or sleap-h5"):
            save_tracks(tracks, path)
        save_tracks(tracks, path, format)
        assert load_tracks(path).n_tracks == 3, format
    save_tracks(tracks, tmp_path / "c.json", "coco")
    assert load_tracks(tmp_path / "c.json").n_tracks == 3


def test_a_file_under_a_wrong_suffix_is_recognised(tmp_path):
    save_tracks(rich_tracks(), tmp_path / "t.slp")
    (tmp_path / "t.slp").rename(tmp_path / "t.csv")
    with pytest.raises(FormatError, match=r"looks like SLEAP project.*'slp'"):
        load_tracks(tmp_path / "t.csv")
    assert load_tracks(tmp_path / "t.csv", "slp").n_tracks == 3


def test_formats_from_outside(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_cotracker.io.registry._registered", list(BUILT_IN))
    before = len(formats())
    new = TracksFormat(
        "ctk",
        "project",
        (".ctk",),
        lambda _path: True,
        lambda _path: rich_tracks(),
        None,
        frozenset(),
    )
    register(new)
    register(new)
    assert len(formats()) == before + 1
    (tmp_path / "p.ctk").write_bytes(b"")
    assert load_tracks(tmp_path / "p.ctk").n_tracks == 3
    with pytest.raises(FormatError, match="can only be read"):
        save_tracks(rich_tracks(), tmp_path / "t.ctk")


def test_a_missing_library_names_the_extra(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sleap_io", None)
    with pytest.raises(FormatError, match=r"'sleap_io'.*napari-cotracker\[formats\]"):
        save_tracks(rich_tracks(), tmp_path / "t.slp")
    assert list(tmp_path.iterdir()) == []


def test_placed_points_in_hidden_spans_stay_anchors(tmp_path):
    visible = np.ones((6, 2), np.bool_)
    visible[2, 1] = False
    source = np.full((6, 2), Source.MODEL, np.uint8)
    source[0, 0] = source[2, 1] = Source.MANUAL
    tracks = Tracks(
        xy=np.random.default_rng(0).uniform(0, 9, (6, 2, 2)).astype(np.float32),
        visibility=visible.astype(np.float32),
        confidence=visible.astype(np.float32),
        visible=visible,
        source=source,
        point_id=[0, 1],
        name=("a", "b"),
    )
    save_tracks(tracks, tmp_path / "t.json")
    queries = load_queries(tmp_path / "t.json")
    assert list(zip(queries.name, queries.frame, strict=True)) == [("a", 0), ("b", 2)]


@pytest.mark.parametrize(
    "file",
    [
        *("t.trackpy.csv", "t.napari.csv", "t.xml", "t.trackmate.csv", "t.geff"),
        "t.analysis.h5",
    ],
)
def test_nothing_visible_is_told_on_saving(tmp_path, file):
    tracks = rich_tracks()
    unseen = replace(tracks, visible=np.zeros_like(tracks.visible))
    with pytest.raises(FormatError, match="No point is visible.*JSON"):
        save_tracks(unseen, tmp_path / file)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [None, np.zeros((3, 2, 2))])
def test_only_tracks_are_saved(tmp_path, given):
    with pytest.raises(FormatError, match=r"tracks is a .*; expected Tracks"):
        save_tracks(given, tmp_path / "tracks.csv")
    assert not list(tmp_path.iterdir())
