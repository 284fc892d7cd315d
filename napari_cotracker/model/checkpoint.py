"""Read checkpoint files strictly, whatever wrapped them."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from napari_cotracker.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

# What training scripts wrap a state dict in, and put before its keys.
WRAPPINGS = ("model", "state_dict")
PREFIXES = ("module.", "model.")
# Metadata of a safetensors file, and what holds where it has none.
CONFIDENCE_FIT = (("confidence_scale", 1.0), ("confidence_shift", 0.0))
# Follow from the configuration: a file may lack them, a network need not keep them.
ANALYTIC_BUFFERS = ("time_emb", "pos_emb")


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a ``.safetensors`` or ``.pth`` file into plain keys and tensors.

    Raises
    ------
    ModelError
        The file is missing, damaged, or not a checkpoint.
    """
    if not path.is_file():
        raise ModelError(f"There is no checkpoint file {path}; check the path.")
    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # safetensors, zip, pickle and torch each fail in their own way.
        raise _unreadable(path, error) from error
    return _unwrap(content, path)


def read_confidence_fit(path: Path) -> tuple[float, float]:
    """Read (scale, shift) of confidence logits; (1, 0) where a file has none."""
    if path.suffix != ".safetensors":
        return 1.0, 0.0
    with safe_open(path, framework="pt") as file:
        about = file.metadata() or {}
    scale, shift = (float(about.get(key, default)) for key, default in CONFIDENCE_FIT)
    return scale, shift


def confidence_metadata(fit: tuple[float, float]) -> dict[str, str]:
    """Make the metadata that :func:`read_confidence_fit` reads back."""
    keys = [key for key, _ in CONFIDENCE_FIT]
    return dict(zip(keys, map(str, fit), strict=True))


def fit_weights(
    found: dict[str, Tensor], model: nn.Module, file_name: str
) -> dict[str, Tensor]:
    """Check that weights fit ``model`` key by key and shape by shape.

    Returns
    -------
    dict
        Float32 tensors, analytic buffers filled in where the file lacks them.

    Raises
    ------
    ModelError
        Lists what is missing, unexpected or of another shape.
    """
    found = dict(found)
    expected = model.state_dict()
    for key in ANALYTIC_BUFFERS:
        if key in expected:
            found.setdefault(key, expected[key])
        else:
            found.pop(key, None)
    missing = sorted(set(expected) - set(found))
    unexpected = sorted(set(found) - set(expected))
    shared = set(found) & set(expected)
    reshaped = sorted(k for k in shared if found[k].shape != expected[k].shape)
    if missing or unexpected or reshaped:
        raise ModelError(
            f"{file_name} is a checkpoint of another network: "
            f"{_some('missing', missing)}, {_some('unexpected', unexpected)}, "
            f"{_some('of another shape', reshaped)}; name the right model for it."
        )
    return {key: found[key].to(expected[key].dtype) for key in expected}


def _unwrap(content: Any, path: Path) -> dict[str, Tensor]:
    for key in WRAPPINGS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise ModelError(
            f"{path.name} does not hold network weights; "
            "expected a state dict in a .pth or .safetensors file."
        )
    for prefix in PREFIXES:
        if content and all(key.startswith(prefix) for key in content):
            content = {key[len(prefix) :]: value for key, value in content.items()}
    return dict(content)


def _unreadable(path: Path, error: Exception) -> ModelError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    if isinstance(error, pickle.UnpicklingError):  # torch would advise to run its code
        reason = "it holds other things than weights"
    return ModelError(
        f"{path.name} cannot be read as a checkpoint ({reason}); "
        "it may be damaged or incomplete: get it again."
    )


def _some(what: str, keys: list[str]) -> str:
    if not keys:
        return f"nothing {what}"
    shown = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
    return f"{len(keys)} keys {what} ({shown})"
