"""Markdown tables for people."""

from __future__ import annotations


def markdown_table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Lay cells out, one line per row; columns of the first line."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
