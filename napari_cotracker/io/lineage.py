"""Points joined by edges, cut into unbranched tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def unbranched(
    frame_of: Mapping[int, int], edges: Iterable[tuple[int, int]]
) -> list[list[int]]:
    """Cut a graph over time into chains; a division or a merge ends the chains there.

    Parameters
    ----------
    frame_of : mapping of int to int
        Frame of each node.
    edges : pairs of nodes
        In either direction; they are turned to run forward in time.

    Returns
    -------
    list of list of int
        Nodes of each chain in order of time; chains in order of their first node's
        appearance in ``frame_of``. A node without edges is a chain of its own.
    """
    after: dict[int, list[int]] = {node: [] for node in frame_of}
    before: dict[int, list[int]] = {node: [] for node in frame_of}
    for one, two in edges:
        first, second = sorted((one, two), key=frame_of.__getitem__)
        after[first].append(second)
        before[second].append(first)

    def continues(node: int) -> bool:
        """Whether a node has one predecessor, and is its only successor."""
        return len(before[node]) == 1 and len(after[before[node][0]]) == 1

    chains = []
    for start in frame_of:
        if continues(start):
            continue
        chain = [start]
        while len(after[chain[-1]]) == 1 and continues(after[chain[-1]][0]):
            chain.append(after[chain[-1]][0])
        chains.append(chain)
    return chains
