"""What is known about one checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class ModelRecord:
    """One checkpoint that can be asked for by name.

    Parameters
    ----------
    name : str
    parameters : int
        Number of trained values.
    licence : str
        SPDX identifier of the weights (not of our code).
    origin : str
        Address, or how the weights were made.
    sha256 : str or None
        Digest of the file; None while no digest has been pinned.
    size : int or None
        Bytes of the file; None where it is not here.
    where : Path or None
        The file; None = not on this machine.
    metrics : mapping of str to float
        Measured quality; empty where nobody of us has measured.
    description : str
        One sentence for a person who chooses.
    """

    name: str
    parameters: int
    licence: str
    origin: str
    sha256: str | None = None
    size: int | None = None
    where: Path | None = None
    metrics: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    description: str = ""

    @property
    def is_here(self) -> bool:
        """Whether the model can be used at once."""
        return self.where is not None
