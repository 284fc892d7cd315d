"""What the command line prints, and where."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class Console:
    """Results go to stdout; progress, warnings and errors to stderr.

    Parameters
    ----------
    quiet : bool
        Print nothing but errors.
    json : bool
        Print one JSON object in place of text.
    """

    quiet: bool = False
    json: bool = False

    def say(self, text: str) -> None:
        """Print a line for a person."""
        if not (self.quiet or self.json):
            print(text, flush=True)

    def report(
        self, result: Mapping[str, Any] | list[Any], lines: Iterable[str]
    ) -> None:
        """Print the result: as JSON for a script, as lines for a person."""
        if self.json:
            print(json.dumps(_finite(result), indent=1, default=str), flush=True)
        else:
            for line in lines:
                self.say(line)

    def report_run(self, result: Mapping[str, Any]) -> None:
        """Print what a run did, one ``name  value`` line each.

        ``shown``, the description of the recording, was said before the run.
        """
        lines = []
        for key, value in result.items():
            if key == "shown":
                continue
            if isinstance(value, dict):
                lines += [f"{name:<28}{inner}" for name, inner in value.items()]
            else:
                lines.append(f"{key.replace('_', ' '):<28}{value}")
        self.report(result, lines)

    def warn(self, text: str) -> None:
        """Print one line on stderr that does not stop the work."""
        if not self.quiet:
            self.complain(f"warning: {text}")

    def complain(self, text: str) -> None:
        """Print one line on stderr, whatever the message looked like."""
        line = " ".join(text.split())
        _tell(f"napari-cotracker: {line}\n")

    @contextmanager
    def progress(self, what: str, unit: str = "window") -> Iterator[ProgressBar]:
        """Open a progress bar; it stays silent with ``quiet`` or ``json``."""
        from tqdm import tqdm

        watched = sys.stderr.isatty()
        bar = tqdm(
            desc=what,
            unit=unit,
            disable=self.quiet or self.json,
            file=_Screen(watched),
            ncols=os.get_terminal_size(sys.stderr.fileno()).columns
            if watched
            else None,
            # A log file gets a line now and then instead of ten per second.
            mininterval=0.1 if watched else 10.0,
        )
        with bar:
            yield ProgressBar(bar)


@dataclass(frozen=True)
class ProgressBar:
    """A bar that is told absolute numbers, as :class:`Progress` carries them."""

    bar: Any

    def show(self, done: int, total: int) -> None:
        """Draw the state."""
        self.bar.total = total
        self.bar.update(done - self.bar.n)


@dataclass(frozen=True)
class _Screen:
    """Where a bar is drawn: over itself where somebody watches, else line by line."""

    watched: bool

    @property
    def encoding(self) -> str:
        """As the bar asks for it, to choose its letters."""
        return sys.stderr.encoding

    def write(self, text: str) -> None:
        """Draw."""
        if self.watched:
            _tell(text)
        elif text.strip():
            _tell(f"{text.strip()}\n")

    def flush(self) -> None:
        """Do nothing: what is told is told at once."""


def _finite(value: Any) -> Any:
    """Put null for NaN and infinity, which JSON lacks."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    unknown = isinstance(value, float) and not math.isfinite(value)
    return None if unknown else value


def _tell(text: str) -> None:
    """Write to stderr; that nobody can hear it any more must not end hours of work."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
