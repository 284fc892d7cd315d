"""What the dock calls to track; tests put another engine in its place."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_cotracker.errors import TrackingError
from napari_cotracker.tracking import FinishedWindow
from napari_cotracker.weights import digest_of, download_weights, list_models
from napari_cotracker.weights.registry import is_published

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from napari_cotracker.tracking import Progress
    from napari_cotracker.tracks import Tracks
    from napari_cotracker.weights import ModelRecord

    Steps = Generator[Progress, None, object]

# Offered without asking torch, which would cost seconds when the dock opens.
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Engine:
    """The headless functions behind the dock.

    Parameters
    ----------
    model_names : () -> list of str
        Names for the model row; must not import torch.
    load_model : (name, device) -> model
        Called in the worker.
    track_iter : (video, queries, *, model, options, ...) -> generator of Progress
        Called in the worker; closing the generator cancels.
    retrack_iter : (video, queries, tracks, spans, *, model, ...) -> the same
        Renew parts of a result.
    read_window : (bytes) -> FinishedWindow
        Read what a project file kept of an interrupted run.
    make_features : () -> FeatureStore
        Called in the worker; what is encoded once serves all runs of a dock.
    weights_of : (name) -> str
        SHA-256 of the weights of a model, empty if they are not here.
    missing_model : (name) -> ModelRecord or None
        The record of a published model that must be downloaded first.
    download : (name, on_progress) -> None
        Called in a worker, once the licence was accepted.
    save_tracks : (tracks, path) -> tuple of str
        Write by suffix, replacing the file; tells what the format cannot hold.
    """

    model_names: Callable[[], list[str]]
    load_model: Callable[[str, str], Any]
    track_iter: Callable[..., Steps]
    retrack_iter: Callable[..., Steps]
    read_window: Callable[[bytes], Any]
    make_features: Callable[[], Any]
    weights_of: Callable[[str], str]
    missing_model: Callable[[str], ModelRecord | None]
    download: Callable[[str, Callable[[int, int], None]], None]
    save_tracks: Callable[[Tracks, Path], tuple[str, ...]]


def default_engine() -> Engine:
    """Return the package's own engine; torch is imported only by the worker."""
    return Engine(
        _model_names,
        _load_model,
        _track_iter,
        _retrack_iter,
        FinishedWindow.from_bytes,
        _make_features,
        digest_of,
        _missing_model,
        _download,
        _save_tracks,
    )


def adapt(steps: Steps) -> Steps:
    """Convert ``RuntimeError`` (torch raises it), which napari's workers swallow.

    Raises
    ------
    TrackingError
        In place of a ``RuntimeError``.
    """
    with closing(steps):
        try:
            return (yield from steps)
        except RuntimeError as error:
            raise TrackingError(f"Tracking failed: {error}") from error


def _model_names() -> list[str]:

    return [record.name for record in list_models()]


def _load_model(name: str, device: str) -> Any:
    from napari_cotracker.tracking.models import load_model

    return load_model(name, device=device)


def _track_iter(video: Any, queries: Any, **kwargs: Any) -> Steps:
    from napari_cotracker.tracking import track_iter

    return track_iter(video, queries, **kwargs)


def _retrack_iter(
    video: Any, queries: Any, tracks: Any, spans: Any, **kw: Any
) -> Steps:
    from napari_cotracker.tracking import retrack_iter

    return retrack_iter(video, queries, tracks, spans, **kw)


def _make_features() -> Any:
    from napari_cotracker.tracking import FeatureStore

    return FeatureStore()


def _missing_model(name: str) -> ModelRecord | None:
    found = (record for record in list_models() if record.name == name)
    return next((r for r in found if is_published(r.name) and not r.is_here), None)


def _download(name: str, on_progress: Callable[[int, int], None]) -> None:
    download_weights(name, accept_licence=True, on_progress=on_progress)


def _save_tracks(tracks: Tracks, path: Path) -> tuple[str, ...]:
    from napari_cotracker.io import save_tracks

    # Whoever gives the path has asked before: the dialog, or the dock itself.
    return save_tracks(tracks, path, overwrite=True)
