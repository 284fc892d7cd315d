"""Which checkpoints exist, under what terms, and where they lie (no torch here)."""

from napari_cotracker.weights.record import ModelRecord
from napari_cotracker.weights.registry import find_model, find_weights, list_models

__all__ = ["ModelRecord", "find_model", "find_weights", "list_models"]
