"""``render`` from end to end: the right points on the right frames, or one line."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest

from napari_cotracker import save_tracks
from napari_cotracker.cli import main
from napari_cotracker.cli.console import ProgressBar
from napari_cotracker.overlay.marks import colour_of
from napari_cotracker.tracks import Source, Tracks
from napari_cotracker.video import open_video, write_video

N, SIZE = 20, (240, 320)


def a_track(n_frames=N):
    t = np.arange(n_frames, dtype=np.float32)
    shape = (n_frames, 1)
    return Tracks(
        xy=np.stack([40 + 10 * t, 0 * t + 120], -1)[:, None],
        visibility=np.ones(shape),
        confidence=np.ones(shape),
        visible=np.ones(shape, bool),
        source=np.full(shape, Source.MODEL),
        point_id=[3],
        name=("nose",),
        size=SIZE,
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(np.full((N, *SIZE, 3), 90, np.uint8), "clip.mp4", fps=10)
    save_tracks(a_track(), "t.csv")
    return tmp_path


def lit_x(frame):
    """Mean x of what has the colour of the first track, NaN where nothing has."""
    near = np.abs(frame.astype(int) - colour_of(0)).max(-1) < 60
    return np.nonzero(near)[1].mean() if near.any() else np.nan


def test_points_are_where_the_tracks_say(here, capsys):
    assert main(["render", "t.csv", "clip.mp4", "o.mp4", "--trail", "0", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["tracks"], result["first_frame"], result["last_frame"]) == (1, 0, 19)
    video = open_video("o.mp4")
    assert video.shape == (N, *SIZE, 3) and video.fps == pytest.approx(10)
    for frame in (0, 11, 19):
        assert lit_x(video[frame]) == pytest.approx(40 + 10 * frame, abs=1.5)


def test_a_scheduler_that_ends_it_leaves_nothing_behind(here, monkeypatch, capsys):
    def terminate(bar, done, total):
        signal.raise_signal(signal.SIGTERM)

    # Where nobody listens the process dies, and pytest with it.
    listening = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("nobody listens"))
    monkeypatch.setattr(ProgressBar, "show", terminate)
    try:
        assert main(["render", "t.csv", "clip.mp4", "o.mp4"]) == 130
    finally:
        signal.signal(signal.SIGTERM, listening)
    assert "Stopped" in capsys.readouterr().err
    assert {path.name for path in here.iterdir()} == {"clip.mp4", "t.csv"}


def test_a_range_of_frames_and_a_larger_point(here):
    flags = ["--first-frame", "5", "--last-frame", "9", "--trail", "0", "--no-names"]
    assert main(["render", "t.csv", "clip.mp4", "o.mp4", *flags]) == 0
    video = open_video("o.mp4")
    assert len(video) == 5 and lit_x(video[0]) == pytest.approx(90, abs=1.5)
    flags = [*flags, "--point-size", "40", "--fps", "5"]
    assert main(["render", "t.csv", "clip.mp4", "large.mp4", *flags]) == 0
    large = open_video("large.mp4")
    count = [(np.abs(v[0].astype(int) - 90).max(-1) > 60).sum() for v in (video, large)]
    assert count[1] > 10 * count[0] and large.fps == pytest.approx(5)


def test_tracks_that_end_early_leave_plain_frames(here, capsys):
    save_tracks(a_track(12), "short.csv")
    assert main(["render", "short.csv", "clip.mp4", "o.mp4"]) == 0
    assert "end with frame 11" in capsys.readouterr().err
    video = open_video("o.mp4")
    assert np.isfinite(lit_x(video[11])) and np.isnan(lit_x(video[12]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.csv", "clip.mp4", "o.mp4"], "none.csv"),
        (["t.csv", "none.mp4", "o.mp4"], "does not exist"),
        (["t.csv", "clip.mp4", "o.avi"], "must end in .mp4"),
        (["t.csv", "clip.mp4", "none/o.mp4"], "does not exist"),
        (["t.csv", "clip.mp4", "clip.mp4", "--overwrite"], "overwrite an input"),
        (["t.csv", "clip.mp4", "there.mp4"], "exists already"),
        (["long.csv", "clip.mp4", "o.mp4"], "have 21 frames"),
        (["t.csv", "clip.mp4", "o.mp4", "--last-frame", "20"], "frames 0 to 19"),
        (["t.csv", "clip.mp4", "o.mp4", "--trail", "-1"], "trail"),
        (["t.csv", "clip.mp4", "o.mp4", "--point-size", "0"], "radius"),
        (["t.csv", "clip.mp4", "o.mp4", "--point-size", "nan"], "radius"),
        (["t.csv", "clip.mp4", "o.mp4", "--format", "xyz"], "no format 'xyz'"),
        (["t.csv", "clip.mp4", "o.mp4", "--fps", "-3"], "fps=-3.0"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(here, capsys, arguments, words):
    (here / "there.mp4").write_text("precious")
    save_tracks(a_track(N + 1), "long.csv")
    before = {p.name: p.read_bytes() for p in here.iterdir()}
    assert main(["render", *arguments]) == 2
    err = capsys.readouterr().err
    # What the recording is has been said where it could be read.
    assert words in err and len(err.splitlines()) == 1
    assert {p.name: p.read_bytes() for p in here.iterdir()} == before


def test_hidden_points_differ_from_seen_ones(here):
    save_tracks(replace(a_track(), visible=np.zeros((N, 1), bool)), "hidden.csv")
    flags = ["--trail", "0", "--no-names", "--point-size", "20"]
    for name in ("t", "hidden"):
        assert main(["render", f"{name}.csv", "clip.mp4", f"{name}.mp4", *flags]) == 0
    seen, hidden = (open_video(f"{name}.mp4")[5, 120, 90] for name in ("t", "hidden"))
    assert np.abs(hidden.astype(int) - 90).max() < 12 < np.ptp(seen)
