"""What Ctrl-C and SIGTERM do, besides ending the process."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Handler = Callable[[int, Any], Any]
    AtOnce = Callable[[], AbstractContextManager[None]]


@contextmanager
def termination_as_ctrl_c() -> Iterator[None]:
    """Stop at SIGTERM, with which schedulers end jobs, as at Ctrl-C."""
    with _handled(signal.default_int_handler, signal.SIGTERM):
        yield


@contextmanager
def finishing_first(tell: Callable[[str], object]) -> Iterator[AtOnce]:
    """Let the first Ctrl-C or SIGTERM wait until the block is done.

    Parameters
    ----------
    tell : callable
        Is given a sentence when one waits.

    Yields
    ------
    at_once : callable
        Gives a block, within this one, that is ended at once; also by one that waits.

    Raises
    ------
    KeyboardInterrupt
        After the block if one came, or within it at the second.
    """
    waiting: list[int] = []
    ends_now = False

    def stop(number: int, frame: Any) -> None:
        nonlocal ends_now
        if ends_now or waiting:
            ends_now = False  # what handles it may be ended by the next one only
            raise KeyboardInterrupt
        waiting.append(number)
        tell("Stopping when the tracks are saved; once more gives them up.")

    @contextmanager
    def at_once() -> Iterator[None]:
        nonlocal ends_now
        if waiting:
            waiting.clear()
            raise KeyboardInterrupt
        ends_now = True
        try:
            yield
        finally:
            ends_now = False

    with _handled(stop, signal.SIGINT, signal.SIGTERM):
        yield at_once
    if waiting:
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
