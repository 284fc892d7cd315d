"""From a configuration to a network."""

from __future__ import annotations

from napari_cotracker.model.config import CoTracker3Config, NetworkConfig
from napari_cotracker.model.cotracker1 import CoTracker1
from napari_cotracker.model.cotracker2 import CoTracker2
from napari_cotracker.model.cotracker3 import CoTracker3

Network = CoTracker2 | CoTracker3


def build_network(config: NetworkConfig) -> Network:
    """Build an untrained network of any generation."""
    if isinstance(config, CoTracker3Config):
        return CoTracker3(config)
    return CoTracker1(config) if config.generation == 1 else CoTracker2(config)
