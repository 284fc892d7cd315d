"""Tell from a checkpoint's keys and shapes which network it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cotracker.errors import ModelError
from napari_cotracker.model.config import (
    PRESETS,
    CoTracker2Config,
    CoTracker3Config,
    NetworkConfig,
)

if TYPE_CHECKING:
    from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def recognise_preset(weights: dict[str, Tensor], file_name: str) -> str:
    """Return the preset that these weights fit.

    The networks of CoTracker 2 and 3 differ in the length of the time table; the three
    of CoTracker 1 have equal keys and shapes, so there the file's name decides.

    Raises
    ------
    ModelError
        No network of ours has these weights, or only the name could tell which.
    """
    fitting = [name for name, config in PRESETS.items() if _fits(weights, config)]
    if not fitting:
        raise ModelError(
            f"{file_name} is not a checkpoint of a known network "
            f"({len(weights)} tensors); expected one of {', '.join(PRESETS)}."
        )
    if len(fitting) == 1:
        return fitting[0]
    named = [name for name in fitting if _published_name(name) in file_name]
    if len(named) != 1:
        raise ModelError(
            f"{file_name} fits {', '.join(fitting)}, which only the file's name tells "
            f"apart; let it contain {' or '.join(map(_published_name, fitting))}."
        )
    return named[0]


def _published_name(preset: str) -> str:
    return preset.partition("_")[2]


def _fits(weights: dict[str, Tensor], config: NetworkConfig) -> bool:
    expected = (
        _shapes_of_3(config)
        if isinstance(config, CoTracker3Config)
        else _shapes_of_1_and_2(config)
    )
    expected["fnet.conv1.weight"] = (config.encoder.widths[0], 3, 7, 7)
    expected["updateformer.input_transform.weight"] = (
        config.hidden,
        config.token_width,
    )
    if "time_emb" in weights:
        expected["time_emb"] = (1, config.window_len, config.token_width)
    return all(
        key in weights and tuple(weights[key].shape) == shape
        for key, shape in expected.items()
    )


def _shapes_of_3(config: CoTracker3Config) -> Shapes:
    return {
        "corr_mlp.fc1.weight": (config.corr_hidden, config.corr_side**4),
        "updateformer.virual_tracks": (1, config.virtual_tracks, 1, config.hidden),
    }


def _shapes_of_1_and_2(config: CoTracker2Config) -> Shapes:
    channels = config.encoder.channels
    updater = "ffeat_updater" if config.generation == 1 else "track_feat_updater"
    return {f"{updater}.0.weight": (channels, channels)}
