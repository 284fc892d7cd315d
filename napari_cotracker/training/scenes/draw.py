"""The seeded source of every random decision of one clip."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

T = TypeVar("T")


class Draw:
    """Draw numbers without touching torch's global state.

    Decisions come from a CPU generator, so that a seed gives the same scene on
    every device; only large noise fields are drawn on the device itself.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        self._decisions = torch.Generator().manual_seed(seed)
        self._fields = torch.Generator(device).manual_seed(seed)

    def uniform(self, low: float, high: float) -> float:
        """Draw one number between ``low`` and ``high``."""
        return low + (high - low) * float(torch.rand((), generator=self._decisions))

    def log_uniform(self, low: float, high: float) -> float:
        """Draw one number whose logarithm is uniform."""
        return math.exp(self.uniform(math.log(low), math.log(high)))

    def integer(self, low: int, high: int) -> int:
        """Draw a whole number from ``low`` to ``high``, both included."""
        return int(torch.randint(low, high + 1, (), generator=self._decisions))

    def chance(self, probability: float) -> bool:
        """Decide yes with the given probability."""
        return self.uniform(0, 1) < probability

    def choice(self, items: Sequence[T]) -> T:
        """Pick one item, all equally likely."""
        return items[self.integer(0, len(items) - 1)]

    def rand(self, *shape: int) -> Tensor:
        """Draw uniform 0..1 float32 on the device, from the decision stream."""
        return torch.rand(shape, generator=self._decisions).to(self.device)

    def randn(self, *shape: int) -> Tensor:
        """Draw normal float32 on the device, from the decision stream."""
        return torch.randn(shape, generator=self._decisions).to(self.device)

    def noise(self, *shape: int) -> Tensor:
        """Draw a large field of normal float32 on the device."""
        return torch.randn(shape, generator=self._fields, device=self.device)

    def sparse(self, weights: Tensor, count: int) -> Tensor:
        """Draw ``count`` indices with chances proportional to ``weights`` (n,)."""
        return torch.multinomial(
            weights.cpu(), count, replacement=True, generator=self._decisions
        ).to(self.device)
