"""Work that nobody has saved: found once its session has ended, and never lost."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from project.random_edits import document

from napari_cotracker.cli import main
from napari_cotracker.errors import ProjectError
from napari_cotracker.io import load_tracks
from napari_cotracker.project import Annotations, Project, Recording, RunRequest
from napari_cotracker.project import point_edits as points
from napari_cotracker.project.recovery import (
    FOLDER_VARIABLE,
    KEPT_DAYS,
    discard,
    find_unsaved,
    is_unsaved,
    new_file,
    recovery_folder,
)
from napari_cotracker.tracks import Queries

A = 3
DAY = 24 * 3600
NOWHERE = Recording((12, 60, 80), "0" * 64)
REQUEST = RunRequest(Queries([3], [[1, 2]], [A], ["p0"]), "compact")


def left(name="clip", recording=NOWHERE, n_tracks=3, edits=0):
    """Leave unsaved work behind; return its path."""
    path = new_file(name)
    desk = Annotations(document(n_tracks))
    with Project.create(path, desk, recording) as project:
        project.remember(image=name)
        for k in range(edits):
            project.edit(points.place_points(project.document, k, A, (1, 2)))
    return path


def age(path, days):
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))


def names():
    return [work.path.name for work in find_unsaved()]


def test_what_was_left_is_told_the_latest_first(tmp_path):
    video = tmp_path / "mouse.mp4"
    video.write_bytes(b"frames")
    recording = Recording.of_file(video, (12, 60, 80))
    one, two = left("mouse", recording, edits=2), left("a/b: ä?", n_tracks=1)
    age(one, 1)
    latest, earlier = find_unsaved()
    assert (latest.path, earlier.path) == (two, one)
    assert (latest.recording, latest.is_file) == ("a/b: ä?", False)
    assert (earlier.recording, earlier.is_file) == ("mouse.mp4", True)
    assert (earlier.n_tracks, earlier.n_edits, latest.n_edits) == (3, 2, 0)
    assert abs((datetime.now().astimezone() - latest.changed).total_seconds()) < 60
    assert all(is_unsaved(work.path) for work in (latest, earlier))
    assert not is_unsaved(video)


def test_looking_does_not_make_it_younger():
    path = left()
    age(path, 9)
    before = find_unsaved()
    assert find_unsaved() == before
    assert (datetime.now().astimezone() - before[0].changed).days == 9


def test_what_is_open_is_neither_offered_nor_touched():
    path = left()
    with Project.open(path):
        age(path, 2 * KEPT_DAYS)
        assert names() == []
        with pytest.raises(ProjectError, match="open already"):
            discard(path)
    assert path.exists()


OTHER = """
import sys, time
from napari_cotracker.project import Project, point_edits
project = Project.open(sys.argv[1])
project.edit(point_edits.place_points(project.document, 5, 3, (7, 8)))
print("open", flush=True)
time.sleep(60)
"""


def test_what_another_process_has_open_is_offered_once_that_was_killed():
    path = left()
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(path)], stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout.readline().strip() == "open"
        age(path, 2 * KEPT_DAYS)
        assert names() == []
        with pytest.raises(ProjectError, match="open already"):
            discard(path)
        os.kill(other.pid, signal.SIGKILL)
    (work,) = find_unsaved()
    assert work.n_edits == 1
    with Project.open(path) as project:
        assert project.document.tracks.xy[5, 0].tolist() == [7, 8]


def test_old_work_and_empty_files_go_and_nothing_else():
    young, old, empty = left("young"), left("old"), left("empty", n_tracks=0)
    age(young, KEPT_DAYS - 1)
    age(old, KEPT_DAYS + 1)
    foreign = young.with_name("notes.txt")
    foreign.write_text("mine")
    age(foreign, KEPT_DAYS + 1)
    assert names() == [young.name]
    assert not old.exists() and not empty.exists() and foreign.exists()


def test_of_many_the_latest_are_offered_and_the_others_stay(monkeypatch):
    monkeypatch.setattr("napari_cotracker.project.recovery.OFFERED", 2)
    paths = [left(f"clip{k}") for k in range(4)]
    for days, path in enumerate(paths):
        age(path, days)
    assert names() == [paths[0].name, paths[1].name]
    assert all(path.exists() for path in paths)
    discard(paths[0])
    assert names() == [paths[1].name, paths[2].name]


def test_a_damaged_file_is_not_offered_and_kept_until_it_is_old():
    path = left()
    path.write_bytes(path.read_bytes()[:5000])
    half_made = path.with_name(f".x{path.name}")
    half_made.write_bytes(b"")
    assert names() == []
    assert path.exists() and half_made.exists()
    for each in (path, half_made):
        age(each, KEPT_DAYS + 1)
    assert names() == []
    assert not path.exists() and not half_made.exists()


def test_discarding_deletes_for_good():
    path = left()
    path.with_name(path.name + "-wal").write_bytes(b"")
    discard(path)
    assert list(recovery_folder().iterdir()) == []
    discard(path)  # by somebody else meanwhile


def test_it_is_a_project_for_the_command_line(tmp_path):
    path, out = left(edits=1), tmp_path / "out.csv"
    assert main(["convert", str(path), str(out)]) == 0
    assert load_tracks(out).xy[0, 0].tolist() == [1, 2]


def test_no_folder_is_no_work(monkeypatch, tmp_path):
    assert find_unsaved() == []
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.setenv(FOLDER_VARIABLE, str(file))
    assert find_unsaved() == []
    with pytest.raises(ProjectError, match="cannot be made"):
        new_file("clip")


def test_the_folder_is_the_state_folder_of_the_platform(monkeypatch):
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    if sys.platform.startswith("linux"):
        assert recovery_folder() == Path("/somewhere/napari-cotracker/unsaved")
    assert recovery_folder().name == "unsaved"


def test_a_copy_holds_edits_runs_and_facts(tmp_path):
    path = left(edits=3)
    target = tmp_path / "saved.ctk"
    target.write_text("replaced")
    with Project.open(path) as project:
        project.undo()
        project.begin_run(REQUEST)
        project.add_window(b"first", project.document)
        with pytest.raises(ProjectError, match="exists already"):
            project.copied(target, NOWHERE)
        with project.copied(target, NOWHERE, overwrite=True) as copy:
            assert copy.document.same_as(project.document)
            assert (copy.journal.done, copy.journal.undone) == (2, 1)
            assert copy.unfinished_run().windows == (b"first",)
            assert copy.recall("image") == "clip"
            copy.undo()
            copy.add_window(b"second", copy.document)
        assert project.journal.done == 2
    assert [p.name for p in tmp_path.iterdir()] == ["saved.ctk"]


def test_a_copy_that_fails_leaves_both_as_they_were(tmp_path):
    path = left(edits=1)
    with Project.open(path) as project:
        with pytest.raises(ProjectError):
            project.copied(tmp_path / "no folder" / "x.ctk", NOWHERE)
        with Project.create(tmp_path / "y.ctk", Annotations(document()), NOWHERE):
            with pytest.raises(ProjectError, match="open already"):
                project.copied(tmp_path / "y.ctk", NOWHERE, overwrite=True)
        project.edit(points.place_points(project.document, 1, A, (3, 4)))
