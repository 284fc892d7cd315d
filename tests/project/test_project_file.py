"""The project file: what was done is in it, and whatever happens it is not damaged."""

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project.random_edits import document, edit_makers

import napari_cotracker as nct
from napari_cotracker.cli import main
from napari_cotracker.errors import FormatError, InputError, ProjectError
from napari_cotracker.project import (
    Annotations,
    Document,
    Project,
    Recording,
    RunRequest,
    read_document,
)
from napari_cotracker.project import point_edits as points
from napari_cotracker.project import span_edits as spans
from napari_cotracker.project import track_edits as whole
from napari_cotracker.project.blocks import BLOCK
from napari_cotracker.project.header import VERSION
from napari_cotracker.tracks import Queries, Span, Tracks
from napari_cotracker.widgets.files.track_files import get_tracks_reader

A, B, C = 3, 13, 23
NOWHERE = Recording((12, 60, 80), "0" * 64)
REQUEST = RunRequest(
    Queries([3, 1], [[0.1, 2.5], [1 / 3, 4]], [A, B], ["p0", "p1"]),
    "compact",
    "abc",
    {"direction": "both", "region": (0.0, 1.5, 3.0, 4.0), "first_frame": None},
    spans=(Span(A, 0, 5),),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mouse.ctk"


# In memory where that can be: hundreds of steps that wait for a busy disk are slow.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def new(path, doc=None, **kwargs):
    return Project.create(path, Annotations(doc or document()), NOWHERE, **kwargs)


def reopened(project):
    project.close()
    return Project.open(project.path)


@settings(max_examples=40, deadline=None)
@given(st.lists(edit_makers, max_size=8), st.integers(0, 3), st.integers(0, 3))
def test_document_and_undo_survive_a_restart(makers, n_undo, n_redo):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        project, twin = new(Path(folder) / "a.ctk"), Annotations(document())
        for maker in makers:
            try:
                edit = maker(twin.document)
            except InputError:
                continue
            for desk in (project, twin):
                desk.edit(edit)
            if twin.document.tracks.n_tracks == 0:
                break
        for desk in (project, twin):
            for _ in range(n_undo):
                desk.undo()
            for _ in range(n_redo):
                desk.redo()
        project = reopened(project)
        assert project.document.same_as(twin.document)
        while twin.can_undo:
            assert project.can_undo
            assert project.can_redo == twin.can_redo
            project.undo()
            twin.undo()
        assert not project.can_undo
        project = reopened(project)
        assert project.document.same_as(document())
        while twin.can_redo:
            project.redo()
            twin.redo()
        assert project.document.same_as(twin.document)
        project.close()


@pytest.mark.parametrize("n_frames", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_any_length_of_recording_comes_back(path, n_frames):
    doc = document(n_tracks=4, n_frames=n_frames)
    with new(path, doc):
        pass
    assert read_document(path).same_as(doc)


def test_a_document_without_tracks_and_one_without_frames_known(path, tmp_path):
    for i, ids in enumerate(([], [7, -2])):
        doc = Document(Tracks.empty(9, ids, ("x",) * len(ids), size=(4, 5)))
        with new(tmp_path / f"{i}.ctk", doc) as project:
            assert project.document.same_as(doc)


def test_annotations_are_saved_with_their_history(path):
    desk = Annotations(document())
    for t in range(4):
        desk.edit(points.place_points(desk.document, t, A, (t, t)))
    desk.undo()
    with Project.create(path, desk, NOWHERE) as project:
        assert (project.journal.done, project.journal.undone) == (3, 1)
        project.redo()
        for _ in range(4):
            project.undo()
        assert project.document.same_as(document())


def test_results_of_a_run_are_kept_though_they_are_no_edit(path):
    project = new(path)
    more = points.add_track(project.document, "new", 2, (5, 5)).apply(project.document)
    project.take(more)
    longer = document(n_tracks=2, n_frames=90)
    project = reopened(project)
    assert project.document.same_as(more)
    assert not project.can_undo
    project.take(longer)
    assert reopened(project).document.same_as(longer)


# -- runs -----------------------------------------------------------------------


def test_windows_of_an_unfinished_run_wait_for_it_to_go_on(path):
    project = new(path)
    project.begin_run(REQUEST)
    doc = points.place_points(project.document, 5, A, (1, 2)).apply(project.document)
    project.add_window(b"first", project.document)
    project.add_window(b"\0second", doc)
    project = reopened(project)
    run = project.unfinished_run()
    assert run.windows == (b"first", b"\0second")
    assert run.request.differences(REQUEST) == []
    assert run.seconds >= 0
    assert project.document.same_as(doc)
    project.add_window(b"third", doc)
    project.finish_run(doc)
    project = reopened(project)
    assert project.unfinished_run() is None
    assert project.last_request().model == "compact"
    with pytest.raises(InputError, match="begin_run"):
        project.add_window(b"fourth", doc)
    project.close()


def test_the_size_stays_proportionate(path):
    n_tracks, n_frames = 40, 640
    project = new(path, document(n_tracks, n_frames))
    for t in range(100):
        edit = points.place_points(project.document, t, A, (t, t))
        project.edit(edit)
    project.begin_run(REQUEST)
    for _ in range(40):
        project.add_window(os.urandom(50_000), project.document)
    project = reopened(project)
    assert path.stat().st_size > 2_000_000
    project.finish_run(project.document)
    project.close()
    assert path.stat().st_size < 28 * n_tracks * n_frames + 100 * 300 + 100_000


def test_another_run_drops_the_unfinished_one(path):
    with new(path) as project:
        project.begin_run(REQUEST)
        project.add_window(b"first", project.document)
        project.begin_run(REQUEST)
        assert project.unfinished_run().windows == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"weights": "other"}, ["model"]),
        ({"weights": ""}, ["model"]),
        ({"model": "same weights, other name"}, []),
        ({"options": {}}, ["options"]),
        ({"more": {"device": "cuda"}}, []),
        ({"spans": ()}, ["spans"]),
        ({"queries": Queries([3], [[0, 0]], [A], ["p0"])}, ["queries"]),
        ({"queries": Queries(REQUEST.queries.frame, REQUEST.queries.xy, [A, B])}, []),
    ],
)
def test_a_run_goes_on_only_as_what_it_was(changes, told):
    other = RunRequest(**{**vars(REQUEST), **changes})
    again = RunRequest.from_json(other.to_json())
    assert REQUEST.differences(again) == told
    assert again.differences(other) == []


