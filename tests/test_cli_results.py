"""A run that stops keeps what it has; what cannot be written goes elsewhere."""

import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from napari_cotracker.cli.app import exit_code
from napari_cotracker.cli.console import Console
from napari_cotracker.cli.following import follow
from napari_cotracker.cli.interrupts import finishing_first
from napari_cotracker.cli.outputs import check_output, try_format, write_or_rescue
from napari_cotracker.cli.result import errors_px, exit_code_of, summarise
from napari_cotracker.errors import (
    CoTrackerError,
    FormatError,
    InputError,
    ModelError,
    TrackingError,
    VideoError,
)
from napari_cotracker.files import replacing
from napari_cotracker.io import load_tracks
from napari_cotracker.sample import sample_clip
from napari_cotracker.tracking import Progress
from napari_cotracker.tracks import Queries, Source, Tracks

QUIET = Console(quiet=True)


def steps_until(error, closed):
    truth = sample_clip().truth
    try:
        for done in (1, 2):
            yield Progress(done, 5, truth, (0, 15))
        if error is not None:
            raise error
    finally:
        closed.append(True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (KeyboardInterrupt(), 130),
        (TrackingError("out of memory"), 1),
        (VideoError("frame 180 is damaged"), 1),
    ],
)
def test_whatever_was_finished_is_kept(error, code, capsys):
    closed = []
    outcome = follow(steps_until(error, closed), QUIET)
    assert closed == [True]
    assert outcome.tracks is not None
    assert (outcome.done, outcome.total) == (2, 5)
    assert exit_code_of(outcome, QUIET) == code
    assert summarise(outcome)["finished"] is (error is None)
    assert ("2 of 5 windows" in capsys.readouterr().err) is (error is not None)


def test_a_scheduler_ends_a_run_as_ctrl_c_does():
    def terminated():
        yield Progress(1, 5, sample_clip().truth, (0, 15))
        signal.raise_signal(signal.SIGTERM)
        yield Progress(2, 5, sample_clip().truth, (0, 15))

    with finishing_first(pytest.fail) as at_once:
        outcome = follow(terminated(), QUIET, at_once)
    assert exit_code_of(outcome, QUIET) == 130
    assert outcome.tracks is not None and outcome.done == 1
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_ctrl_c_waits_until_the_tracks_are_saved():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    told, saved = [], []
    try:
        for presses in (1, 2):
            with pytest.raises(KeyboardInterrupt), finishing_first(told.append):
                for _ in range(presses):
                    signal.raise_signal(signal.SIGINT)
                saved.append(presses)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert saved == [1] and len(told) == 2


def test_what_loses_nothing_is_ended_at_once():
    told, done = [], []
    with finishing_first(told.append) as at_once:
        with pytest.raises(KeyboardInterrupt), at_once():
            signal.raise_signal(signal.SIGTERM)
            done.append("in it")
        assert told == []
        signal.raise_signal(signal.SIGTERM)
        assert len(told) == 1
        with pytest.raises(KeyboardInterrupt), at_once():
            done.append("begun while one waits")
    assert done == []


