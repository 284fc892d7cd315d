"""Tell from a checkpoint's keys and shapes which network it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.errors import ModelError
from napari_cotracker.model.config import PRESETS

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.model.config import CoTracker3Config


def recognise_preset(weights: dict[str, Tensor], file_name: str) -> str:
    """Return the preset that these weights fit.

    CoTracker3 online and offline differ in nothing but the length of the time table.

    Raises
    ------
    ModelError
        No network of ours has these weights.
    """
    for name, config in PRESETS.items():
        if _fits(weights, config):
            return name
    raise ModelError(
        f"{file_name} is not a checkpoint of a known network "
        f"({len(weights)} tensors); expected one of {', '.join(PRESETS)}."
    )


def _fits(weights: dict[str, Tensor], config: CoTracker3Config) -> bool:
    volume = config.corr_side**4
    shapes = {
        "fnet.conv1.weight": (config.encoder.widths[0], 3, 7, 7),
        "corr_mlp.fc1.weight": (config.corr_hidden, volume),
        "updateformer.input_transform.weight": (config.hidden, config.token_width),
        "updateformer.virual_tracks": (1, config.virtual_tracks, 1, config.hidden),
    }
    if "time_emb" in weights:
        shapes["time_emb"] = (1, config.window_len, config.token_width)
    return all(
        key in weights and tuple(weights[key].shape) == shape
        for key, shape in shapes.items()
    )