def test_facts_are_remembered(path):
    project = new(path)
    project.remember(review={"place": 3, "names": ["Ohr 'x'"]})
    project = reopened(project)
    assert project.recall("review") == {"place": 3, "names": ["Ohr 'x'"]}
    assert project.recall("other", 7) == 7
    project.close()


# -- what can go wrong ------------------------------------------------------------


def test_it_opens_once(path):
    with new(path):
        with pytest.raises(ProjectError, match="open already"):
            Project.open(path)
        with pytest.raises(ProjectError, match="open already"):
            Project.open(path.parent / "." / path.name)
        with pytest.raises(ProjectError, match="open already"):
            new(path, overwrite=True)
        other = (
            "import sys; from napari_cotracker.project import Project\n"
            "from napari_cotracker.errors import ProjectError\n"
            "try: Project.open(sys.argv[1])\n"
            "except ProjectError as error: print(error)"
        )
        told = subprocess.run(
            [sys.executable, "-c", other, path], capture_output=True, text=True
        )
        assert "open already" in told.stdout, told.stderr
    Project.open(path).close()


def test_nothing_lies_beside_a_closed_project(path):
    project = new(path)
    project.edit(points.place_points(project.document, 1, A, (1, 2)))
    assert [p.name for p in path.parent.glob("mouse.ctk-*")] == ["mouse.ctk-wal"]
    project.close()
    project.close()
    assert [p.name for p in path.parent.iterdir()] == ["mouse.ctk"]


def test_a_link_is_the_project_it_leads_to(path, tmp_path):
    new(path).close()
    link = tmp_path / "links" / "other.ctk"
    link.parent.mkdir()
    link.symlink_to(path)
    with Project.open(link) as project:
        project.edit(whole.rename_track(project.document, A, "changed"))
        with pytest.raises(ProjectError, match="open already"):
            Project.open(path)
    assert read_document(path).tracks.name[0] == "changed"
    with new(link, overwrite=True):
        pass
    assert link.is_symlink()
    assert read_document(path).tracks.name[0] == "p0"


def test_a_name_that_is_too_long_is_said(tmp_path):
    long = tmp_path / f"{'n' * 300}.ctk"
    said = pytest.raises(ProjectError, match="cannot be written")
    with said:
        new(long, overwrite=True)
    with new(tmp_path / "a.ctk") as project, said:
        project.copied(long, project.recording, overwrite=True)


def test_a_file_that_is_there_is_replaced_only_if_asked(path):
    path.write_text("notes")
    with pytest.raises(ProjectError, match="exists already"):
        new(path)
    assert path.read_text() == "notes"
    with new(path, overwrite=True) as project:
        assert project.document.same_as(document())


def _set_version(path):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()


