"""Runs in a worker thread, without a window."""

import threading

from qtpy.QtCore import QTimer
from test_controller import SEEDS, Bench

from napari_cotracker.widgets.runs.runner import Ending, Runner


def test_an_edit_between_two_windows_is_read_before_they_are_shown(
    qtbot, clip, recorder
):
    bench = Bench(clip, recorder)
    bench.add_points(SEEDS)
    session = bench.track()
    ends = []

    def edit():
        if not bench.said:  # in place: napari tells nobody
            bench.tracked.data[bench.row(12, 1), 1:] = 33, 44

    runner = Runner(
        bench.controller,
        lambda progress: QTimer.singleShot(0, edit),
        lambda error: None,
        lambda run, ending: ends.append(ending),
    )
    recorder.gates = threading.Semaphore(1)
    runner.start(bench.start())
    qtbot.waitUntil(lambda: bool(bench.said), timeout=20_000)
    assert session.document.tracks.xy[12, 1].tolist() == [44, 33]
    recorder.gates.release(9)
    qtbot.waitUntil(lambda: bool(ends), timeout=20_000)
    assert ends == [Ending.COMPLETE]
    assert session.document.tracks.xy[12, 1].tolist() == [44, 33]
    bench.controller.close(for_good=True)
