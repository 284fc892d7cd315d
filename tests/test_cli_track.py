"""``track`` and ``demo`` from end to end with the bundled model, on small pictures."""

import csv
import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from recordings import encode, moving_pattern

from napari_cotracker import load_tracks
from napari_cotracker.cli import main
from napari_cotracker.cli.console import ProgressBar
from napari_cotracker.sample import sample_clip
from napari_cotracker.weights import list_models

# test_packaging.py fails where they should be and are not.
pytestmark = pytest.mark.skipif(
    not any(record.is_here for record in list_models()),
    reason="this checkout has no bundled weights",
)

# Small pictures and few frames: what the command does is tested, not the network.
QUICK = (
    *("--last-frame", "20", "--model-resolution", "96", "128"),
    *("--iterations", "1", "--support-grid", "0"),
)
VIDEO = str(sample_clip().video)
HEADER = "track,name,frame,x,y,visible,visibility,confidence,source".split(",")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder with two query points."""
    monkeypatch.chdir(tmp_path)
    Path("q.csv").write_text("track,frame,x,y\n0,0,40.5,60.25\n1,12,150,120\n")
    return tmp_path


def track(*flags, video=VIDEO, queries="q.csv", out="t.csv"):
    return main(["track", video, "--queries", queries, "--out", out, *flags])


def test_tracks_are_saved_with_the_query_points_as_given(here, capsys):
    assert track(*QUICK, "--overlay", "o.mp4", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["frames_tracked"]) == (80, 21)
    assert (result["points"], result["finished"]) == (2, True)
    assert "256 x 192" in result["shown"]
    assert "8-bit values as they are" in result["shown"]
    with open("t.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == HEADER
    given = {(r["track"], r["frame"]): r for r in rows}["1", "12"]
    assert (float(given["x"]), float(given["y"])) == (150, 120)
    assert Path("o.mp4").stat().st_size > 1000


def test_times_of_uneven_frames_are_kept(here):
    step = np.random.default_rng(0).integers(10, 90, 23)
    pts = np.cumsum([0, *step]).tolist()
    encode("v.mkv", moving_pattern(24, 144, 192), pts=pts, rate=1000)
    assert track(*QUICK, video="v.mkv", out="t.json") == 0
    times = load_tracks("t.json").times
    np.testing.assert_allclose(times, np.array(pts) / 1000, atol=2e-3)


def test_what_is_read_and_done_is_said(here, capsys):
    assert track(*QUICK) == 0
    out = capsys.readouterr().out
    assert "80 frames of 256 x 192 pixels" in out
    assert re.search(r"frames per second +\d", out)
    assert track(*QUICK, "--overwrite", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("flags", "arguments", "words"),
    [
        ((), {"video": "absent.mp4"}, "absent.mp4"),
        ((), {"video": "q.csv"}, "q.csv"),
        ((), {"queries": "absent.csv"}, "absent.csv"),
        ((), {"queries": "empty.csv"}, "empty.csv"),
        ((), {"queries": "outside.csv"}, "outside the image"),
        ((), {"queries": "late.csv"}, "outside the time range"),
        ((), {"queries": "nan.csv"}, "x"),
        ((), {"out": "t.xyz"}, "t.xyz"),
        ((), {"out": "q.csv"}, "exists already"),
        (("--overwrite",), {"out": "q.csv"}, "overwrite an input"),
        ((), {"out": "no/t.csv"}, "does not exist"),
        (("--overlay", "o.gif"), {}, ".mp4"),
        (("--model", "compakt"), {}, "compact"),
        (("--model", "absent.pth"), {}, "absent.pth"),
        (("--model", "cotracker3_online"), {}, "scaled_online.pth"),
        (("--device", "abacus"), {}, "abacus"),
        (("--iterations", "0"), {}, "iterations"),
        (("--last-frame", "5"), {}, "frame"),
        (("--reference",), {}, "reference"),
        (("--format", "tif"), {}, "tif"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(
    here, capsys, flags, arguments, words
):
    Path("empty.csv").write_text("track,frame,x,y\n")
    Path("outside.csv").write_text("track,frame,x,y\n0,0,900,5\n")
    Path("late.csv").write_text("track,frame,x,y\n0,80,9,5\n")
    Path("nan.csv").write_text("track,frame,x,y\n0,0,nan,5\n")
    before = {p: p.read_bytes() for p in here.iterdir()}
    assert track(*flags, **arguments) == 2
    captured = capsys.readouterr()
    complaints = [
        line
        for line in captured.err.splitlines()
        if line.startswith("napari-cotracker")
    ]
    assert len(complaints) == 1
    assert words in complaints[0]
    assert {p: p.read_bytes() for p in here.iterdir()} == before


@pytest.fixture
def ctrl_c_works():
    """Undo that shells let programs in the background ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_works")
