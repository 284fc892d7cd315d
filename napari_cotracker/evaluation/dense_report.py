"""Splits of generated scenes in one report: means, baselines, calibration."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_cotracker.evaluation.dense import (
    DenseAnswer,
    DenseScore,
    DenseTruth,
    flow,
    mean_score,
    score,
    stay,
    targets,
)
from napari_cotracker.evaluation.tables import markdown_table
from napari_cotracker.tracks.accuracy import calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_cotracker.tracks.accuracy import ConfidenceBin

KEYS = ("delta_avg", "average_jaccard", "occlusion_accuracy")
TITLES = ("delta", "AJ", "OA")


@dataclass(frozen=True)
class SplitScore:
    """A split's mean scores: the tracker's, and what a user has anyway."""

    split: str
    clips: int
    model: DenseScore
    still: DenseScore
    lucas_kanade: DenseScore | None


class DenseReport:
    """Scores of several splits and the calibration over all of them."""

    def __init__(self) -> None:
        self.splits: list[SplitScore] = []
        self._confidence: list[npt.NDArray[np.float32]] = []
        self._errors: list[npt.NDArray[np.float64]] = []

    def add(
        self,
        split: str,
        truths: Iterable[DenseTruth],
        follow: Callable[[DenseTruth], DenseAnswer],
        *,
        baselines: bool = True,
    ) -> SplitScore:
        """Score a split's clips; Lucas-Kanade is left out without ``baselines``."""
        model, still, moved = [], [], []
        for truth in truths:
            answer = follow(truth)
            model.append(score(truth, answer))
            still.append(score(truth, stay(truth)))
            if baselines:
                moved.append(score(truth, flow(truth)))
            errors, seen, _, confidence = targets(truth, answer)
            self._confidence.append(confidence[seen])
            self._errors.append(errors[seen])
        flown = mean_score(moved) if moved else None
        row = SplitScore(split, len(model), mean_score(model), mean_score(still), flown)
        self.splits.append(row)
        return row

    def overall(self) -> SplitScore:
        """Mean over the splits, each weighing the same."""
        flown = [row.lucas_kanade for row in self.splits if row.lucas_kanade]
        return SplitScore(
            "overall",
            sum(row.clips for row in self.splits),
            mean_score([row.model for row in self.splits]),
            mean_score([row.still for row in self.splits]),
            mean_score(flown) if flown else None,
        )

    def calibration(self) -> list[ConfidenceBin]:
        """Compare confidence and truth, over all visible targets of all clips."""
        return calibration(
            np.concatenate(self._confidence), np.concatenate(self._errors)
        )

    def as_dict(self) -> dict[str, object]:
        """Everything, for JSON."""
        return {
            "splits": {
                row.split: asdict(row) for row in [*self.splits, self.overall()]
            },
            "calibration": [asdict(row) for row in self.calibration()],
        }

    def summary(self) -> dict[str, dict[str, float]]:
        """Return what a model card keeps: split -> the model's scores and baselines."""
        table = {}
        for row in [*self.splits, self.overall()]:
            values = asdict(row.model) | {"still_delta_avg": row.still.delta_avg}
            if row.lucas_kanade:
                values["lucas_kanade_delta_avg"] = row.lucas_kanade.delta_avg
            table[row.split] = {key: round(value, 4) for key, value in values.items()}
        return table

    def lines(self) -> list[str]:
        """Two Markdown tables: scores, and what confidence is worth."""
        head = ["split", "clips"]
        for title in TITLES:
            head += [title, "still", "LK"]
        head += ["confident", "of these < 8 px"]
        rows = [_cells(row) for row in [*self.splits, self.overall()]]
        said = [
            [
                f"{one.low:.1f} to {one.high:.1f}",
                str(one.count),
                f"{one.confidence:.3f}",
                f"{one.right:.3f}",
            ]
            for one in self.calibration()
        ]
        second = ["confidence", "targets", "mean", "within 8 px"]
        return [*markdown_table(head, rows), "", *markdown_table(second, said)]


def _cells(row: SplitScore) -> list[str]:
    cells = [row.split, str(row.clips)]
    for key in KEYS:
        for one in (row.model, row.still, row.lucas_kanade):
            cells.append(f"{getattr(one, key):.3f}" if one else "-")
    return [*cells, f"{row.model.confident:.3f}", f"{row.model.confident_right:.3f}"]
