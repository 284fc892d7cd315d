"""The efforts of all clips in one table, family by family."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_cotracker.evaluation.interventions.annotator import FLOW_METHODS, OURS
from napari_cotracker.evaluation.tables import markdown_table

if TYPE_CHECKING:
    from napari_cotracker.evaluation.interventions.annotator import Effort

# Beginning of a clip's name -> family; other clips are named by what stands before
# the first underscore.
FAMILIES = {
    "us": "ultrasound",
    "sleap": "flies",
    "tp": "beads",
    "dreem": "cells",
}
ALL = "all"


def family_of(clip: str) -> str:
    """Kind of recording, told from the clip's name."""
    begin = clip.split("_")[0]
    return FAMILIES.get(begin, begin)


def summarise(efforts: list[Effort]) -> dict[str, dict[str, dict[str, float]]]:
    """Clicks per 100 labels and seconds of waiting by family and method.

    Returns
    -------
    dict
        ``[family][method]`` with ``first_per_100``, ``clicks_per_100`` and ``seconds``;
        a family called ``all`` is every family weighing the same.
    """
    families: dict[str, dict[str, dict[str, float]]] = {}
    for family in sorted({family_of(effort.clip) for effort in efforts}):
        mine = [effort for effort in efforts if family_of(effort.clip) == family]
        families[family] = {
            method: _summary([e for e in mine if e.method == method])
            for method in dict.fromkeys(effort.method for effort in mine)
        }
    kinds = list(families.values())
    families[ALL] = {
        method: {
            **{
                key: sum(kind[method][key] for kind in kinds) / len(kinds)
                for key in ("first_per_100", "clicks_per_100")
            },
            "seconds": sum(kind[method]["seconds"] for kind in kinds),
        }
        for method in kinds[0]
    }
    return families


def _summary(efforts: list[Effort]) -> dict[str, float]:
    labels = sum(effort.labels for effort in efforts)
    return {
        "first_per_100": 100 * sum(effort.first for effort in efforts) / labels,
        "clicks_per_100": 100 * sum(effort.clicks for effort in efforts) / labels,
        "seconds": sum(effort.seconds for effort in efforts),
    }


def ratio_to_flow(methods: dict[str, dict[str, float]]) -> float | None:
    """Our clicks per click of the best flow; None without flow."""
    flow = [methods[m]["clicks_per_100"] for m in FLOW_METHODS if m in methods]
    return methods[OURS]["clicks_per_100"] / min(flow) if flow else None


def report(efforts: list[Effort]) -> tuple[dict[str, Any], list[str]]:
    """Return everything as plain values, and as lines for a person."""
    families = summarise(efforts)
    methods = list(families[ALL])
    rows = []
    for family, numbers in families.items():
        ratio = ratio_to_flow(numbers)
        rows.append(
            [
                family,
                f"{numbers[OURS]['first_per_100']:.1f}",
                *(f"{numbers[method]['clicks_per_100']:.1f}" for method in methods),
                "" if ratio is None else f"{ratio:.2f}",
                f"{numbers[OURS]['seconds']:.1f}",
            ]
        )
    header = ["clicks per 100 labels", "first of each track", *methods]
    header += ["ours / best flow", "our seconds"]
    plain = {
        "families": families,
        "ratio_to_best_flow": {k: ratio_to_flow(v) for k, v in families.items()},
        "clips": [asdict(effort) for effort in efforts],
    }
    return plain, markdown_table(header, rows)
