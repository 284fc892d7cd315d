"""Let torch compile the parts of a network that take the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch._dynamo.config
import torch._inductor.config

from napari_cotracker.model.cotracker1 import FusedBlock
from napari_cotracker.model.cotracker3 import CorrelationMLP
from napari_cotracker.model.encoder import FrameEncoder
from napari_cotracker.model.transformer import CrossBlock, SelfBlock

if TYPE_CHECKING:
    from napari_cotracker.model.build import Network

# On a processor the transformer is compiled block by block: it works on its tokens in
# parts, and a whole one would be compiled again for every number of points.
BLOCKS = (FrameEncoder, CorrelationMLP, SelfBlock, CrossBlock, FusedBlock)

MOST_PROGRAMS = 128


def compile_network(network: Network) -> None:
    """Compile a network that is not trained any more, on the device where it is.

    Its first calls take a minute or more then, and each new size of the picture some
    seconds; see :func:`obstacle_to_compiling`.
    """
    device = next(network.parameters()).device
    if device.type == "cuda":
        network.fnet.compile()
        # Hundreds of small kernels: launched as one CUDA graph. Its output lies in
        # memory that the next call overwrites; it is consumed before.
        network.updateformer.compile(mode="reduce-overhead")
        return
    # Weights become constants, laid out once as matrix products want them. Without
    # this, half of the gain is lost. The flag is read when a block first runs.
    torch._inductor.config.freezing = device.type == "cpu"
    # Every block has constants, and so programs, of its own, and torch counts those of
    # all blocks together before it gives up and runs them uncompiled.
    torch._dynamo.config.recompile_limit = MOST_PROGRAMS
    for block in network.modules():
        if isinstance(block, BLOCKS):
            block.compile()


def obstacle_to_compiling(device: torch.device) -> str | None:
    """Say in one sentence what keeps torch from compiling here; None = nothing."""
    try:
        with torch.inference_mode():
            torch.compile(_probe)(torch.zeros(64, device=device))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        return (
            "The network runs without being compiled, because torch needs a C++ "
            f"compiler and Python's headers and did not find them ({reason}); install "
            "them (Debian: apt install g++ python3-dev) or leave compiling out."
        )
    return None


def _probe(x: torch.Tensor) -> torch.Tensor:
    return x.sin() + x.cos()
