"""``kill -9`` at random moments: nothing finished is missing, and the rest goes on."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from project.random_edits import document

from napari_cotracker.cli import main
from napari_cotracker.io import load_tracks
from napari_cotracker.project import Annotations, Project, Recording, RunRequest
from napari_cotracker.project import point_edits as points
from napari_cotracker.project import span_edits as spans
from napari_cotracker.project import track_edits as whole
from napari_cotracker.project.merging import overlay
from napari_cotracker.sample import sample_clip
from napari_cotracker.tracks import Queries
from napari_cotracker.weights import list_models

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="needs POSIX signals and forks"
)
N_FRAMES, N_STEPS = 300, 120
REQUEST = RunRequest(Queries([0], [[1, 1]], [3], ["p0"]), "compact")


def take_step(desk, number):
    """Do step ``number`` of a fixed mixture of edits and windows of a run."""
    rng = np.random.default_rng(number)
    doc = desk.document
    ids = doc.tracks.point_id
    point_id = int(rng.choice(ids))
    t = int(rng.integers(0, N_FRAMES))
    kind = number % 8
    if kind in (0, 1):
        desk.edit(points.place_points(doc, t, point_id, rng.random(2) * 50))
    elif kind == 2:
        desk.edit(spans.delete_span(doc, point_id, t // 2, t))
    elif kind == 3:
        desk.edit(spans.hide_span(doc, point_id, t // 2, t))
    elif kind == 4 and len(ids) > 1:
        other = int(ids[(np.flatnonzero(ids == point_id)[0] + 1) % len(ids)])
        desk.edit(whole.swap_tracks(doc, point_id, other, t // 2, t))
    elif kind == 4:
        desk.edit(points.add_track(doc, f"new {number}", t, (1, 2)))
    elif kind == 5:
        desk.undo() if rng.random() < 0.7 else desk.redo()
    else:
        first = 10 * (number // 8) % N_FRAMES
        asked = np.zeros(doc.tracks.source.shape, bool)
        asked[first : first + 16] = True
        found = document(len(ids), N_FRAMES, number).tracks
        renewed = overlay(doc, found, asked, complete=False)
        if isinstance(desk, Project):
            desk.add_window(rng.bytes(2000 + number), renewed)
        else:
            desk.take(renewed)


@pytest.fixture(scope="module")
def states():
    """What the document is after every step if nothing happens."""
    desk, found = Annotations(document(4, N_FRAMES)), []
    for number in range(N_STEPS):
        found.append((desk.document, desk.journal.done, desk.journal.undone))
        take_step(desk, number)
    found.append((desk.document, desk.journal.done, desk.journal.undone))
    return found


def begun(path):
    project = Project.create(
        path, Annotations(document(4, N_FRAMES)), Recording((N_FRAMES, 9, 9), "0")
    )
    project.begin_run(REQUEST)
    project.remember(step=0)
    project.close()


def work_until_killed(path, done, after_s):
    """Take steps from ``done`` on in a child; return how many it said are finished."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            project = Project.open(path)
            os.write(writer, b"o")
            for number in range(done, N_STEPS):
                take_step(project, number)
                os.write(writer, b".")
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        pipe.read(1)
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return done + len(pipe.read())


def test_fifty_kills_lose_no_edit_and_no_window(tmp_path, states):
    rng = random.Random(7)
    path, done, kills, midway = tmp_path / "a.ctk", 0, 0, 0
    begun(path)
    while kills < 50:
        said = work_until_killed(path, done, rng.random() * 0.05)
        kills += 1
        with Project.open(path) as project:
            run = project.unfinished_run()
            now = (project.journal.done, project.journal.undone)
            fitting = [
                number
                for number in (said, min(said + 1, N_STEPS))
                if project.document.same_as(states[number][0])
                and now == states[number][1:]
                and len(run.windows) == windows_until(number)
            ]
            assert fitting, f"killed after step {said}: another state"
            for place, window in enumerate(run.windows):
                assert len(window) > 2000 and window == window_of(place)
        # A step may be on disk whose end could not be said any more.
        done = fitting[-1] if len(fitting) == 1 else fitting[0]
        midway += 0 < done < N_STEPS
        if done == N_STEPS:
            path.unlink()
            begun(path)
            done = 0
    assert midway > 10


