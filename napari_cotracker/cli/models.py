"""``napari-cotracker models [list | info M]``: which networks exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_cotracker.weights import find_model, list_models

if TYPE_CHECKING:
    import argparse

    from napari_cotracker.cli.console import Console
    from napari_cotracker.weights import ModelRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", "info"),
        default="list",
        help="'list' (the default) or 'info'",
    )
    parser.add_argument("model", nargs="?", help="the model that 'info' is about")


def run(args: argparse.Namespace, console: Console) -> int:
    """Print all models, or everything about one."""
    if args.what == "list":
        records = list_models()
        console.report([as_dict(record) for record in records], _table(records))
    else:
        if args.model is None:
            from napari_cotracker.errors import InputError

            raise InputError("Which model? Write 'napari-cotracker models info NAME'.")
        record = find_model(args.model)
        console.report(as_dict(record), _details(record))
    return 0


def as_dict(record: ModelRecord) -> dict[str, Any]:
    """Return a record as plain values."""
    return {
        "name": record.name,
        "parameters": record.parameters,
        "licence": record.licence,
        "origin": record.origin,
        "sha256": record.sha256,
        "size": record.size,
        "where": None if record.where is None else str(record.where),
        "metrics": dict(record.metrics),
        "description": record.description,
    }


def _table(records: tuple[ModelRecord, ...]) -> list[str]:
    width = max(len(record.name) for record in records)
    head = f"{'model':<{width}}  parameters  licence       here"
    rows = [
        f"{r.name:<{width}}  {r.parameters / 1e6:8.1f} M  {r.licence:<12}  "
        f"{'yes' if r.is_here else 'no'}"
        for r in records
    ]
    return [head, *rows]


def _details(record: ModelRecord) -> list[str]:
    values = {**as_dict(record), "parameters": f"{record.parameters:,}"}
    metrics = values.pop("metrics")
    lines = [f"{key:<12}{'-' if v is None else v}" for key, v in values.items()]
    return [*lines, *(f"  {key:<24}{value:g}" for key, value in metrics.items())]
