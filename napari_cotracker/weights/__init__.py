"""Which checkpoints exist, under what terms, and where they lie (no torch here)."""

from napari_cotracker.weights.digest import digest_of
from napari_cotracker.weights.download import download_weights
from napari_cotracker.weights.record import ModelRecord
from napari_cotracker.weights.registry import find_model, find_weights, list_models

__all__ = [
    "ModelRecord",
    "digest_of",
    "download_weights",
    "find_model",
    "find_weights",
    "list_models",
]