def is_window(number):
    return number % 8 > 5


def windows_until(number):
    return sum(is_window(k) for k in range(number))


def window_of(place):
    number = [k for k in range(N_STEPS) if is_window(k)][place]
    rng = np.random.default_rng(number)
    rng.choice(np.arange(4))
    rng.integers(0, N_FRAMES)
    return rng.bytes(2000 + number)


# -- the command line ---------------------------------------------------------------

needs_weights = pytest.mark.skipif(
    not any(record.is_here for record in list_models()),
    reason="this checkout has no bundled weights",
)
FLAGS = (
    *("--queries", "q.csv", "--model-resolution", "96", "128", "--quiet"),
    *("--iterations", "1", "--support-grid", "0"),
)
# Imports once, then a child per attempt is killed a random time after its first window
# (the first attempts already before); each finished window is told by a dot.
NURSERY = """
import os, random, signal, sys, time
import torch
import napari_cotracker.tracking.driver, napari_cotracker.tracking.models
from napari_cotracker.cli import main
from napari_cotracker.project import Project

kills, argv = int(sys.argv[1]), sys.argv[2:]
rng, kept = random.Random(3), Project.add_window
for attempt in range(1000):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        def tell(self, data, document):
            kept(self, data, document)
            os.write(writer, b".")
        Project.add_window = tell
        os._exit(main(argv))
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        if kills:
            first = pipe.read(1) if attempt > 2 else b""
            time.sleep(rng.random() * 0.2)
            os.kill(child, signal.SIGKILL)
            said = first + pipe.read()
        else:
            said = pipe.read()
    status = os.waitpid(child, 0)[1]
    print(len(said), status, flush=True)
    # Killed in its very last moment, it has done everything all the same.
    if not kills or status == 0 or os.path.exists(argv[-1]):
        break
    kills -= 1
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("q.csv").write_text(
        "track,frame,x,y\n0,0,40.5,60.25\n1,30,150,120\n0,60,60,70\n"
    )
    return tmp_path


@needs_weights
@pytest.mark.parametrize(
    "kills", [4, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_a_killed_run_goes_on_to_the_very_same_result(here, kills, capsys):
    video = str(sample_clip().video)
    assert main(["track", video, *FLAGS, "--out", "plain.csv", "--json"]) == 0
    n_windows = json.loads(capsys.readouterr().out)["windows"]
    left, rounds = kills, 0
    while left:
        project = Path(f"p{rounds}.ctk")
        argv = [
            *("track", video, *FLAGS, "--project", str(project), "--resume"),
            *("--out", f"kept{rounds}.csv"),
        ]
        ran = subprocess.run(
            [sys.executable, "-c", NURSERY, str(left), *argv],
            capture_output=True,
            text=True,
            check=True,
        )
        attempts = [tuple(map(int, line.split())) for line in ran.stdout.splitlines()]
        assert attempts[-1][1] in (0, signal.SIGKILL), ran.stderr
        killed = sum(status == signal.SIGKILL for _, status in attempts)
        assert killed >= len(attempts) - 1, ran.stderr
        left, rounds = left - killed, rounds + 1
        # No finished window was run again; the last before a kill may be untold.
        told = sum(said for said, _ in attempts)
        assert n_windows - killed <= told <= n_windows
        kept = load_tracks(f"kept{rounds - 1}.csv")
        plain = load_tracks("plain.csv")
        for key in ("xy", "visibility", "confidence", "visible", "source"):
            np.testing.assert_array_equal(getattr(kept, key), getattr(plain, key), key)
        with Project.open(project) as finished:
            assert finished.unfinished_run() is None
            assert finished.last_request() is not None
