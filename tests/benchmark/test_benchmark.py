"""The figures are measured, labelled and judged; how large they are is not tested."""

import json

import numpy as np
import pytest
import torch

from napari_cotracker.benchmark import corrections
from napari_cotracker.benchmark.film import Film
from napari_cotracker.benchmark.memory import STATUS, peak
from napari_cotracker.benchmark.networks import Load, measure_networks
from napari_cotracker.benchmark.rates import nominal_gflop
from napari_cotracker.benchmark.report import Figure, format_figures
from napari_cotracker.cli.app import main
from napari_cotracker.errors import InputError


def test_nominal_work_is_that_of_the_notes():
    assert nominal_gflop(136, 6) == pytest.approx(91.4, abs=0.2)


def test_a_figure_is_held_against_its_bar():
    fast = Figure("speed", 80, "%", bar=75)
    large = Figure("memory", 1.2, "x", bar=1.1, most=True)
    assert fast.met and large.met is False and Figure("rate", 3, "x").met is None
    text = format_figures([fast, large])
    assert "at least 75: met" in text
    assert "at most 1.1: MISSED" in text


def test_networks_are_measured_on_any_size():
    load = Load(frames=2, points=3, iterations=1, size=(32, 32), runs=1)
    measured = measure_networks(torch.device("cpu"), load)
    figures = {figure.name: figure for figure in measured}
    values = [figure.value for figure in figures.values()]
    assert np.isfinite(values).all() and min(values) > 0
    assert figures["online against offline, time per frame"].bar == 1.5


@pytest.mark.skipif(not STATUS.exists(), reason="needs /proc")
def test_a_peak_is_that_of_a_process_of_its_own():
    ballast = np.ones(2**28, np.uint8)  # 256 MiB that the child must not count
    reached = peak("compact", 3, (64, 64))
    assert ballast.all()
    assert 50 * 2**20 < reached < 2**30


def test_a_correction_is_timed_against_everything(monkeypatch):
    monkeypatch.setattr(corrections, "REACH", 10)
    monkeypatch.setattr(corrections, "FRAMES", 30)
    monkeypatch.setattr(corrections, "SIZE", (64, 64))
    measured = corrections.measure_corrections("compact", "cpu", repeats=1)
    figures = {figure.name: figure for figure in measured}
    # Two walks of ten frames each: one window to either side.
    assert figures["one of 5 points moved: windows"].value == 2
    assert all(figure.value > 0 for figure in figures.values())
    assert [f.bar for f in figures.values()] == [None, 0.5, 2.0, None, 0.1]
    with pytest.raises(InputError, match="at least 23"):
        monkeypatch.setattr(corrections, "FRAMES", 20)
        list(corrections.measure_corrections("compact", "cpu"))


def test_the_film_moves_a_pixel_per_frame():
    film = Film(300, (32, 40))
    assert film[3].shape == (32, 40, 3)
    np.testing.assert_array_equal(film[10][:, 0], film[0][:, 10])
    some = np.stack([film[t][5:9] for t in (4, 6, 8)])
    np.testing.assert_array_equal(film[4:9:2, 5:9], some)


def test_the_command_names_its_parts(capsys):
    assert main(["benchmark", "nothing"]) == 2
    assert "networks, recordings, corrections, memory" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_prints_json(capsys):
    assert (
        main(["benchmark", "networks", "--frames", "2", "--runs", "1", "--json"]) == 0
    )
    figures = json.loads(capsys.readouterr().out)
    assert {"name", "value", "unit", "bar", "most", "met"} <= set(figures[0])
