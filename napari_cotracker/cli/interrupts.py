"""What Ctrl-C and SIGTERM do, besides ending the process."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Handler = Callable[[int, Any], Any]


@contextmanager
def termination_as_ctrl_c() -> Iterator[None]:
    """Stop at SIGTERM, with which schedulers end jobs, as at Ctrl-C."""
    with _handled(signal.default_int_handler, signal.SIGTERM):
        yield


@contextmanager
def finishing_first(tell: Callable[[str], object]) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM wait until the block is done.

    Parameters
    ----------
    tell : callable
        Is given a sentence when one waits.

    Raises
    ------
    KeyboardInterrupt
        After the block if one came, or within it at the second.
    """
    came: list[int] = []

    def wait(number: int, frame: Any) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        tell("Stopping when the tracks are saved; once more gives them up.")

    with _handled(wait, signal.SIGINT, signal.SIGTERM):
        yield
    if came:
        raise KeyboardInterrupt


@contextmanager
def _handled(handler: Handler, *signals: signal.Signals) -> Iterator[None]:
    # Only the main thread may, and what the caller wants ignored (nohup) stays so.
    free = threading.current_thread() is threading.main_thread()
    before = {
        number: signal.signal(number, handler)
        for number in signals
        if free and signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
