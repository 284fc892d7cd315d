"""Who wants to know what becomes of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.widgets.session.session import Session


@dataclass(frozen=True)
class Listeners:
    """Who wants to know what becomes of a session.

    Parameters
    ----------
    edited : (session, sentence) -> None
        A person has changed the annotations, or tried to.
    failed : (error) -> None
        It could not be done; nothing was changed.
    warned : (sentence) -> None
        It was done, but is not kept on disk any more.
    """

    edited: Callable[[Session, str], None]
    failed: Callable[[Exception], None]
    warned: Callable[[str], None] = lambda text: None
