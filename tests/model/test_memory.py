"""Freed memory is kept for the next layer, unless a person chose otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from napari_cotracker.model.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
x = torch.zeros(2**20)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        many = [x + 1 for _ in range(8)]
        del many
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def faults(kept: str, **environment: str) -> int:
    """Count the fresh pages of work that frees 32 MB twenty times."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, kept],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_freed_memory_is_used_again():
    fresh = faults("as it is", MALLOC_TRIM_THRESHOLD_="131072")
    assert fresh > 20 * 8 * 1000 / 2
    assert faults("kept") < fresh / 10
    chosen = faults("kept", MALLOC_TRIM_THRESHOLD_="131072")
    assert chosen > fresh / 2