def _set_foreign(path):
    path.unlink()
    sqlite3.connect(path).execute("CREATE TABLE a (b)").connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: p.unlink(), "cannot be read"),
        (lambda p: p.write_bytes(b""), "not a project"),
        (lambda p: p.write_text("track,frame,x,y\n" * 50), "not a project"),
        (_set_foreign, "not a project"),
        (_set_version, f"newer version .*format {VERSION + 1}"),
        (lambda p: p.write_bytes(p.read_bytes()[:50]), "ends too early"),
        (lambda p: p.write_bytes(p.read_bytes()[:-1]), "ends too early"),
        (lambda p: p.write_bytes(p.read_bytes()[:5000]), "ends too early"),
        (lambda p: p.write_bytes(p.read_bytes()[:4096] + bytes(40960)), "damaged"),
    ],
)
def test_what_is_no_whole_project_is_told_and_left_alone(path, spoil, words):
    new(path).close()
    spoil(path)
    before = path.read_bytes() if path.exists() else None
    for read in (Project.open, read_document):
        with pytest.raises(ProjectError, match=words) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.exists() else None) == before
    assert len(list(path.parent.iterdir())) == path.exists()


@pytest.fixture
def fast_path():
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder) / "mouse.ctk"


def test_flipped_bytes_are_found_or_do_not_matter(fast_path):
    path = fast_path
    doc = document(n_tracks=3, n_frames=200)
    with new(path, doc) as project:
        project.edit(spans.delete_span(project.document, A, 3, 90))
        wanted = project.document
    whole_file = path.read_bytes()
    rng = np.random.default_rng(0)
    found = 0
    for place in rng.integers(100, len(whole_file), 80).tolist():
        spoilt = bytearray(whole_file)
        spoilt[place] ^= 0xFF
        path.write_bytes(spoilt)
        try:
            with Project.open(path) as project:
                assert project.document.same_as(wanted)
                project.undo()
                assert project.document.same_as(doc)
        except ProjectError as error:
            assert "damaged" in str(error) or "cannot be used" in str(error)
            found += 1
    assert found > 5


def test_a_full_disk_refuses_the_step_and_keeps_the_others(path):
    project = new(path, document(n_tracks=5, n_frames=640))
    project.edit(points.place_points(project.document, 0, A, (1, 2)))
    before = project.document
    project._file.rows("PRAGMA max_page_count=1")  # = as many as there are
    with pytest.raises(ProjectError, match="disk is full.*not taken"):
        for t in range(500):
            before = project.document
            project.edit(spans.delete_span(before, A, t, t + 100))
    assert project.document is before
    project._file.rows("PRAGMA max_page_count=100000")
    done = project.journal.done
    project.edit(points.place_points(project.document, 9, A, (5, 6)))
    after = project.document
    project = reopened(project)
    assert project.document.same_as(after)
    assert project.journal.done == done + 1
    project.close()


