"""The training loop: time-boxed, resumable at any step."""

from __future__ import annotations

import json
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from napari_cotracker.errors import InputError
from napari_cotracker.model.arithmetic import gains_from_bf16
from napari_cotracker.model.config import COTRACKER3_PRESETS
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.training.batches import Batch, stream_batches
from napari_cotracker.training.calibration import calibrate
from napari_cotracker.training.checkpoints import (
    History,
    Progress,
    load_checkpoint,
    save_checkpoint,
)
from napari_cotracker.training.lessons import Lessons, taught_batches
from napari_cotracker.training.matching import matching_loss
from napari_cotracker.training.options import STAGES, TrainOptions
from napari_cotracker.training.processes import (
    average_gradients,
    first_says,
    n_processes,
    rank,
    wait_for_all,
)
from napari_cotracker.training.unlabelled import Recordings, find_recordings
from napari_cotracker.training.windows import tracking_loss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

# Weights of the network that answers for real recordings, kept for a resumed run.
TEACHER = "teacher.pt"
LESSONS_FOLDER = "lessons"
# Per split; the line through its confidence has two parameters only.
CALIBRATION_CLIPS = 2


@dataclass(frozen=True)
class Limits:
    """When a run stops: whichever comes first; ``cooldown`` lets the rate fall to 0.

    The cooldown follows the limits (steps, else minutes), so that a time-boxed run
    ends with usable weights.
    """

    minutes: float | None = None
    steps: int | None = None
    cooldown: bool = False

    def share_done(self, steps: int, seconds: float) -> float:
        """How much of the run is over, 0..1."""
        if self.steps is not None:
            return min(1.0, steps / self.steps)
        if self.minutes is not None:
            return min(1.0, seconds / (60 * self.minutes))
        return 0.0


