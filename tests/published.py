"""Networks of the published sizes with the weights of the golden numbers.

Filling them takes seconds, so that a process does it once for all tests.
"""

from functools import cache

from recipe import fill_state_dict, weights_digest

from napari_cotracker.model.build import Network, build_network
from napari_cotracker.model.config import PRESETS


@cache
def published_network(architecture: str) -> Network:
    network = build_network(PRESETS[architecture]).eval()
    network.load_state_dict(fill_state_dict(network.state_dict()))
    return network


@cache
def published_digest(architecture: str) -> str:
    return weights_digest(published_network(architecture).state_dict())
