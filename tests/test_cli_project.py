"""``track --project``: the same result, kept, resumed, and refused where it must be."""

import json
import shutil
import signal
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_cotracker.cli import main
from napari_cotracker.cli import track as cli_track
from napari_cotracker.cli.console import ProgressBar
from napari_cotracker.io import load_queries, load_tracks
from napari_cotracker.project import Annotations, Project, Recording, RunRequest
from napari_cotracker.project import point_edits as points
from napari_cotracker.project import span_edits as spans
from napari_cotracker.project.merging import document_of
from napari_cotracker.sample import sample_clip
from napari_cotracker.tracking import TrackingOptions, track_iter
from napari_cotracker.tracks import Queries, Source
from napari_cotracker.video import open_video
from napari_cotracker.weights import digest_of, list_models

pytestmark = pytest.mark.skipif(
    not any(record.is_here for record in list_models()),
    reason="this checkout has no bundled weights",
)
QUICK = (
    *("--last-frame", "20", "--model-resolution", "96", "128"),
    *("--iterations", "1", "--support-grid", "0", "--quiet"),
)
VIDEO = str(sample_clip().video)
NEW = ("track", VIDEO, "--queries", "q.csv", "--project", "p.ctk")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder with two query points; Ctrl-C works."""
    monkeypatch.chdir(tmp_path)
    Path("q.csv").write_text("track,frame,x,y\n0,0,40.5,60.25\n1,12,150,120\n")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield tmp_path
    signal.signal(signal.SIGINT, before)


def interrupted(monkeypatch, *argv):
    """Run a command and press Ctrl-C after its first window."""

    def press_ctrl_c(bar, done, total):
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "show", press_ctrl_c)
        return main(list(argv))


def test_a_project_changes_nothing_about_the_result(here):
    assert main(["track", VIDEO, "-q", "q.csv", "-o", "plain.csv", *QUICK]) == 0
    assert main([*NEW, "-o", "kept.csv", *QUICK]) == 0
    assert Path("kept.csv").read_bytes() == Path("plain.csv").read_bytes()
    with Project.open("p.ctk") as project:
        assert project.unfinished_run() is None
        assert project.find_recording() == Path(VIDEO)
        request = project.last_request()
        assert (request.model, len(request.weights)) == ("compact", 64)
        assert request.options["last_frame"] == 20
        assert not project.document.edited.any()


@pytest.mark.parametrize("how", ["the whole command", "in short"])
def test_ctrl_c_keeps_what_is_finished_and_resume_goes_on(
    here, monkeypatch, capsys, how
):
    assert main(["track", VIDEO, "-q", "q.csv", "-o", "plain.csv", *QUICK]) == 0
    assert interrupted(monkeypatch, *NEW, "-o", "part.csv", *QUICK) == 130
    assert "1 of 3 windows" in capsys.readouterr().err
    with Project.open("p.ctk") as project:
        assert len(project.unfinished_run().windows) == 1
        assert (project.document.tracks.source == Source.MODEL).any()
    again = NEW if how == "the whole command" else ("track", "--project", "p.ctk")
    flags = QUICK if how == "the whole command" else ()
    assert main([*again, "--resume", "-o", "kept.csv", *flags]) == 0
    assert Path("kept.csv").read_bytes() == Path("plain.csv").read_bytes()
    assert main([*again, "--resume", "-o", "more.csv", *flags]) == 0
    assert Path("more.csv").read_bytes() == Path("plain.csv").read_bytes()


def test_a_project_without_a_file_of_tracks_keeps_the_result(here, capsys):
    assert main([*NEW, *QUICK, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["project"] == "p.ctk"


def test_an_overlay_alone_is_drawn(here, capsys):
    assert main([*NEW, *QUICK, "--json", "--overlay", "o.mp4"]) == 0
    assert json.loads(capsys.readouterr().out)["overlay"] == "o.mp4"
    with open_video("o.mp4") as drawn:
        assert len(drawn) == 80


def test_its_own_points_and_decisions_are_followed(here):
    queries = Queries([0, 9, 30], [[40, 60], [45, 62], [90, 90]], [7, 7, 8], "aab")
    recording = Recording.of_file(Path(VIDEO), (80, 192, 256))
    desk = Annotations(document_of(queries, 80, (192, 256), 20.0))
    desk.edit(points.place_points(desk.document, 12, 7, (50, 64)))
    desk.edit(spans.end_track(desk.document, 7, 15))
    desk.edit(spans.hide_span(desk.document, 7, 3, 5))
    Project.create("p.ctk", desk, recording).close()
    assert main(["track", "--project", "p.ctk", *QUICK]) == 0
    with Project.open("p.ctk") as project:
        tracks = project.document.tracks
        assert tracks.xy[12, 0].tolist() == [50, 64] and project.document.edited[12, 0]
        known = tracks.source[:, 0] != Source.EMPTY
        assert known[[0, 1, 2, 6, 14]].all() and not known[15:].any()
        assert not tracks.visible[3:6, 0].any()
        # Its only point lies beyond the frames to track: it is kept as it was.
        assert (tracks.source[:, 1] != Source.EMPTY).nonzero()[0].tolist() == [30]
        assert project.can_undo


def test_the_points_of_a_project_can_be_followed_elsewhere(here):
    assert main([*NEW, *QUICK]) == 0
    assert main(["track", VIDEO, "-q", "p.ctk", "-o", "again.csv", *QUICK]) == 0
    assert main(["track", VIDEO, "-q", "q.csv", "-o", "plain.csv", *QUICK]) == 0
    assert Path("again.csv").read_bytes() == Path("plain.csv").read_bytes()


def test_a_run_begun_elsewhere_goes_on_here(here):
    """As the dock begins one: on an array, with contrast limits, and nothing said."""
    queries = load_queries("q.csv")
    options = TrackingOptions(
        last_frame=20,
        model_resolution=(96, 128),
        iterations=1,
        support_grid=0,
        contrast_limits=(0.0, 255.0),
    )
    with open_video(VIDEO) as source:
        frames = source.read(0, len(source))
    whole = list(track_iter(frames, queries, "compact", options))
    desk = Annotations(document_of(queries, 80, (192, 256), 20.0))
    recording = Recording.of_file(Path(VIDEO), (80, 192, 256))
    with Project.create("p.ctk", desk, recording) as project:
        weights = digest_of("compact")
        project.begin_run(RunRequest(queries, "compact", weights, asdict(options)))
        project.add_window(whole[0].window.to_bytes(), project.document)
    assert main(["track", "--project", "p.ctk", "--resume", "-o", "t.csv"]) == 0
    found, wanted = load_tracks("t.csv"), whole[-1].tracks_so_far
    np.testing.assert_array_equal(found.xy, wanted.xy)
    np.testing.assert_array_equal(found.visibility, wanted.visibility)


def test_a_recording_is_read_as_it_was_before(here, capsys):
    stack = np.random.default_rng(0).integers(0, 4000, (6, 2, 3, 48, 64), np.uint16)
    tifffile.imwrite("z.tif", stack, imagej=True, metadata={"axes": "TZCYX"})
    Path("z.csv").write_text("track,frame,x,y\n0,0,20,20\n")
    flags = ("--iterations", "1", "--support-grid", "0", "--json")
    reading = ("--plane", "1", "--channels", "2", "--contrast-limits", "0", "5000")
    new = ("track", "z.tif", "-q", "z.csv", "--project", "z.ctk", *flags)
    assert main([*new, *reading, "--fps", "5"]) == 0
    shown = json.loads(capsys.readouterr().out)["shown"]
    again = ("track", "--project", "z.ctk", *flags)
    assert main([*again, "-o", "z.json"]) == 0
    assert json.loads(capsys.readouterr().out)["shown"] == shown
    tracks = load_tracks("z.json")
    assert tracks.fps == 5 and tracks.times[1] == 0.2
    assert main([*again, "--resume", "--plane", "0"]) == 2
    assert "with --plane 1" in capsys.readouterr().err


def test_a_run_begun_afresh_needs_to_be_wanted(here, monkeypatch, capsys):
    assert interrupted(monkeypatch, *NEW, *QUICK) == 130
    assert main(["track", "--project", "p.ctk", *QUICK]) == 2
    assert "add --resume" in capsys.readouterr().err
    assert main(["track", "--project", "p.ctk", "--overwrite", *QUICK]) == 0


def _other_points(here):
    Path("q.csv").write_text("track,frame,x,y\n0,0,41.5,60.25\n1,12,150,120\n")


def _other_video(here):
    clip = shutil.copy(VIDEO, here / "other.mp4")
    with open(clip, "ab") as file:
        file.write(b"more")


@pytest.mark.parametrize(
    ("spoil", "argv", "words"),
    [
        (None, (*NEW, *QUICK), "exists already"),
        (None, (*NEW, *QUICK, "--overwrite"), "exists already"),
        (None, (*NEW, *QUICK, "--resume", "--iterations", "2"), "other options"),
        (None, (*NEW, *QUICK, "--resume", "-m", "absent.pth"), "other model"),
        (_other_points, (*NEW, *QUICK, "--resume"), "other queries"),
        (
            _other_video,
            ("track", "other.mp4", "--project", "p.ctk", "--resume", *QUICK),
            "another recording",
        ),
        (None, ("track", VIDEO, "-q", "q.csv", "--resume", "-o", "t.csv"), "--project"),
        (None, ("track", VIDEO, "-q", "q.csv"), "--out"),
        (None, ("track", "-q", "q.csv", "--project", "new.ctk"), "recording"),
        (None, ("track", VIDEO, "--project", "new.ctk"), "--queries"),
        (None, ("track", VIDEO, "-q", "q.csv", "--project", "no/new.ctk"), "exist"),
        (None, ("track", VIDEO, "--project", "q.csv"), "not a project"),
        (None, ("track", "--project", "p.ctk", "--resume", "-o", "p.ctk"), "p.ctk"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    here, monkeypatch, capsys, spoil, argv, words
):
    assert interrupted(monkeypatch, *NEW, *QUICK) == 130
    capsys.readouterr()
    if spoil is not None:
        spoil(here)
    before = {p.name: p.read_bytes() for p in here.iterdir()}
    assert main(list(argv)) == 2
    complaint = capsys.readouterr().err.splitlines()
    assert len(complaint) == 1 and words in complaint[0], complaint
    after = {p.name: p.read_bytes() for p in here.iterdir()}
    assert after.keys() == before.keys()
    before.pop("p.ctk"), after.pop("p.ctk")
    assert after == before
    with Project.open("p.ctk") as project:
        assert len(project.unfinished_run().windows) == 1


def test_bad_input_leaves_no_project_behind(here, capsys):
    """The corrected command must not meet a run that can never go on."""
    assert main([*NEW, "--region", "200", "100", "40", "40", *QUICK]) == 2
    assert "outside" in capsys.readouterr().err
    assert not Path("p.ctk").exists()


def test_a_project_made_by_another_run_in_the_meantime_stays(here, monkeypatch, capsys):
    theirs = []

    def slowly(*given):
        with monkeypatch.context() as patch:
            patch.setattr("napari_cotracker.cli.track.load_chosen", load)
            assert main([*NEW, *QUICK]) == 0
        theirs.append(Path("p.ctk").read_bytes())
        return load(*given)

    load = cli_track.load_chosen
    monkeypatch.setattr(cli_track, "load_chosen", slowly)
    assert main([*NEW, *QUICK]) == 2
    said = capsys.readouterr().err
    assert "by another run" in said and "--project" in said
    assert "overwrite" not in said
    assert Path("p.ctk").read_bytes() == theirs[0]


def test_an_open_project_is_told(here, monkeypatch, capsys):
    assert interrupted(monkeypatch, *NEW, *QUICK) == 130
    with Project.open("p.ctk"):
        assert main([*NEW, "--resume", *QUICK]) == 2
    assert "open already" in capsys.readouterr().err


def test_a_project_that_cannot_be_written_any_more_ends_the_run_with_its_part(
    here, monkeypatch, capsys
):
    kept = Project.add_window

    def no_space_left(project, data, document):
        if project._file.rows("SELECT count(*) FROM windows")[0][0]:
            project._file.rows("PRAGMA max_page_count=1")
            data = bytes(np.random.default_rng(0).bytes(1 << 20))
        kept(project, data, document)

    monkeypatch.setattr(Project, "add_window", no_space_left)
    assert main([*NEW, "-o", "part.csv", *QUICK]) == 1
    complaint = capsys.readouterr().err
    assert "disk is full" in complaint and "1 of 3 windows" in complaint
    assert Path("part.csv").exists()
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert main([*NEW, "-o", "kept.csv", "--resume", *QUICK]) == 0
    assert main(["track", VIDEO, "-q", "q.csv", "-o", "plain.csv", *QUICK]) == 0
    assert Path("kept.csv").read_bytes() == Path("plain.csv").read_bytes()