def in_a_child(work):
    """Run a function in a forked process and return what it returns, as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = str(work())
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
def test_a_write_the_machine_refuses_leaves_the_file_whole(path):
    new(path, document(n_tracks=20, n_frames=640)).close()

    def work():
        with Project.open(path) as project:
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
            project.edit(points.place_points(project.document, 0, A, (1, 2)))
            for i in range(20):
                project.edit(spans.delete_forward(project.document, 10 * i + 3, 0))
            return "no error"

    answer = in_a_child(work)
    assert answer.startswith("ProjectError") and "not taken" in answer, answer
    with Project.open(path) as project:
        assert project.journal.done >= 1
        assert project.document.tracks.xy[0, 0].tolist() == [1, 2] or (
            not project.document.cells.known[:, 0].any()
        )
        while project.can_undo:
            project.undo()
        assert project.document.same_as(document(n_tracks=20, n_frames=640))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
@pytest.mark.parametrize("killed", [False, True])
def test_in_a_read_only_folder_a_project_can_be_read_but_not_opened(killed):
    def as_ordinary_user(work):
        def lowered():
            if os.geteuid() == 0:
                os.setuid(65534)
            return work()

        return in_a_child(lowered)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ctk"

        def edit_and_die():
            project = new(path) if not path.exists() else Project.open(path)
            project.edit(whole.rename_track(project.document, A, "changed"))
            if not killed:
                project.close()
            return "done"

        assert in_a_child(edit_and_die) == "done"
        assert path.with_name("a.ctk-wal").exists() == killed
        path.chmod(0o644)
        Path(folder).chmod(0o555)
        told = as_ordinary_user(lambda: Project.open(path))
        assert "may not be written" in told and told.startswith("ReadOnlyError")
        assert "Copy it" in told
        new_one = Path(folder) / "b.ctk"
        assert "cannot be written" in as_ordinary_user(lambda: new(new_one))
        names = as_ordinary_user(lambda: read_document(path).tracks.name[0])
        assert names == "changed"
        Path(folder).chmod(0o755)


# -- the recording ----------------------------------------------------------------


@pytest.fixture
def filmed(tmp_path):
    """A project in one folder about a recording in another, both below one."""
    video = tmp_path / "data" / "videos" / "v.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(bytes(range(256)) * 5000)
    recording = Recording.of_file(video, (12, 60, 80))
    path = tmp_path / "data" / "project.ctk"
    Project.create(path, Annotations(document()), recording).close()
    return path, video


def test_the_recording_is_found_where_it_was(filmed):
    path, video = filmed
    with Project.open(path) as project:
        assert project.find_recording() == video
        assert project.recording.shape == (12, 60, 80)
        assert project.recording.relative == "videos/v.mp4"


def test_the_recording_is_found_after_both_moved(filmed, tmp_path):
    path, _ = filmed
    path.parent.rename(tmp_path / "elsewhere")
    with Project.open(tmp_path / "elsewhere" / "project.ctk") as project:
        found = tmp_path / "elsewhere" / "videos" / "v.mp4"
        assert project.find_recording() == found
        assert project.recording.path == str(found)


def test_a_lost_recording_is_told_and_its_new_place_taken(filmed, tmp_path):
    path, video = filmed
    moved = video.rename(tmp_path / "w.mp4")
    with Project.open(path) as project:
        with pytest.raises(ProjectError, match=r"not at .*v\.mp4"):
            project.find_recording()
        project.move_recording(moved)
        assert project.find_recording() == moved


@pytest.mark.parametrize("place", [0, 640_000, 1_279_999])
def test_another_recording_in_its_place_is_told(filmed, place):
    path, video = filmed
    data = bytearray(video.read_bytes())
    data[place] ^= 1
    video.write_bytes(data)
    with Project.open(path) as project:
        with pytest.raises(ProjectError, match="another recording"):
            project.find_recording()
        with pytest.raises(ProjectError, match="another recording"):
            project.move_recording(video)
    video.write_bytes(data[:-1])
    with Project.open(path) as project:
        with pytest.raises(ProjectError, match="1280000 to 1279999 bytes"):
            project.find_recording()


def test_a_folder_of_images_and_frames_in_memory_have_fingerprints(tmp_path):
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(bytes([i]) * 100)
    folder = Recording.of_file(tmp_path, (3, 10, 10))
    assert folder.n_bytes == 300 and folder.is_same_as(tmp_path)
    (tmp_path / "3.png").write_bytes(b"x")
    assert not folder.is_same_as(tmp_path)
    frames = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    one = Recording.of_frames(frames[[0, 2]], frames.shape)
    assert one == Recording.of_frames(frames[[0, 2]].copy(), frames.shape)
    assert one != Recording.of_frames(frames[[0, 1]], frames.shape)
    with pytest.raises(ProjectError, match="not a file"):
        one.find(tmp_path / "a.ctk")


# -- a project as a format of tracks --------------------------------------------------


def test_tracks_of_a_project_are_read_like_any_other(path, tmp_path, capsys):
    tracks = replace(document().tracks, times=np.arange(12) * 0.5)
    with new(path, Document(tracks)) as project:
        with pytest.raises(FormatError, match="open already"):
            nct.load_tracks(path)
        project.edit(whole.rename_track(project.document, A, "nose"))
    read = nct.load_tracks(path)
    assert read.name[0] == "nose"
    np.testing.assert_array_equal(read.times, tracks.times)
    np.testing.assert_array_equal(read.xy, tracks.xy)
    out = tmp_path / "out.csv"
    assert main(["convert", str(path), str(out)]) == 0
    np.testing.assert_array_equal(nct.load_tracks(out).xy, tracks.xy)
    assert main(["convert", str(path), str(tmp_path / "q.csv"), "--queries"]) == 0
    assert len(nct.load_tracks(path).name) == 3
    capsys.readouterr()
    assert main(["convert", str(out), str(tmp_path / "new.ctk")]) == 2
    assert "can only be read" in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[:3000])
    assert main(["convert", str(path), str(tmp_path / "o2.csv")]) == 2
    assert "ends too early" in capsys.readouterr().err


def test_napari_opens_the_tracks_of_a_project(path):
    new(path).close()
    layers = get_tracks_reader(str(path))(str(path))
    assert [kind for _, _, kind in layers] == ["tracks", "points"] or len(layers) == 2
    path.write_text("no project")
    assert get_tracks_reader(str(path)) is None


def test_identities_are_never_used_again_after_a_restart(path):
    project = new(path)
    project.edit(whole.split_track(project.document, A, 6))
    project.undo()
    assert project.document.next_id == 25
    with reopened(project) as project:
        assert project.document.next_id == 25


def test_a_file_of_an_earlier_version_knows_the_identities_in_its_history(path):
    with new(path) as project:
        project.edit(whole.split_track(project.document, A, 6))
        project.undo()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM facts WHERE key = 'next_id'")
    with Project.open(path) as project:
        assert project.document.next_id == 25
