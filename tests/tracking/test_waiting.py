"""Threads that wait must not take the cores from the ones that work."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("given", "used"), [(None, "0"), ("500", "500")])
def test_threads_do_not_spin_unless_someone_wants_it(given, used):
    code = (
        "import os, sys; import napari_cotracker.tracking; "
        "assert 'torch' not in sys.modules; print(os.environ['GOMP_SPINCOUNT'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}
    if given is not None:
        environment["GOMP_SPINCOUNT"] = given
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert answer.stdout.strip() == used
