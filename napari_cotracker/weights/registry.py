"""The models that can be asked for by name, and the file behind each."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

from napari_cotracker.errors import ModelError
from napari_cotracker.weights.downloaded import digest_of_file, located, read_pin
from napari_cotracker.weights.published import PUBLISHED
from napari_cotracker.weights.record import ModelRecord

BUNDLED_FOLDER = Path(__file__).parent
CARD_KEYS = ("name", "parameters", "licence", "data", "steps", "metrics", "sha256")


def list_models() -> tuple[ModelRecord, ...]:
    """Return every known checkpoint, the bundled ones first.

    Raises
    ------
    ModelError
        A bundled card is damaged.
    """
    cards = sorted(BUNDLED_FOLDER.glob("*.json"))
    return (*(read_card(card) for card in cards), *map(located, PUBLISHED))


def is_published(name: str) -> bool:
    """Whether a model is one that the authors of CoTracker published."""
    return any(record.name == name for record in PUBLISHED)


def read_card(path: Path) -> ModelRecord:
    """Read the card of a checkpoint that lies beside it as ``.safetensors``.

    Parameters
    ----------
    path : Path
        JSON with at least the keys in ``CARD_KEYS``.

    Raises
    ------
    ModelError
        The card cannot be read or lacks a key.
    """
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in CARD_KEYS if key not in card]
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"The card {path} of a bundled model cannot be read ({error}); "
            "reinstall napari-cotracker."
        ) from error
    if missing:
        raise ModelError(
            f"The card {path} lacks {', '.join(missing)}; reinstall napari-cotracker."
        )
    file = path.with_suffix(".safetensors")
    here = file.is_file()
    return ModelRecord(
        name=str(card["name"]),
        parameters=int(card["parameters"]),
        licence=str(card["licence"]),
        origin=f"trained by this project, {_steps(card['steps'])}; {card['data']}",
        sha256=str(card["sha256"]),
        size=file.stat().st_size if here else None,
        where=file if here else None,
        metrics=MappingProxyType(_numbers(card["metrics"])),
        description=str(card.get("description", "Bundled; small enough for a laptop.")),
    )


def find_model(name: str) -> ModelRecord:
    """Return the record of a model.

    Raises
    ------
    ModelError
        The name is unknown; the message lists close names and all known ones.
    """
    records = {record.name: record for record in list_models()}
    if name in records:
        return records[name]
    close = difflib.get_close_matches(name, records, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    raise ModelError(
        f"There is no model named {name!r}. {hint}Known models: "
        f"{', '.join(records)}; the path of a checkpoint works too."
    )


def find_weights(name: str) -> Path:
    """Return the checkpoint file of a model by name, its digest checked.

    Raises
    ------
    ModelError
        Unknown name, a model that is not on this machine, or a damaged file.
    """
    record = find_model(name)
    if record.where is None:
        raise ModelError(_absence(record))
    expected = record.sha256
    if is_published(name):
        pin = read_pin(record.where)
        expected = None if pin is None else pin.sha256
    digest = digest_of_file(record.where)
    if expected is not None and digest != expected:
        raise ModelError(
            f"The weights of {name!r} at {record.where} are damaged: sha256 is "
            f"{digest[:12]}..., expected {expected[:12]}...; {_remedy(name)}."
        )
    return record.where


def _remedy(name: str) -> str:
    if is_published(name):
        return f"run 'napari-cotracker models download {name} --accept-licence'"
    return "reinstall napari-cotracker"


def _absence(record: ModelRecord) -> str:
    if is_published(record.name):
        return (
            f"Model {record.name!r} is not on this machine ({record.licence}, from "
            f"{record.origin}): {_remedy(record.name)}, or give the path of a "
            "checkpoint that you have."
        )
    return (
        f"The weights of {record.name!r} are missing from this installation; "
        f"{_remedy(record.name)}."
    )


def _steps(steps: int | dict[str, int]) -> str:
    if isinstance(steps, dict):
        return " + ".join(f"{count:,} steps '{name}'" for name, count in steps.items())
    return f"{steps:,} steps"


def _numbers(metrics: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Flatten nested metrics to ``a.b`` keys; text and lists stay in the card."""
    flat: dict[str, float] = {}
    for key, value in metrics.items():
        if isinstance(value, dict):
            flat |= _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[f"{prefix}{key}"] = float(value)
    return flat
