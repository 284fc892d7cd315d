"""Print size and speed of a project file: ``python tests/project/file_speed.py``."""

import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from project.random_edits import document

from napari_cotracker.project import Annotations, Project, Recording, RunRequest
from napari_cotracker.project import point_edits as points
from napari_cotracker.project import span_edits as spans
from napari_cotracker.project.merging import overlay
from napari_cotracker.tracks import Queries

N_TRACKS, N_FRAMES, WINDOW, STEP = 100, 2000, 16, 8
WINDOW_BYTES = 16 * WINDOW * N_TRACKS  # as tracking packs them at most


def say(what, value, unit):
    print(f"{what:<52}{value:10.2f} {unit}")


def median_ms(work, n=20):
    seconds = []
    for i in range(n):
        begin = perf_counter()
        work(i)
        seconds.append(perf_counter() - begin)
    return 1000 * float(np.median(seconds))


def run_through(project):
    """A run in both directions that renews every position twice."""
    project.begin_run(RunRequest(Queries([0], [[1, 1]]), "compact"))
    rng = np.random.default_rng(0)
    found = document(N_TRACKS, N_FRAMES, 1).tracks
    for first in [*range(0, N_FRAMES - STEP, STEP)] * 2:
        asked = np.zeros(found.source.shape, bool)
        asked[first : first + WINDOW] = True
        renewed = overlay(project.document, found, asked, complete=False)
        project.add_window(rng.bytes(WINDOW_BYTES), renewed)


def main():
    cells = N_TRACKS * N_FRAMES
    print(f"{N_TRACKS} points over {N_FRAMES} frames")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ctk"
        doc = document(N_TRACKS, N_FRAMES)
        project = Project.create(path, Annotations(doc), Recording((1, 1, 1), "0"))

        def per_cell():
            project.close()
            return path.stat().st_size / cells

        say("tracks", per_cell(), "bytes per point and frame")
        project = Project.open(path)
        ms = median_ms(
            lambda i: project.edit(
                points.place_points(project.document, 90 * i, 3, (i, i))
            )
        )
        say("moving a point", ms, "ms")
        say("undo", median_ms(lambda i: project.undo()), "ms")
        before = per_cell() * cells
        project = Project.open(path)
        for i in range(1000):
            project.edit(points.place_points(project.document, i, 13, (i, i)))
        say("1000 moved points", (per_cell() * cells - before) / 1000, "bytes each")
        project = Project.open(path)
        ms = median_ms(
            lambda i: project.edit(
                spans.delete_forward(project.document, 10 * i + 3, 9)
            )
        )
        say("deleting 1991 frames of a track", ms, "ms")
        begin = perf_counter()
        run_through(project)
        n_windows = 2 * len(range(0, N_FRAMES - STEP, STEP))
        say("storing a window", 1000 * (perf_counter() - begin) / n_windows, "ms")
        say("with all windows of a run", per_cell(), "bytes per point and frame")
        project = Project.open(path)
        project.finish_run(project.document)
        say("when the run is finished", per_cell(), "bytes per point and frame")
        begin = perf_counter()
        Project.open(path).close()
        say("opening", 1000 * (perf_counter() - begin), "ms")


if __name__ == "__main__":
    main()
