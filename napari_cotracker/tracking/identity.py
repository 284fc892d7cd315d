"""Which network and which recording this is, told from their content."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

if TYPE_CHECKING:
    from napari_cotracker.model.interface import WindowTracker
    from napari_cotracker.video import FrameSource

_RECORDINGS: WeakKeyDictionary[FrameSource, bytes] = WeakKeyDictionary()


def place_of_network(tracker: WindowTracker) -> torch.device:
    """Device that a network's weights lie on."""
    network = bare_network(tracker)
    if isinstance(network, torch.nn.Module):
        for tensor in (*network.parameters(), *network.buffers()):
            return tensor.device
    return torch.device("cpu")


def bare_network(tracker: WindowTracker) -> Any:
    """Look below the adapter of networks that only predict."""
    return getattr(tracker, "model", tracker)


def own_or(tracker: WindowTracker, name: str, usual: int) -> int:
    """Return what a network's configuration says, or what is usual."""
    return int(getattr(getattr(bare_network(tracker), "config", None), name, usual))


def confidence_fit_of(tracker: WindowTracker) -> tuple[float, float]:
    """(scale, shift) of confidence logits, where a network has them."""
    fit: tuple[float, float] = getattr(
        bare_network(tracker), "confidence_fit", (1.0, 0.0)
    )
    return fit


def digest_of_network(tracker: WindowTracker) -> bytes:
    """Digest of weights and arithmetic; of the type, where there are no weights."""
    network = bare_network(tracker)
    digest = hashlib.blake2b(type(network).__qualname__.encode(), digest_size=16)
    digest.update(repr((tracker.window_len, tracker.window_step)).encode())
    if isinstance(network, torch.nn.Module):
        digest.update(str(getattr(network, "arithmetic", "")).encode())
        digest.update(repr(getattr(network, "config", "")).encode())
        digest.update(repr(confidence_fit_of(tracker)).encode())
        for name, tensor in network.state_dict().items():
            digest.update(name.encode())
            flat = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
            digest.update(flat.numpy().data)
    return digest.digest()


def digest_of_recording(source: FrameSource) -> bytes:
    """Digest of shape, description and three frames; made once per open recording."""
    known = _RECORDINGS.get(source)
    if known is None:
        digest = hashlib.blake2b(source.describe().encode(), digest_size=16)
        for frame in sorted({0, len(source) // 2, len(source) - 1}):
            digest.update(source.read(frame, frame + 1).data)
        known = _RECORDINGS[source] = digest.digest()
    return known
