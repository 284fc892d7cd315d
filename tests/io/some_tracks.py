"""Tracks with everything that a file may lose, and how to compare them."""

import numpy as np

from napari_cotracker.tracks import Source, Tracks

FORMATS = (
    "csv json napari dlc dlc-labels slp sleap-h5 sleap-csv nwb coco trackmate "
    "trackmate-csv trackpy geff"
).split()
# Formats of several suffixes are tried with each.
FILES = [
    ("csv", "t.csv"),
    ("json", "t.json"),
    ("napari", "t.napari.csv"),
    ("dlc", "t.dlc.csv"),
    ("dlc", "t.dlc.h5"),
    ("dlc-labels", "t.dlc-labels.csv"),
    ("dlc-labels", "t.dlc-labels.h5"),
    ("slp", "t.slp"),
    ("sleap-h5", "t.analysis.h5"),
    ("sleap-csv", "t.analysis.csv"),
    ("nwb", "t.nwb"),
    ("coco", "t.coco.json"),
    ("trackmate", "t.xml"),
    ("trackmate-csv", "t.trackmate.csv"),
    ("trackpy", "t.trackpy.csv"),
    ("geff", "t.geff"),
]
SOLO = ("nose", "left ear", "Schwanz, Spitze 爪")
GROUP = ("m1/nose", "m1/tail", "m2/nose")


def rich_tracks(names=SOLO, *, n_frames=12, timed=False):
    """Tracks with gaps, occluded, manual and unsure positions, and odd ids."""
    rng = np.random.default_rng(0)
    shape = (n_frames, len(names))
    source = rng.choice([0, 1, 1, 1, 2], shape)
    source[0], source[-1] = Source.MANUAL, Source.EMPTY
    source[3] = Source.EMPTY
    xy = rng.normal(200, 100, (*shape, 2)).astype(np.float32)
    visibility = rng.random(shape, np.float32)
    confidence = rng.random(shape, np.float32)
    for values in (visibility, confidence):
        values[source == Source.EMPTY] = 0
        values[source == Source.MANUAL] = 1
    xy[source == Source.EMPTY] = np.nan
    return Tracks(
        xy=xy,
        visibility=visibility,
        confidence=confidence,
        visible=visibility > 0.5,
        source=source,
        point_id=np.arange(len(names)) * 3 + 4,
        name=names,
        fps=29.97,
        size=(480, 640),
        disagreement=np.where(source == Source.EMPTY, np.nan, rng.random(shape)),
        times=np.cumsum(rng.uniform(0.02, 0.05, n_frames)) if timed else None,
    )


def seen(tracks):
    return tracks.visible & (tracks.source != Source.EMPTY)


def hidden(tracks):
    return ~tracks.visible & (tracks.source != Source.EMPTY)
