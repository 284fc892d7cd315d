"""Documents and sequences of edits drawn by hypothesis."""

import numpy as np
from hypothesis import strategies as st

from napari_cotracker.project import Document
from napari_cotracker.project import point_edits as points
from napari_cotracker.project import span_edits as spans
from napari_cotracker.project import track_edits as whole
from napari_cotracker.tracks import Limit, Queries, Source, Tracks

N_FRAMES = 12


def document(n_tracks=3, n_frames=N_FRAMES, seed=0):
    """A tracked recording with one anchor per track and some frames unknown."""
    rng = np.random.default_rng(seed)
    shape = (n_frames, n_tracks)
    source = rng.choice([Source.EMPTY, Source.MODEL], shape, p=[0.2, 0.8])
    source[rng.integers(0, n_frames, n_tracks), np.arange(n_tracks)] = Source.MANUAL
    known = source != Source.EMPTY
    visibility = np.where(known, rng.random(shape, np.float32), 0)
    tracks = Tracks(
        xy=np.where(known[..., None], rng.random((*shape, 2)) * 50, np.nan),
        visibility=visibility,
        confidence=np.where(known, rng.random(shape, np.float32), 0),
        visible=visibility > 0.5,
        source=source,
        point_id=10 * np.arange(n_tracks) + 3,
        name=tuple(f"p{i}" for i in range(n_tracks)),
        fps=25.0,
        size=(60, 80),
        disagreement=np.where(known, rng.random(shape), np.nan),
    )
    return Document(tracks)


frame = st.integers(0, N_FRAMES - 1)
pixel = st.floats(0, 50, width=32)
which = st.integers(0, 7)  # a column, modulo the number of tracks
name = st.sampled_from(["p0", "p1", "tail", "Ohr 'links'", "目"])


def _id(doc, column):
    return int(doc.tracks.point_id[column % doc.tracks.n_tracks])


def _sorted(a, b):
    return min(a, b), max(a, b)


def span_edit(make):
    return st.builds(
        lambda n, a, b: lambda doc: make(doc, _id(doc, n), *_sorted(a, b)),
        which,
        frame,
        frame,
    )


def frame_edit(make):
    return st.builds(lambda n, t: lambda doc: make(doc, _id(doc, n), t), which, frame)


def cell_edit(make):
    return st.builds(
        lambda cells: (
            lambda doc: make(
                doc, [t for t, _ in cells], [_id(doc, n) for _, n in cells]
            )
        ),
        st.lists(st.tuples(frame, which), min_size=1, max_size=4),
    )


def _labels(rows):
    unique = {(t, n): (t, n, x, y) for t, n, x, y in rows}
    t, n, x, y = zip(*unique.values(), strict=True)
    return Queries(t, np.column_stack([x, y]), [ord(i[0]) for i in n], n)


edit_makers = st.one_of(
    st.builds(
        lambda t, n, x, y: lambda doc: points.place_points(doc, t, _id(doc, n), (x, y)),
        *(frame, which, pixel, pixel),
    ),
    st.builds(
        lambda n, t, x, y: lambda doc: points.add_track(doc, n, t, (x, y)),
        *(name, frame, pixel, pixel),
    ),
    st.builds(
        lambda rows: lambda doc: points.import_labels(doc, _labels(rows)),
        st.lists(st.tuples(frame, name, pixel, pixel), min_size=1, max_size=5),
    ),
    cell_edit(points.delete_points),
    cell_edit(points.accept),
    span_edit(spans.delete_span),
    span_edit(spans.hide_span),
    span_edit(spans.show_span),
    span_edit(spans.end_span),
    span_edit(spans.interpolate_span),
    frame_edit(spans.delete_forward),
    frame_edit(spans.delete_backward),
    frame_edit(spans.end_track),
    frame_edit(spans.begin_track),
    frame_edit(whole.split_track),
    st.builds(
        lambda n, way: lambda doc: spans.limit_track(doc, Limit(_id(doc, n), way)),
        which,
        st.sampled_from(["both", "forward"]),
    ),
    st.builds(
        lambda n, new: lambda doc: whole.rename_track(doc, _id(doc, n), new),
        *(which, name),
    ),
    st.builds(
        lambda ns: lambda doc: whole.remove_tracks(doc, [_id(doc, n) for n in ns]),
        st.lists(which, min_size=1, max_size=2),
    ),
    st.builds(
        lambda a, b: lambda doc: whole.merge_tracks(doc, _id(doc, a), _id(doc, b)),
        *(which, which),
    ),
    st.builds(
        lambda a, b, s, e: (
            lambda doc: whole.swap_tracks(doc, _id(doc, a), _id(doc, b), *_sorted(s, e))
        ),
        *(which, which, frame, frame),
    ),
)
