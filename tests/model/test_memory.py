"""Freed memory is kept for the next layer, unless a person chose otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_cotracker.model.memory import ask_for_huge_pages

PROGRAM = """
import resource, sys
import torch
from napari_cotracker.model.memory import keep_freed_memory
if sys.argv[1] != "as it is":
    keep_freed_memory(all_of_it=sys.argv[1] == "all kept")
blocks = int(sys.argv[2])
x = torch.zeros(2**23 // blocks)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        many = [x + 1 for _ in range(blocks)]
        del many
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def faults(kept: str, blocks: int = 8, **environment: str) -> int:
    """Count the fresh pages of work that frees 32 MiB in blocks, twenty times."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, kept, str(blocks)],
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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_training_keeps_blocks_of_any_size():
    large = faults("kept", blocks=1)
    assert large > 20 * 8 * 1000 / 2
    assert faults("all kept", blocks=1) < large / 10


def test_processes_ask_for_huge_pages_unless_tunables_are_chosen(monkeypatch):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    ask_for_huge_pages()
    assert os.environ.pop("GLIBC_TUNABLES") == "glibc.malloc.hugetlb=1"

    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    ask_for_huge_pages()
    assert os.environ["GLIBC_TUNABLES"] == "glibc.malloc.check=1"
