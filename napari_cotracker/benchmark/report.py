"""Figures with the bar they are measured against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Parameters
    ----------
    name : str
    value : float
    unit : str
    bar : float or None
        What it should reach; None = informative.
    most : bool
        Whether the bar is an upper bound.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached; None without a bar."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.most else self.value >= self.bar


def format_figures(figures: list[Figure]) -> str:
    """One line per figure."""
    width = max((len(figure.name) for figure in figures), default=0)
    return "\n".join(_line(figure, width) for figure in figures)


def _line(figure: Figure, width: int) -> str:
    text = f"{figure.name:<{width}}  {figure.value:>10.4g} {figure.unit:<10}"
    if figure.bar is None:
        return text.rstrip()
    sign = "at most" if figure.most else "at least"
    verdict = "met" if figure.met else "MISSED"
    return f"{text}  {sign} {figure.bar:g}: {verdict}"
