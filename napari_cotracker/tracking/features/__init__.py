"""Frames encoded once: in memory, in a temporary file, and from run to run."""
