"""What we write, read by libraries of others, in the way their programs do it."""

import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from some_tracks import GROUP, SOLO, hidden, rich_tracks, seen

from napari_cotracker.io import save_tracks
from napari_cotracker.tracks import Source


def known(tracks):
    return tracks.source != Source.EMPTY


@pytest.fixture(params=[SOLO, GROUP], ids=["solo", "group"])
def tracks(request):
    return rich_tracks(request.param, timed=True)


def pairs(tracks):
    """Column, individual (or "") and part of every track."""
    for n, name in enumerate(tracks.name):
        individual, _, part = name.rpartition("/")
        yield n, individual, part


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_deeplabcut_predictions_by_pandas(tmp_path, tracks, suffix):
    path = tmp_path / f"videoDLC_me{suffix}"
    save_tracks(tracks, path, "dlc")
    team = tracks.name == GROUP
    if suffix == ".h5":
        table = pd.read_hdf(path, key="df_with_missing")
    else:
        header = list(range(4 if team else 3))
        table = pd.read_csv(path, header=header, index_col=0)
    levels = ["scorer", *(["individuals"] if team else []), "bodyparts", "coords"]
    assert list(table.columns.names) == levels
    assert list(table.index) == list(range(tracks.n_frames))
    (scorer,) = set(table.columns.get_level_values("scorer"))
    for n, individual, part in pairs(tracks):
        where = (scorer, *([individual] if team else []), part)
        x, y, p = (table[(*where, c)].to_numpy() for c in ("x", "y", "likelihood"))
        np.testing.assert_array_equal(
            np.column_stack([x, y]).astype(np.float32), tracks.xy[:, n]
        )
        expected = np.where(seen(tracks)[:, n], tracks.confidence[:, n], 0)
        np.testing.assert_allclose(p, expected, atol=2e-7)


def test_deeplabcut_individuals_all_have_all_parts(tmp_path):
    """movement reshapes the table; one column less and every frame is another."""
    save_tracks(rich_tracks(GROUP), tmp_path / "t.h5", "dlc")
    table = pd.read_hdf(tmp_path / "t.h5")
    assert table.shape == (12, 2 * 2 * 3)
    values = table.to_numpy().reshape(12, 2, 2, 3)
    np.testing.assert_array_equal(
        values[:, 0, 1, :2].astype(np.float32), rich_tracks(GROUP).xy[:, 1]
    )
    # no row is empty: movement drops those, and later frames move up
    assert table.notna().any(axis=1).all()


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_deeplabcut_labels_by_pandas(tmp_path, tracks, suffix):
    folder = tmp_path / "labeled-data" / "mouse"
    folder.mkdir(parents=True)
    path = folder / f"CollectedData_me{suffix}"
    save_tracks(tracks, path, "dlc-labels")
    team = tracks.name == GROUP
    if suffix == ".h5":
        table = pd.read_hdf(path)
    else:
        header = list(range(4 if team else 3))
        table = pd.read_csv(path, header=header, index_col=[0, 1, 2])
    frames = np.flatnonzero(seen(tracks).any(axis=1))
    assert [tuple(label) for label in table.index] == [
        ("labeled-data", "mouse", f"img{frame:04d}.png") for frame in frames
    ]
    (scorer,) = set(table.columns.get_level_values(0))
    for n, individual, part in pairs(tracks):
        where = (scorer, *([individual] if team else []), part)
        xy = table[where][["x", "y"]].to_numpy().astype(np.float32)
        expected = np.where(seen(tracks)[:, n, None], tracks.xy[:, n], np.nan)
        np.testing.assert_array_equal(xy, expected[frames])


def test_sleap_project_by_sleap_io(tmp_path, tracks):
    sio = pytest.importorskip("sleap_io")
    save_tracks(tracks, tmp_path / "t.slp")
    labels = sio.load_slp(str(tmp_path / "t.slp"), open_videos=False)
    assert labels.videos[0].backend_metadata["shape"] == [12, 480, 640, 3] or tuple(
        labels.videos[0].backend_metadata["shape"]
    ) == (12, 480, 640, 3)
    frames = {frame.frame_idx: frame for frame in labels.labeled_frames}
    for t in range(tracks.n_frames):
        for n, individual, part in pairs(tracks):
            if not known(tracks)[t, n]:
                continue
            mine = [
                i for i in frames[t] if (i.track.name if i.track else "") == individual
            ]
            (predicted,) = [i for i in mine if type(i) is sio.PredictedInstance]
            point = predicted[part]
            np.testing.assert_array_equal(point["xy"], tracks.xy[t, n])
            assert point["score"] == tracks.confidence[t, n]
            assert point["visible"] == tracks.visible[t, n]
            placed = [i for i in mine if type(i) is sio.Instance]
            manual = bool(placed) and bool(placed[0][part]["complete"])
            assert manual == (tracks.source[t, n] == Source.MANUAL)
    # the usual way to numbers: NaN where occluded, and nothing lost beside that
    array = labels.numpy()
    skeleton = labels.skeletons[0].node_names
    names = [track.name for track in labels.tracks] or [""]
    for n, individual, part in pairs(tracks):
        got = array[:, names.index(individual), skeleton.index(part)]
        wanted = np.where(seen(tracks)[:, n, None], tracks.xy[:, n], np.nan)
        np.testing.assert_array_equal(got.astype(np.float32), wanted[: len(got)])


