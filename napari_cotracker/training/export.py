"""Finished weights (safetensors, fp16) and their card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from napari_cotracker.errors import ModelError
from napari_cotracker.model.checkpoint import confidence_metadata
from napari_cotracker.model.config import PRESETS
from napari_cotracker.training.checkpoints import History, load_checkpoint
from napari_cotracker.training.widening import TIMES

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cotracker.training.checkpoints import Progress

SELF_TRAINED = (
    " Then unlabelled recordings: positions that an earlier state of this network "
    "followed there and back with the same result."
)
LICENCE = "BSD-3-Clause"
DATA = (
    "Procedural clips rendered by napari_cotracker.training.scenes (layers that move, "
    "turn, deform and hide each other); textures are procedural or crops of the free "
    "photos that ship inside scikit-image. No labels or weights of others."
)


def export_weights(
    folder: Path,
    out: Path,
    *,
    preset: str,
    seed: int,
    metrics: dict[str, Any],
    confidence_fit: tuple[float, float] = (1.0, 0.0),
) -> Path:
    """Write ``out`` (.safetensors) and the card beside it (.json).

    Parameters
    ----------
    folder : Path
        Of a training run; its averaged weights are exported.
    out : Path
    preset : str
    seed : int
    metrics : dict
        Goes into the card as it is.
    confidence_fit : (scale, shift)
        Of confidence logits.
    """
    content = load_checkpoint(folder)
    weights = {
        # fp16 halves the wheel; the rounding is far below the training noise.
        key: value.half().contiguous()
        if value.is_floating_point() and key != TIMES
        else value.contiguous()
        for key, value in content["average"].items()
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    about = {"preset": preset} | confidence_metadata(confidence_fit)
    save_file(weights, out, metadata=about)
    progress: Progress = content["progress"]
    card = {
        "name": out.stem,
        "preset": preset,
        "parameters": sum(v.numel() for key, v in weights.items() if key != TIMES),
        "licence": LICENCE,
        "data": DATA + (SELF_TRAINED if "self" in progress.history.steps else ""),
        "steps": progress.history.steps,
        "clips": progress.history.clips,
        "train_hours": round(progress.history.seconds / 3600, 2),
        "seed": seed,
        "torch": torch.__version__,
        "metrics": metrics,
        "confidence_fit": list(confidence_fit),
        "size": out.stat().st_size,
        "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "config": asdict(PRESETS[preset]),
    }
    out.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")
    return out


def read_history(weights: Path) -> History:
    """Return what finished weights have seen, from their card; nothing without one.

    Raises
    ------
    ModelError
        The file beside them is no card.
    """
    path = weights.with_suffix(".json")
    if not path.is_file():
        return History()
    try:
        card = json.loads(path.read_text())
        return History(dict(card["steps"]), card["clips"], 3600 * card["train_hours"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} is not the card of {weights.name} ({error!r}); move it elsewhere."
        ) from error
