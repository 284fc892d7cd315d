"""Several processes train one network: each has its own clips, all the same weights.

Small tensors hardly keep a second core busy, so on a CPU two processes of one thread
see nearly twice the clips of one process of two threads; several GPUs work the same
way. Outside of :func:`run_processes` there is one process, and nothing here acts.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from torch import nn

_HERE = "127.0.0.1"


def run_processes(count: int, work: Callable[..., None], *args: Any) -> None:
    """Call ``work(*args)`` in ``count`` processes of one group; wait for all.

    Raises
    ------
    torch.multiprocessing.ProcessRaisedException
        One of them failed; the others are stopped.
    """
    spawn(_join, (count, _free_port(), work, args), nprocs=count)


def _join(
    rank: int, count: int, port: int, work: Callable[..., None], args: Any
) -> None:
    backend = "nccl" if torch.cuda.device_count() >= count else "gloo"
    if backend == "nccl":
        torch.cuda.set_device(rank)
    dist.init_process_group(
        backend, init_method=f"tcp://{_HERE}:{port}", rank=rank, world_size=count
    )
    try:
        work(*args)
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Return which process this is; 0 writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def n_processes() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Give every process the mean of all gradients, so that all steps are equal."""
    if n_processes() == 1:
        return
    trained = list(parameters)
    for parameter in trained:
        # A head that one process's clips say nothing about.
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [p.grad for p in trained if p.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(together)
    together /= n_processes()
    parts = together.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def first_says(value: float) -> float:
    """Return what process 0 passes: clocks differ, decisions must not."""
    if n_processes() == 1:
        return value
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    told = torch.tensor(value, dtype=torch.float64, device=device)
    dist.broadcast(told, 0)
    return float(told)


def wait_for_all() -> None:
    """Go on when every process has come this far."""
    if n_processes() > 1:
        dist.barrier()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        port: int = probe.getsockname()[1]
    return port