def test_sleap_analysis_by_h5py_and_sleap_io(tmp_path, tracks):
    h5py, sio = pytest.importorskip("h5py"), pytest.importorskip("sleap_io")
    path = tmp_path / "t.analysis.h5"
    save_tracks(tracks, path)
    with h5py.File(path) as file:  # as movement does it
        array = file["tracks"][:].T  # (frame, node, xy, individual)
        scores = file["point_scores"][:].T
        nodes = [name.decode() for name in file["node_names"][:]]
        names = [name.decode() for name in file["track_names"][:]] or [""]
        occupancy = file["track_occupancy"][:]
    assert occupancy.shape == (12, len(names))
    for n, individual, part in pairs(tracks):
        i, p = names.index(individual), nodes.index(part)
        wanted = np.where(seen(tracks)[:, n, None], tracks.xy[:, n], np.nan)
        np.testing.assert_array_equal(array[:, p, :, i].astype("f4"), wanted)
        np.testing.assert_array_equal(
            scores[:, p, i][seen(tracks)[:, n]],
            tracks.confidence[:, n][seen(tracks)[:, n]],
        )
    labels = sio.load_analysis_h5(str(path))
    finite = sum(np.isfinite(i.numpy()).all(axis=1).sum() for f in labels for i in f)
    assert finite == seen(tracks).sum()


def test_sleap_table_by_sleap_io(tmp_path, tracks):
    sio = pytest.importorskip("sleap_io")
    path = tmp_path / "t.analysis.csv"
    save_tracks(tracks, path)
    labels = sio.load_csv(str(path))
    found = {}
    for frame in labels:
        for instance in frame:
            who = instance.track.name if instance.track else ""
            for node, xy in zip(instance.skeleton.nodes, instance.numpy(), strict=True):
                if np.isfinite(xy).all():
                    found[frame.frame_idx, who, node.name] = xy.astype("f4").tolist()
    assert found == {
        (t, individual, part): tracks.xy[t, n].tolist()
        for n, individual, part in pairs(tracks)
        for t in np.flatnonzero(seen(tracks)[:, n])
    }


