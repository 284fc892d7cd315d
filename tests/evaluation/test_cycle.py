"""There and back on recordings whose motion is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
import torch

from napari_cotracker.cli import main
from napari_cotracker.errors import InputError
from napari_cotracker.evaluation.cycle import score_recording, stretches
from napari_cotracker.model.interface import Prediction
from napari_cotracker.tracking import TrackingOptions

OPTIONS = TrackingOptions(support_grid=0, moving_region=False, sharpen=False)


class Resting:
    """Says that nothing moves."""

    def predict(self, video, queries_txy, iterations=6):
        shape = (len(video), len(queries_txy))
        ones = torch.ones(shape)
        return Prediction(queries_txy[:, 1:].expand(*shape, 2), ones, ones)


@pytest.fixture
def passing(tmp_path):
    """A textured square that moves by 2 px per frame over 20 frames of 128 x 128."""
    rng = np.random.default_rng(0)
    patch = np.kron(rng.integers(60, 255, (5, 5)), np.ones((8, 8))).astype(np.uint8)
    video = np.full((20, 128, 128), 20, np.uint8)
    for t, frame in enumerate(video):
        frame[40:80, 10 + 2 * t : 50 + 2 * t] = patch
    tifffile.imwrite(tmp_path / "passing.tif", video, photometric="minisblack")
    return tmp_path / "passing.tif"


def test_stretches_lie_inside_and_are_as_long_as_asked():
    assert [list(s) for s in stretches(4, 60)] == [[0, 1, 2, 3]]
    spread = stretches(100, 10)
    assert [(s[0], s[-1]) for s in spread] == [(0, 10), (44, 54), (89, 99)]
    assert stretches(1, 60) == []


def test_flow_follows_what_moves_and_comes_back(passing):
    ours, flow = score_recording(passing, Resting(), OPTIONS)
    assert flow.points >= 5
    assert flow.returned == 1
    assert flow.median_px < 0.5
    # 19 frames of 2 px, twice as many at 256 x 256 scale.
    assert flow.moved_px == pytest.approx(76, abs=1)
    assert (ours.recording, ours.points) == (flow.recording, flow.points)
    # Who rests is back at once: only the distance shows it.
    assert (ours.kept, ours.returned, ours.moved_px) == (1, 1, 0)


def test_a_recording_where_nothing_moves_is_refused(tmp_path):
    path = tmp_path / "still.tif"
    tifffile.imwrite(path, np.zeros((5, 64, 64), np.uint8), photometric="minisblack")
    with pytest.raises(InputError, match="Nothing moves"):
        score_recording(path, Resting(), OPTIONS)


def test_command_line_prints_both_methods(passing, capsys):
    flags = ["--json", "--support-grid", "0", "--iterations", "1", "--no-sharpen"]
    command = ["evaluate", "--protocol", "cycle", str(passing), *flags]
    assert main(command) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in rows] == ["ours", "LK"]
    assert rows[0]["recording"].endswith("/passing.tif")
