"""The command line: one module per command, nothing heavy imported until needed.

Exit codes: 0 done; 1 failure after work had started (out of memory, full disk, no
screen); 2 bad input (arguments, video, queries, model, format), told in one line
before any work is lost; 130 stopped with Ctrl-C, the finished part saved.
"""

from napari_cotracker.cli.app import main

__all__ = ["main"]
