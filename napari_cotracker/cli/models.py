"""``napari-cotracker models [list | info M | download M]``: which networks exist."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import InputError
from napari_cotracker.weights import download_weights, find_model, list_models

if TYPE_CHECKING:
    import argparse

    from napari_cotracker.cli.console import Console, ProgressBar
    from napari_cotracker.weights import ModelRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", "info", "download"),
        default="list",
        help="'list' (the default), 'info' or 'download'",
    )
    parser.add_argument(
        "model", nargs="?", help="the model that 'info' or 'download' is about"
    )
    parser.add_argument(
        "--accept-licence",
        action="store_true",
        help="accept CC-BY-NC 4.0, the licence of the published checkpoints "
        "(no commercial use); 'download' needs it",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Print all models, or everything about one, which may be downloaded first."""
    if args.what == "list":
        if args.model is not None:
            raise InputError(
                "'models list' lists all of them; write 'napari-cotracker models info "
                f"{args.model}' for one."
            )
        records = list_models()
        console.report([as_dict(record) for record in records], _table(records))
        return 0
    if args.model is None:
        raise InputError(
            f"Which model? Write 'napari-cotracker models {args.what} NAME'."
        )
    if args.what == "download":
        _download(args.model, args.accept_licence, console)
    record = find_model(args.model)
    console.report(as_dict(record), _details(record))
    return 0


def _download(name: str, accept_licence: bool, console: Console) -> None:
    with ExitStack() as opened:
        bars: list[ProgressBar] = []

        def show(done: int, total: int) -> None:
            # Not sooner, so that a refusal or a file that is here shows no bar.
            if not bars:
                bars.append(opened.enter_context(console.progress(name, unit="B")))
                bars[0].bar.unit_scale = True
                bars[0].bar.initial = bars[0].bar.n = done
            bars[0].show(done, total)

        download_weights(name, accept_licence=accept_licence, on_progress=show)


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
    wide = 2 + max(map(len, metrics), default=0)
    return [*lines, *(f"  {key:<{wide}}{value:g}" for key, value in metrics.items())]
