"""Tracks as anchors for a new run, and anchors as tracks for formats of tracks."""

from __future__ import annotations

import numpy as np

from napari_cotracker.errors import FormatError
from napari_cotracker.io.building import Rows
from napari_cotracker.tracks import Queries, Source, Tracks


def queries_of(tracks: Tracks) -> Queries:
    """Take the positions that a person placed; if none, all visible ones.

    Raises
    ------
    FormatError
        No position is visible.
    """
    rows = Rows.of(tracks, occluded=True)
    source, visible = rows.scores["source"], rows.scores["visible"]
    assert source is not None and visible is not None
    manual = source == Source.MANUAL
    wanted = manual if manual.any() else visible.astype(np.bool_)
    if not wanted.any():
        raise FormatError("It holds no visible point that could be an anchor.")
    ids = rows.point_id[wanted]
    return Queries(
        rows.frame[wanted],
        rows.xy[wanted].astype(np.float32),
        ids,
        tuple(rows.names[i] for i in ids.tolist()),
    )


def tracks_of(queries: Queries) -> Tracks:
    """Make tracks that know nothing but the anchors."""
    ids = queries.tracks.tolist()
    return Rows(
        queries.point_id,
        queries.frame,
        queries.xy,
        {i: queries.name_of(i) for i in ids},
        {"source": np.full(len(queries), Source.MANUAL, np.uint8)},
    ).to_tracks()
