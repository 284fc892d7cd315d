"""``napari-cotracker convert``."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_cotracker.cli import main
from napari_cotracker.io import load_queries, load_tracks, save_tracks
from napari_cotracker.tracks import Source, Tracks
from napari_cotracker.video import open_video, write_video


@pytest.fixture
def tracks():
    source = np.full((5, 2), Source.MODEL)
    source[[0, 3], [0, 1]] = Source.MANUAL
    visible = np.ones((5, 2), bool)
    visible[2, 1] = False
    return Tracks(
        xy=np.arange(20, dtype=np.float32).reshape(5, 2, 2),
        visibility=np.where(visible, 0.75, 0.25),
        confidence=np.full((5, 2), 0.5),
        visible=visible,
        source=source,
        point_id=[0, 1],
        name=("nose", "tail"),
    )


def test_convert_and_back(tmp_path, tracks, capsys):
    save_tracks(tracks, tmp_path / "t.csv")
    assert main(["convert", str(tmp_path / "t.csv"), str(tmp_path / "t.slp")]) == 0
    out = capsys.readouterr().out
    assert "2 tracks, 5 frames" in out and "not kept: the visibility of 10" in out
    assert main(["convert", str(tmp_path / "t.slp"), str(tmp_path / "u.csv")]) == 0
    again = load_tracks(tmp_path / "u.csv")
    for key in ("xy", "visible", "confidence", "source", "name", "point_id"):
        np.testing.assert_array_equal(getattr(again, key), getattr(tracks, key))


def test_json_tells_what_was_lost(tmp_path, tracks, capsys):
    save_tracks(tracks, tmp_path / "t.json")
    flags = ["--to", "dlc", "--json"]
    command = ["convert", str(tmp_path / "t.json"), str(tmp_path / "t.h5"), *flags]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["format"] == "dlc" and result["tracks"] == 2
    assert any("by hand" in loss for loss in result["lost"])
    back = ["convert", str(tmp_path / "t.h5"), str(tmp_path / "u.json"), "--quiet"]
    assert main([*back, "--from", "dlc"]) == 0
    assert capsys.readouterr().out == ""
    np.testing.assert_array_equal(load_tracks(tmp_path / "u.json").xy, tracks.xy)


def test_the_recording_gives_rate_times_and_size(tmp_path, tracks):
    save_tracks(tracks, tmp_path / "t.csv")
    write_video(np.zeros((5, 32, 48, 3), np.uint8), tmp_path / "v.mp4", fps=12.5)
    command = ["convert", str(tmp_path / "t.csv"), str(tmp_path / "t.nwb")]
    assert main([*command, "--video", str(tmp_path / "v.mp4")]) == 0
    again = load_tracks(tmp_path / "t.nwb")
    assert again.size == (32, 48)
    assert again.fps == pytest.approx(12.5)
    with open_video(tmp_path / "v.mp4") as video:
        np.testing.assert_allclose(again.times, video.times)


def test_a_recording_that_must_be_told_how_to_be_read(tmp_path, tracks, capsys):
    """Its rate and size are wanted, but it opens only with channels chosen."""
    save_tracks(tracks, tmp_path / "t.csv")
    stack = np.zeros((5, 2, 32, 48), np.uint8)
    tifffile.imwrite(tmp_path / "v.tif", stack, imagej=True, metadata={"axes": "TCYX"})
    command = ["convert", str(tmp_path / "t.csv"), str(tmp_path / "t.json")]
    command += ["--video", str(tmp_path / "v.tif")]
    assert main(command) == 2
    assert "2 channels" in capsys.readouterr().err
    assert main([*command, "--channels", "1", "--fps", "4"]) == 0
    again = load_tracks(tmp_path / "t.json")
    assert (again.size, again.fps) == ((32, 48), 4)


def test_the_rate_alone_can_be_told(tmp_path, tracks):
    save_tracks(tracks, tmp_path / "t.csv")
    command = ["convert", str(tmp_path / "t.csv"), str(tmp_path / "t.nwb")]
    assert main([*command, "--fps", "12.5"]) == 0
    assert load_tracks(tmp_path / "t.nwb").fps == 12.5


def test_a_rate_that_is_told_overrules_the_file(tmp_path, tracks):
    wrong = replace(tracks, fps=10.0, times=np.arange(5) / 10)
    save_tracks(wrong, tmp_path / "t.json")
    command = ["convert", str(tmp_path / "t.json"), str(tmp_path / "u.json")]
    assert main([*command, "--fps", "50"]) == 0
    again = load_tracks(tmp_path / "u.json")
    assert (again.fps, again.times) == (50, None)


def test_tracks_of_another_recording_are_refused(tmp_path, tracks, capsys):
    save_tracks(tracks, tmp_path / "t.csv")
    write_video(np.zeros((4, 32, 48, 3), np.uint8), tmp_path / "v.mp4", fps=12.5)
    command = ["convert", str(tmp_path / "t.csv"), str(tmp_path / "t.nwb")]
    assert main([*command, "--video", str(tmp_path / "v.mp4")]) == 2
    assert "have 5 frames, but 'v.mp4' has 4" in capsys.readouterr().err
    assert not (tmp_path / "t.nwb").exists()


def test_queries(tmp_path, tracks):
    save_tracks(tracks, tmp_path / "t.slp")
    command = ["convert", str(tmp_path / "t.slp"), str(tmp_path / "q.csv"), "--queries"]
    assert main(command) == 0
    assert (tmp_path / "q.csv").read_text().startswith("track,frame,x,y,name\n")
    queries = load_queries(tmp_path / "q.csv")
    assert queries.txy.tolist() == [[0, 0, 1], [3, 14, 15]]
    command = ["convert", str(tmp_path / "q.csv"), str(tmp_path / "q.slp"), "--queries"]
    assert main(command) == 0
    assert load_queries(tmp_path / "q.slp").txy.tolist() == queries.txy.tolist()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["none.csv", "o.json"], "No such file"),
        (["t.csv", "o.h5"], "state the format"),
        (["t.csv", "o.xyz"], "suffix of 'o.xyz'"),
        (["t.csv", "there.json"], "exists already"),
        (["t.csv", "there.geff"], "add --overwrite"),
        (["t.csv", "t.csv", "--overwrite"], "would overwrite an input"),
        (["t.csv", "o.json", "--from", "slp"], "not a project file of SLEAP"),
        (["t.csv", "o.json", "--to", "tsv"], "no format 'tsv'"),
        (["t.csv", "none/o.json"], "does not exist"),
        (["t.csv", "o.json", "--video", "v.mp4"], "v.mp4"),
        (["t.csv", "o.json", "--channels", "1"], "add --video"),
        (["t.csv", "o.json", "--fps", "0"], "above 0"),
    ],
)
def test_bad_input(tmp_path, tracks, capsys, monkeypatch, extra, words):
    monkeypatch.chdir(tmp_path)
    save_tracks(tracks, "t.csv")
    (tmp_path / "there.json").write_text("precious")
    (tmp_path / "there.geff").mkdir()
    assert main(["convert", *extra]) == 2
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1
    assert (tmp_path / "there.json").read_text() == "precious"
    assert not (tmp_path / "o.json").exists()