def test_ctrl_c_saves_the_finished_part(here, monkeypatch, capsys):
    def press_ctrl_c(bar, done, total):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ProgressBar, "show", press_ctrl_c)
    assert track(*QUICK) == 130
    assert re.search(r"Stopped: 1 of \d windows", capsys.readouterr().err)
    with open("t.csv", newline="") as file:
        assert any(row["source"] == "1" for row in csv.DictReader(file))


@pytest.mark.usefixtures("ctrl_c_works")
def test_ctrl_c_while_saving_saves_first(here, monkeypatch, capsys):
    write = csv.writer

    def press_ctrl_c(*arguments, **more):
        signal.raise_signal(signal.SIGINT)
        monkeypatch.undo()
        monkeypatch.chdir(here)
        return write(*arguments, **more)

    def last_window(bar, done, total):
        if done == total:
            monkeypatch.setattr(csv, "writer", press_ctrl_c)

    monkeypatch.setattr(ProgressBar, "show", last_window)
    assert track(*QUICK) == 130
    assert "when the tracks are saved" in capsys.readouterr().err
    assert load_tracks("t.csv").n_tracks == 2


def test_the_demo_leaves_its_files_and_tells_the_error(here, capsys):
    assert main(["demo", "--out", "d", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["points"]) == (80, 12)
    assert result["error_px_median"] < result["still_point_error_px_median"] / 2
    assert result["frames_per_second"] > 0
    names = {"tracks.csv", "queries.csv", "overlay.mp4", "strip.png", "demo.json"}
    assert {p.name for p in Path("d").iterdir()} == names
    tracks = np.loadtxt("d/tracks.csv", delimiter=",", skiprows=1, usecols=(2, 3, 4))
    assert len(tracks) == 80 * 12


def test_the_demo_never_replaces_somebodys_results(here, capsys):
    Path("d").mkdir()
    Path("d/tracks.csv").write_text("precious")
    assert main(["demo", "--out", "d"]) == 2
    assert "not from a demo" in capsys.readouterr().err
    assert Path("d/tracks.csv").read_text() == "precious"
    assert main(["demo", "--out", "q.csv"]) == 2


def test_evaluate_scores_a_labelled_clip(here, capsys):
    clip = sample_clip()
    source = {"video": clip.video.name, "width": 256, "height": 192}
    rows = ["track,frame,x,y,visible"]
    for n, name in enumerate(clip.truth.name):
        for t in (0, 10, 20):
            x, y = clip.truth.xy[t, n]
            rows.append(f"{name},{t},{x},{y},{int(clip.truth.visible[t, n])}")
    folder = here / "clips" / "swimmers"
    folder.mkdir(parents=True)
    shutil.copy(clip.video, folder)
    (folder / "source.json").write_text(json.dumps(source))
    (folder / "labels.csv").write_text("\n".join(rows))
    assert main(["evaluate", "clips", "--json", *QUICK]) == 0
    (score,) = json.loads(capsys.readouterr().out)
    assert score["clip"] == "swimmers"
    assert score["targets"] >= 20
    assert 0 < score["still"] < score["lucas_kanade"] < 1
    assert main(["evaluate", "nowhere"]) == 2
