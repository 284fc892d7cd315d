"""How things are named and counted in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def listed(ids: Sequence[int], most: int = 8) -> str:
    """List identities for a message, at most so many of them."""
    shown = ", ".join(map(str, ids[:most]))
    return f"{shown}, ..." if len(ids) > most else shown or "none"


def counted(number: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
