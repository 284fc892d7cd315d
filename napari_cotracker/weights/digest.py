"""Which weights a model name stands for."""

from __future__ import annotations

from pathlib import Path

from napari_cotracker.weights.downloaded import digest_of_file
from napari_cotracker.weights.registry import list_models


def digest_of(model: str | Path) -> str:
    """Return the SHA-256 of the weights of a model, empty if they are not here.

    Parameters
    ----------
    model : str or Path
        A name that :func:`list_models` knows, or a checkpoint file.
    """
    for record in list_models():
        if record.name == str(model):
            if record.sha256 is not None:
                return record.sha256
            return digest_of_file(record.where) if record.where is not None else ""
    path = Path(model)
    return digest_of_file(path) if path.is_file() else ""
