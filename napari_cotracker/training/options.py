"""What a training run does; every number of the recipe lives here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """One phase of the curriculum.

    Parameters
    ----------
    objective : {"matching", "windows"}
        Two-frame contrastive matching of the encoder alone, or tracking.
    shapes : tuple of (T, H, W)
        Clip shapes; every step draws one.
    points, batch, iterations : int
        N query points per clip, B clips per step, refinement iterations.
    learning_rate : float
        Peak rate for one process; grows with the square root of their number.
    unlabelled : bool
        Every second batch comes from real recordings, with positions that the network
        itself vouches for.
    """

    objective: str
    shapes: tuple[tuple[int, int, int], ...]
    points: int
    batch: int
    iterations: int = 3
    learning_rate: float = 5e-4
    unlabelled: bool = False


STAGES: dict[str, Stage] = {
    "match": Stage("matching", ((6, 128, 128),), points=64, batch=6),
    "short": Stage(
        "windows",
        ((16, 128, 128), (16, 128, 128), (16, 96, 160), (16, 160, 96), (9, 128, 128)),
        points=48,
        batch=2,
    ),
    "long": Stage(
        "windows",
        ((24, 128, 128), (24, 96, 160), (24, 160, 96), (32, 128, 128), (16, 160, 160)),
        points=48,
        batch=1,
        learning_rate=3e-4,
    ),
    # As large as what users track: what a network meets only here are motions of many
    # of its pixels, and surfaces that fill much of what it compares.
    "large": Stage(
        "windows",
        ((24, 192, 192), (16, 256, 256), (24, 160, 256), (24, 256, 160)),
        points=48,
        batch=1,
        learning_rate=2e-4,
    ),
    "gpu": Stage(
        "windows",
        ((24, 256, 256), (24, 256, 256), (48, 192, 192), (16, 320, 320)),
        points=128,
        batch=16,
        iterations=4,
    ),
    "self": Stage(
        "windows",
        ((24, 128, 128), (24, 96, 160), (16, 192, 192)),
        points=48,
        batch=1,
        # With --cooldown: the last stage, after one that kept its rate.
        learning_rate=2e-4,
        unlabelled=True,
    ),
    # Seconds long: for tests and for trying the whole path on a new machine.
    "smoke": Stage("windows", ((17, 64, 64),), points=8, batch=1, iterations=2),
}


@dataclass(frozen=True)
class TrainOptions:
    """Options of one training run.

    Parameters
    ----------
    stage : str
        Key of :data:`STAGES`.
    preset : str
        Network preset to train.
    seed : int
        Of the weights, the clips and the queries.
    warmup_steps : int
        Linear warm-up of the learning rate, counted from the start of the stage.
    weight_decay, clip_norm, ema : float
        AdamW's decay, gradient norm limit, decay of the averaged weights.
    device : str
    save_minutes : float
        How often a checkpoint is written.
    workers : int
        Processes that render clips (0 = in this process, on ``device``).
    compile : bool
        Let torch compile the encoder and the update transformer (a minute at first).
    unlabelled : Path or None
        Folder of recordings, for stages that use them.
    """

    stage: str = "short"
    preset: str = "compact"
    seed: int = 0
    warmup_steps: int = 100
    weight_decay: float = 5e-4
    clip_norm: float = 1.0
    ema: float = 0.999
    device: str = "cpu"
    save_minutes: float = 2.0
    workers: int = 1
    compile: bool = False
    unlabelled: Path | None = None