class Trainer:
    """One network in training, with its averaged weights and its position."""

    def __init__(self, options: TrainOptions) -> None:
        self.options = options
        self.stage = STAGES[options.stage]
        self.device = torch.device(options.device)
        torch.manual_seed(options.seed)
        self.model = CoTracker3(COTRACKER3_PRESETS[options.preset]).to(self.device)
        _quiet_heads(self.model)
        if options.compile:
            # In place: the names of the weights stay as they are.
            self.model.fnet.compile()
            self.model.updateformer.compile()
        self.average = _copy_weights(self.model)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(),
            lr=self.stage.learning_rate,
            betas=(0.9, 0.95),
            weight_decay=options.weight_decay,
        )
        self.progress = Progress(stage=options.stage)

    def resume(self, folder: Path) -> None:
        """Go on from a checkpoint: exactly within a stage, afresh in a new stage."""
        content = load_checkpoint(folder)
        self.model.load_state_dict(content["model"])
        self.average = {
            key: value.to(self.device) for key, value in content["average"].items()
        }
        saved: Progress = content["progress"]
        if saved.stage == self.options.stage:
            self.optimiser.load_state_dict(content["optimiser"])
            self.progress = saved
        else:
            self.progress.history = saved.history

    def start_from(self, weights: dict[str, Tensor], history: History) -> None:
        """Start from finished weights, which saw that, with a fresh optimiser."""
        self.model.load_state_dict(weights)
        self.progress.history = history
        self.average = _copy_weights(self.model)

    def save(self, folder: Path) -> None:
        """Write the checkpoint."""
        if rank() == 0:
            save_checkpoint(
                folder, self.model, self.average, self.optimiser, self.progress
            )

    def run(self, limits: Limits, folder: Path, *, log_every: int = 25) -> None:
        """Train until a limit is reached; checkpoints and a log lie in ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        begin = saved_at = time.monotonic()
        window_len = self.model.config.window_len
        # Those of one step, of all processes, follow one another.
        first = self.progress.step * n_processes() + rank()
        if self.stage.unlabelled:
            lessons = self._lessons(folder)
            batches = taught_batches(lessons, window_len, first, n_processes())
        else:
            batches = stream_batches(self.options, window_len, first, n_processes())
        done, recent, now = 0, [], begin
        with (folder / "log.jsonl").open("a") as log:
            for batch in batches:
                elapsed = time.monotonic() - begin
                share = first_says(limits.share_done(done, elapsed))
                if share >= 1:
                    break
                rate = self._learning_rate(1 - share if limits.cooldown else 1.0)
                recent.append(self.step(batch.to(self.device), rate))
                done += 1
                now = time.monotonic()
                self.progress.history.seconds += now - begin - elapsed
                if done % log_every == 0:
                    self._log(log, recent, rate, now - begin)
                    recent.clear()
                if now - saved_at > 60 * self.options.save_minutes:
                    self.save(folder)
                    saved_at = now
            if recent:
                self._log(log, recent, rate, now - begin)
        self.save(folder)

    def _log(
        self, log: IO[str], rows: list[dict[str, float]], rate: float, seconds: float
    ) -> None:
        """Write the mean of some steps as one line; of this process's own clips."""
        if rank() > 0:
            return
        place = {"step": self.progress.step, "rate": rate, "seconds": round(seconds)}
        log.write(json.dumps(_mean(rows) | place) + "\n")
        log.flush()

    def _lessons(self, folder: Path) -> Lessons:
        """Learn from what the averaged weights said when the stage began."""
        if self.options.unlabelled is None:
            raise InputError(
                "Stage 'self' learns from recordings; name their folder with "
                "--unlabelled."
            )
        recordings = Recordings(find_recordings(self.options.unlabelled))
        teacher = self._teacher(folder / TEACHER)
        return Lessons(self.options, teacher, recordings, folder / LESSONS_FOLDER)

    def _teacher(self, path: Path) -> CoTracker3:
        """Take the averaged weights of when the stage began; calibrate them."""
        teacher = CoTracker3(COTRACKER3_PRESETS[self.options.preset])
        fresh = self.progress.step == 0 or not path.is_file()
        if fresh and rank() == 0:
            teacher.load_state_dict(self.average)
            fit = calibrate(teacher, CALIBRATION_CLIPS)
            torch.save({"weights": self.average, "confidence_fit": fit}, path)
        wait_for_all()
        kept = torch.load(path, "cpu", weights_only=True)
        teacher.load_state_dict(kept["weights"])
        teacher.confidence_fit = kept["confidence_fit"]
        return teacher.to(self.device).eval().requires_grad_(False)

    def step(self, batch: Batch, rate: float) -> dict[str, float]:
        """One optimiser step; returns numbers for the log."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with fast_arithmetic(self.device):
            if self.stage.objective == "matching":
                loss, numbers = matching_loss(self.model, batch)
            else:
                loss, numbers = tracking_loss(self.model, batch, self.stage.iterations)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self.model.parameters())
        norm = torch.nn.utils.clip_grad_norm_(
            self.model.parameters(), self.options.clip_norm
        )
        # One broken batch must not poison hours of training.
        if torch.isfinite(norm):
            self.optimiser.step()
        self._advance(len(batch.video))
        return numbers | {"norm": float(norm)}

    def _advance(self, clips: int) -> None:
        self.progress.step += 1
        history = self.progress.history
        history.clips += clips * n_processes()
        stage = self.options.stage
        history.steps[stage] = history.steps.get(stage, 0) + 1
        step = self.progress.step
        # The average starts short, so that early weights are forgotten.
        keep = min(self.options.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for key, value in self.model.state_dict().items():
                if value.is_floating_point():
                    self.average[key].lerp_(value, 1 - keep)

    def _learning_rate(self, share: float) -> float:
        warm = min(1.0, (self.progress.step + 1) / self.options.warmup_steps)
        # Adam's noise falls with the square root of what a gradient is the mean of.
        return self.stage.learning_rate * warm * share * math.sqrt(n_processes())


@contextmanager
def fast_arithmetic(device: torch.device) -> Iterator[None]:
    """bf16 where the hardware gains from it; plain attention on the CPU.

    The fused CPU attention has a slow backward pass for windows as short as ours.
    """
    fast = gains_from_bf16(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=fast):
        if device.type == "cpu":
            with sdpa_kernel(SDPBackend.MATH):
                yield
        else:
            yield


def _quiet_heads(model: CoTracker3) -> None:
    # As published: the first predictions hardly move the points.
    former = model.updateformer
    for head in (former.flow_head, former.vis_conf_head):
        if head is None:
            continue
        torch.nn.init.normal_(head.weight, std=0.001)
        torch.nn.init.zeros_(head.bias)


def _copy_weights(model: torch.nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    """Average every key over the rows that have it."""
    columns: dict[str, list[float]] = {}
    for row in rows:
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return {key: round(sum(all_) / len(all_), 5) for key, all_ in columns.items()}