# Where a run is over, and before its tracks are written.
PLACES = ["tqdm.tqdm.close", "napari_cotracker.cli.track.summarise"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_is_over_is_saved_whenever_the_scheduler_ends_it(tmp_path, place):
    module, _, name = place.rpartition(".")
    code = (
        "import os, pkgutil, signal, sys\n"
        "from napari_cotracker.cli import main, track\n"
        f"home = pkgutil.resolve_name({module!r})\n"
        f"usual = getattr(home, {name!r})\n"
        "def killed(*given):\n"
        f"    setattr(home, {name!r}, usual)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return usual(*given)\n"
        f"setattr(home, {name!r}, killed)\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    (tmp_path / "q.csv").write_text("track,frame,x,y\n0,0,40.5,60.25\n")
    quick = "--last-frame 9 --model-resolution 96 128 --iterations 1".split()
    track = ["track", sample_clip().video, "--queries", "q.csv", "--out", "t.csv"]
    done = subprocess.run(
        [sys.executable, "-c", code, *track, *quick],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (130, False), done.stderr
    assert "when the tracks are saved" in done.stderr
    tracks = load_tracks(tmp_path / "t.csv")
    assert (tracks.source[:10] != Source.EMPTY).all()


def test_json_has_no_nan(capsys):
    Console(json=True).report([{"a": float("nan"), "b": [1.5, np.inf]}], [])
    assert json.loads(capsys.readouterr().out) == [{"a": None, "b": [1.5, None]}]


def test_a_log_file_has_lines(capsys):
    follow(steps_until(None, []), Console())
    err = capsys.readouterr().err
    assert "\r" not in err and "2/5" in err.splitlines()[-1]


@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-"])
def test_a_screen_that_fails_ends_no_run(tmp_path, redirect):
    code = (
        "import sys\n"
        "from napari_cotracker.cli.app import main\n"
        "from napari_cotracker.cli.console import Console\n"
        "main(['models', '--quiet'])\n"
        "with Console().progress('tracking') as bar:\n"
        "    bar.show(1, 2)\n"
        "Console().warn('a frame is damaged')\n"
        "open(sys.argv[1], 'w').close()\n"
    )
    shell = f'"$0" -c "$1" "$2" {redirect}'
    saved = tmp_path / "saved"
    done = subprocess.run(["sh", "-c", shell, sys.executable, code, saved])
    assert done.returncode == 0 and saved.exists()


def test_stopping_before_the_first_window_says_that_nothing_was_saved(capsys):
    def nothing_yet():
        raise KeyboardInterrupt
        yield

    outcome = follow(nothing_yet(), QUIET)
    assert exit_code_of(outcome, QUIET) == 130
    assert "nothing new was saved" in capsys.readouterr().err


def test_the_error_is_judged_where_the_model_answered_and_truth_is_seen():
    truth = sample_clip().truth
    tracks = Tracks(
        xy=truth.xy + np.float32([3, 4]),
        visibility=truth.visibility,
        confidence=truth.confidence,
        visible=truth.visible,
        source=np.full_like(truth.source, Source.MODEL),
        point_id=truth.point_id,
        name=truth.name,
    )
    tracks.source[0] = Source.MANUAL
    distances = errors_px(tracks, truth)
    assert len(distances) == truth.visible[1:].sum()
    np.testing.assert_allclose(distances, 5, rtol=1e-5)


def test_outputs_are_refused_before_the_work(tmp_path):
    existing = tmp_path / "tracks.csv"
    existing.write_text("precious")
    check_output(existing, overwrite=True)
    check_output(tmp_path / "new.csv", overwrite=False)
    for path, words in (
        (existing, "--overwrite"),
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "t.csv", "does not exist"),
        (existing / "t.csv", "does not exist"),
    ):
        with pytest.raises(InputError, match=words):
            check_output(path, overwrite=False)


def test_a_device_is_never_replaced(tmp_path):
    # As a pipe, which like /dev/null exists but is no file.
    pipe = tmp_path / "t.csv"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="a device or a pipe"):
        check_output(pipe, overwrite=True)
    with (
        pytest.raises(FormatError, match="a device or a pipe"),
        replacing(pipe, overwrite=True),
    ):
        pass
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_of_the_same_name_that_came_meanwhile_stays(
    tmp_path, monkeypatch, links
):
    path = tmp_path / "t.csv"
    if not links:  # exFAT has none; what can be seen there is seen

        def link(*_):
            raise OSError(errno.EPERM, "no links")

        monkeypatch.setattr(os, "link", link)
    with pytest.raises(FormatError, match="--overwrite"):
        with replacing(path, overwrite=False) as part:
            part.write_text("ours")
            path.write_text("theirs")
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]
    with replacing(tmp_path / "new.csv", overwrite=False) as part:
        part.write_text("ours")
    assert (tmp_path / "new.csv").read_text() == "ours"


def test_a_result_whose_folder_has_gone_is_saved_elsewhere(tmp_path, monkeypatch):
    refuge = tmp_path / "refuge"
    refuge.mkdir()
    monkeypatch.chdir(refuge)
    with pytest.raises(CoTrackerError, match=r"not lost.*rescued-\d+-t.csv") as caught:
        write_or_rescue(lambda p: p.write_text("tracks"), tmp_path / "gone" / "t.csv")
    assert exit_code(caught.value) == 1
    assert [p.read_text() for p in refuge.iterdir()] == ["tracks"]


def test_a_result_that_no_format_but_json_holds_is_kept_in_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def never(path):
        raise FormatError("It cannot hold the name 'a'.")

    with pytest.raises(CoTrackerError, match=r"cannot hold.*rescued-\d+-t.json"):
        write_or_rescue(never, tmp_path / "t.xml", lambda p: p.write_text("{}"))
    assert [p.suffix for p in tmp_path.iterdir()] == [".json"]


def test_formats_are_tried_before_the_work(tmp_path, monkeypatch):
    queries = Queries([0, 0], [[1, 2], [3, 4]], name=("nose", "a\x01b"))
    try_format(queries, tmp_path / "t.csv", None)
    assert not list(tmp_path.iterdir())
    with pytest.raises(FormatError, match="cannot be written as XML"):
        try_format(queries, tmp_path / "t.xml", None)
    monkeypatch.setitem(sys.modules, "pynwb", None)
    with pytest.raises(CoTrackerError, match="pynwb"):
        try_format(queries, tmp_path / "t.nwb", None)


def test_names_that_the_screen_cannot_show_are_escaped(tmp_path):
    table = tmp_path / "実験.csv"
    table.write_text("particle,frame,x,y\n0,0,1,2\n")
    code = "import sys; from napari_cotracker.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "convert", table, tmp_path / "out.json"],
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


def test_a_result_that_fits_nowhere_says_so(tmp_path):
    def full(path):
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CoTrackerError, match=r"No space left.*could not be saved"):
        write_or_rescue(full, tmp_path / "t.csv")


def test_exit_codes_tell_bad_input_from_bad_luck():
    for kind in (InputError, VideoError, ModelError, FormatError):
        assert exit_code(kind("x")) == 2
        full = kind("x")
        full.__cause__ = OSError(errno.ENOSPC, "full")
        assert exit_code(full) == 1
        absent = kind("x")
        absent.__cause__ = FileNotFoundError(errno.ENOENT, "no")
        assert exit_code(absent) == 2
    assert exit_code(TrackingError("x")) == 1