def test_nwb_by_pynwb(tmp_path, tracks):
    pynwb = pytest.importorskip("pynwb")
    pytest.importorskip("ndx_pose")
    save_tracks(tracks, tmp_path / "t.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "t.nwb"), "r", load_namespaces=True) as source:
        module = source.read().processing["behavior"]
        for n, individual, part in pairs(tracks):
            estimate = module[individual or "PoseEstimation"]
            series = estimate[part]
            np.testing.assert_array_equal(series.data[:], tracks.xy[:, n])
            np.testing.assert_array_equal(series.timestamps[:], tracks.times)
            assert series.unit == "pixels" and "top-left" in series.reference_frame
            assert part in list(estimate.skeleton.nodes[:])
            confidence = series.confidence[:]
            mask = hidden(tracks)[:, n]
            assert (confidence[mask] == 0).all()
            mask = seen(tracks)[:, n]
            np.testing.assert_allclose(
                confidence[mask], tracks.confidence[:, n][mask], atol=2e-7
            )


def test_nwb_files_are_valid(tmp_path, tracks):
    pynwb = pytest.importorskip("pynwb")
    save_tracks(tracks, tmp_path / "t.nwb")
    assert pynwb.validate(path=str(tmp_path / "t.nwb")) == []


def test_coco_by_pycocotools(tmp_path, tracks):
    coco = pytest.importorskip("pycocotools.coco")
    save_tracks(tracks, tmp_path / "t.coco.json")
    data = coco.COCO(str(tmp_path / "t.coco.json"))
    (category,) = data.loadCats(data.getCatIds())
    parts = category["keypoints"]
    found = np.full((*tracks.source.shape, 3), np.nan)
    for annotation in data.loadAnns(data.getAnnIds()):
        (image,) = data.loadImgs(annotation["image_id"])
        xyv = np.reshape(annotation["keypoints"], (-1, 3))
        individual = annotation["attributes"]["individual"]
        for n, mine, part in pairs(tracks):
            if (mine or "single") == individual:
                found[image["frame_id"], n] = xyv[parts.index(part)]
        assert annotation["num_keypoints"] == (xyv[:, 2] > 0).sum()
    flag = np.where(known(tracks), np.where(tracks.visible, 2, 1), 0)
    np.testing.assert_array_equal(np.nan_to_num(found[..., 2]), flag)
    mask = known(tracks)
    np.testing.assert_array_equal(found[mask][:, :2].astype("f4"), tracks.xy[mask])


def test_trackpy_takes_the_table(tmp_path, tracks):
    trackpy = pytest.importorskip("trackpy")
    save_tracks(tracks, tmp_path / "t.trackpy.csv")
    table = pd.read_csv(tmp_path / "t.trackpy.csv")
    assert list(table.columns[:4]) == ["particle", "frame", "x", "y"]
    assert len(table) == seen(tracks).sum()
    drift = trackpy.compute_drift(table)
    assert np.isfinite(drift.to_numpy()).all()
    one = table[table.particle == tracks.point_id[0]].set_index("frame")
    mask = seen(tracks)[:, 0]
    np.testing.assert_array_equal(one.index, np.flatnonzero(mask))
    np.testing.assert_array_equal(
        one[["x", "y"]].to_numpy(np.float32), tracks.xy[:, 0][mask]
    )


def test_napari_takes_the_table(tmp_path, tracks):
    layers = pytest.importorskip("napari.layers")
    save_tracks(tracks, tmp_path / "t.napari.csv")
    table = pd.read_csv(tmp_path / "t.napari.csv")
    layer = layers.Tracks(table[["track_id", "t", "y", "x"]].to_numpy())
    assert len(layer.data) == seen(tracks).sum()
    row = layer.data[layer.data[:, 0] == tracks.point_id[1]][0]
    t = int(row[1])
    np.testing.assert_array_equal(row[:1:-1].astype("f4"), tracks.xy[t, 1])


def test_trackmate_table_by_sleap_io(tmp_path, tracks):
    sio = pytest.importorskip("sleap_io")
    save_tracks(tracks, tmp_path / "a_spots.csv", "trackmate-csv")
    labels = sio.load_trackmate(str(tmp_path / "a_spots.csv"))
    assert len(labels.tracks) == 3
    centroids = [c for frame in labels for c in frame.centroids]
    assert len(centroids) == seen(tracks).sum()
    found = {(round(c.x, 3), round(c.y, 3)) for c in centroids}
    wanted = tracks.xy[seen(tracks)].astype(float)
    assert found == {(round(x, 3), round(y, 3)) for x, y in wanted}


def test_trackmate_xml_is_consistent(tmp_path, tracks):
    """What TrackMate's own reader needs: declared features, ids, forward edges."""
    save_tracks(tracks, tmp_path / "t.xml")
    root = ET.parse(tmp_path / "t.xml").getroot()
    declared = {f.get("feature") for f in root.iterfind(".//SpotFeatures/Feature")}
    spots = {spot.get("ID"): spot for spot in root.iter("Spot")}
    assert root.find(".//AllSpots").get("nspots") == str(len(spots))
    assert len(spots) == seen(tracks).sum()
    for frame in root.iter("SpotsInFrame"):
        for spot in frame:
            assert spot.get("FRAME") == frame.get("frame")
            assert set(spot.attrib) - {"ID", "name"} <= declared
    for track in root.iterfind(".//AllTracks/Track"):
        edges = [
            (e.get("SPOT_SOURCE_ID"), e.get("SPOT_TARGET_ID"))
            for e in track.iter("Edge")
        ]
        for (_, end), (start, _) in pairwise(edges):
            assert end == start
        frames = [int(spots[a].get("FRAME")) for a, _ in edges]
        assert frames == sorted(set(frames))
    image = root.find(".//Settings/ImageData")
    assert (image.get("width"), image.get("nframes")) == ("640", "12")


def test_geff_by_its_library(tmp_path, tracks):
    geff = pytest.importorskip("geff")
    save_tracks(tracks, tmp_path / "t.geff")
    geff.validate_structure(tmp_path / "t.geff")
    graph = geff.core_io.read_to_memory(tmp_path / "t.geff")
    metadata = graph["metadata"]
    assert [(a.name, a.type, a.unit) for a in metadata.axes] == [
        ("t", "time", "frame"),
        ("y", "space", "pixel"),
        ("x", "space", "pixel"),
    ]
    props = {key: value["values"] for key, value in graph["node_props"].items()}
    order = {int(i): n for n, i in enumerate(tracks.point_id)}
    columns = [order[int(i)] for i in props["track_id"]]
    got = np.full_like(tracks.xy, np.nan)
    got[props["t"], columns] = np.column_stack([props["x"], props["y"]])
    np.testing.assert_array_equal(
        got, np.where(seen(tracks)[..., None], tracks.xy, np.nan)
    )
    ids = graph["node_ids"].tolist()
    for a, b in graph["edge_ids"].tolist():
        a, b = ids.index(a), ids.index(b)
        assert props["track_id"][a] == props["track_id"][b]
        assert props["t"][a] < props["t"][b]
