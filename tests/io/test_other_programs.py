"""Our files in movement and napari-deeplabcut themselves; docs/formats.md says how."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from some_tracks import GROUP, SOLO, rich_tracks, seen

from napari_cotracker.io import save_tracks
from napari_cotracker.tracks import Source

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent


def read_by(variable, script, *arguments):
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f"{variable} is not set: no Python with that program")
    command = [python, str(HERE / script), *map(str, arguments)]
    # A Python of its own: nothing of ours may leak in.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    clean |= {"QT_QPA_PLATFORM": "offscreen"}
    answer = subprocess.run(
        command, capture_output=True, text=True, env=clean, check=False
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return json.loads(answer.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("file", "software", "occluded_kept"),
    [
        ("t.dlc.h5", "DeepLabCut", True),
        ("t.dlc.csv", "DeepLabCut", True),
        ("t.analysis.h5", "SLEAP", False),
        ("t.slp", "SLEAP", False),
        ("t.nwb", "NWB", True),
    ],
)
@pytest.mark.parametrize("names", [SOLO, GROUP], ids=["solo", "group"])
def test_movement(tmp_path, names, file, software, occluded_kept):
    tracks = rich_tracks(names, timed=True)
    save_tracks(tracks, tmp_path / file)
    key, wanted = "", names
    if software == "NWB":
        key = "PoseEstimation" if names == SOLO else "m1"
        wanted = tuple(n for n in names if names == SOLO or n.startswith("m1/"))
    found = read_by(
        "MOVEMENT_PYTHON", "read_by_movement.py", tmp_path / file, software, key
    )
    for name in wanted:
        n = names.index(name)
        got = found[name.rpartition("/")[2] if key else name]
        xy = np.array(got["xy"], np.float32)
        shown = seen(tracks)[:, n]
        kept = tracks.source[:, n] != Source.EMPTY if occluded_kept else shown
        expected = np.where(kept[:, None], tracks.xy[:, n], np.nan)
        np.testing.assert_array_equal(xy, expected[: len(xy)])
        if occluded_kept:
            confidence = np.array(got["confidence"])
            assert (confidence[kept & ~shown] == 0).all()
            np.testing.assert_allclose(
                confidence[shown], tracks.confidence[:, n][shown], atol=2e-7
            )


@pytest.mark.parametrize("names", [SOLO, GROUP], ids=["solo", "group"])
@pytest.mark.parametrize("format", ["dlc", "dlc-labels"])
def test_napari_deeplabcut(tmp_path, names, format):
    tracks = rich_tracks(names)
    folder = tmp_path / "labeled-data" / "mouse"
    folder.mkdir(parents=True)
    path = folder / ("CollectedData_me.h5" if "labels" in format else "t.h5")
    save_tracks(tracks, path, format)
    rows = read_by("NAPARI_DEEPLABCUT_PYTHON", "read_by_napari_deeplabcut.py", path)
    kept = seen(tracks) if "labels" in format else tracks.source != Source.EMPTY
    assert len(rows) == kept.sum()
    for n, name in enumerate(names):
        individual, _, part = name.rpartition("/")
        mine = [r for r in rows if (r[0], r[1]) == (individual, part)]
        got = np.array([r[3] for r in mine], np.float32)
        np.testing.assert_array_equal(got[:, :0:-1], tracks.xy[kept[:, n], n])
