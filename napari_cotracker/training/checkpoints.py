"""Training checkpoints: everything that an exact resume needs, written atomically."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from napari_cotracker.errors import ModelError
from napari_cotracker.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

LAST = "last.pt"


@dataclass
class History:
    """What the weights have seen so far; goes into the model card."""

    steps: dict[str, int] = field(default_factory=dict)
    clips: int = 0
    seconds: float = 0.0


@dataclass
class Progress:
    """Position inside the current stage."""

    stage: str = ""
    step: int = 0
    history: History = field(default_factory=History)


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    average: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write ``last.pt``; a killed process leaves the former one intact."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "model": model.state_dict(),
        "average": average,
        "optimiser": optimiser.state_dict(),
        "progress": asdict(progress),
    }
    with replacing(folder / LAST, overwrite=True, failure=ModelError) as part:
        torch.save(content, part)


def load_checkpoint(folder: Path) -> dict[str, Any]:
    """Read ``last.pt``.

    Raises
    ------
    ModelError
        There is none, or it is damaged.
    """
    path = folder / LAST
    if not path.is_file():
        raise ModelError(
            f"There is no checkpoint {path}; start without --resume, "
            "or name the folder of an earlier run."
        )
    try:
        content: dict[str, Any] = torch.load(
            path, map_location="cpu", weights_only=True
        )
    except Exception as error:
        raise ModelError(
            f"The checkpoint {path} is damaged ({error}); restore a copy of it."
        ) from error
    saved = content["progress"]
    saved["history"] = History(**saved["history"])
    content["progress"] = Progress(**saved)
    return content
