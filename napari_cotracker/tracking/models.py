"""From a model's name or file to a network that is ready to track."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from napari_cotracker.errors import ModelError
from napari_cotracker.model.arithmetic import gains_from_bf16
from napari_cotracker.model.build import build_network
from napari_cotracker.model.checkpoint import (
    fit_weights,
    read_confidence_fit,
    read_state_dict,
)
from napari_cotracker.model.config import PRESETS
from napari_cotracker.model.memory import keep_freed_memory
from napari_cotracker.model.recognise import recognise_preset
from napari_cotracker.weights import find_weights

if TYPE_CHECKING:
    from torch import nn

    from napari_cotracker.model.build import Network

DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
CHECKPOINT_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")


def load_model(
    model: str | Path,
    device: str = "auto",
    dtype: str = "auto",
    *,
    compiled: bool = False,
) -> nn.Module:
    """Load a network by name (``compact``, ...) or from a checkpoint file.

    Parameters
    ----------
    model : str or Path
        Name from :func:`napari_cotracker.list_models`, or a file.
    device : str
        ``auto`` takes CUDA, then MPS, then the CPU; or any torch device name.
    dtype : {"auto", "float32", "bfloat16", "float16"}
        Arithmetic; ``auto`` is bfloat16 for our own networks where the hardware gains
        from it, else float32.
    compiled : bool
        Compile the network with ``torch.compile``: faster in the long run, but the
        first window takes a minute or more. Where torch cannot, a warning says what it
        lacks, and the network runs as it is.

    Returns
    -------
    torch.nn.Module
        With ``predict(video, queries_txy, iterations) -> Prediction``.

    Raises
    ------
    ModelError
        Unknown name, missing or damaged file, another network, absent device.
    """
    path = _locate(model)
    weights = read_state_dict(path)
    network = build_network(PRESETS[recognise_preset(weights, path.name)])
    network.load_state_dict(fit_weights(weights, network, path.name))
    network.confidence_fit = read_confidence_fit(path)
    place = pick_device(device)
    network.arithmetic = pick_dtype(dtype, place, exact=network.config.published_faults)
    # Autocast converts weights once per call only where they want gradients.
    network.to(place).eval()
    if place.type == "cpu":
        keep_freed_memory()
    if compiled:
        _compile(network, place)
    return network


def pick_device(device: str) -> torch.device:
    """Turn a device name into a device that exists here.

    Raises
    ------
    ModelError
        Names the devices that are at hand.
    """
    present = ["cpu"]
    if torch.backends.mps.is_available():
        present.insert(0, "mps")
    if torch.cuda.is_available():
        present.insert(0, "cuda")
    if device == "auto":
        return torch.device(present[0])
    if device.split(":")[0] not in present:
        raise ModelError(
            f"Device '{device}' is not available here; choose one of "
            f"{', '.join(present)} or 'auto'."
        )
    return torch.device(device)


def pick_dtype(dtype: str, device: torch.device, *, exact: bool = False) -> torch.dtype:
    """Turn a dtype name into the arithmetic to use on a device.

    ``exact``: whether ``auto`` must keep float32. Published networks are loaded for
    their published numbers; ours was trained in bf16 and moves by hundredths of a
    pixel at nearly twice the speed.
    """
    if dtype == "auto":
        fast = gains_from_bf16(device) and not exact
        return torch.bfloat16 if fast else torch.float32
    if dtype not in DTYPES:
        raise ModelError(
            f"dtype is '{dtype}'; expected 'auto' or one of {', '.join(DTYPES)}."
        )
    return DTYPES[dtype]


def _compile(network: Network, device: torch.device) -> None:
    # Imported late: the compiler is a large part of torch that few runs need.
    from napari_cotracker.model import compilation

    obstacle = compilation.obstacle_to_compiling(device)
    if obstacle is None:
        compilation.compile_network(network)
    else:
        warnings.warn(obstacle, stacklevel=3)


def _locate(model: str | Path) -> Path:
    path = Path(model)
    if path.suffix in CHECKPOINT_SUFFIXES or path.is_file():
        if not path.is_file():
            raise ModelError(f"There is no checkpoint file {path}; check the path.")
        return path
    return find_weights(str(model))
