"""Files as other programs write them: units, gaps, branches, several animals."""

import json

import numpy as np
import pandas as pd
import pytest

from napari_cotracker.errors import CoTrackerError, FormatError
from napari_cotracker.io import load_queries, load_tracks
from napari_cotracker.tracks import Source


def dlc_table(columns, values, index=None, levels=("scorer", "bodyparts", "coords")):
    return pd.DataFrame(
        np.asarray(values, float),
        index=index,
        columns=pd.MultiIndex.from_tuples(columns, names=levels),
    )


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_deeplabcut_predictions(tmp_path, suffix):
    scorer = "DLC_resnet50_reachingAug30shuffle1_50000"
    columns = [(scorer, part, c) for part in ("paw", "nose") for c in "xyl"]
    columns = [(s, p, "likelihood" if c == "l" else c) for s, p, c in columns]
    table = dlc_table(
        columns, [[1, 2, 0.99, 3, 4, 0.2], [5, 6, 0.7, np.nan, np.nan, np.nan]]
    )
    path = tmp_path / f"reaching{scorer}{suffix}"
    if suffix == ".h5":
        table.to_hdf(path, key="df_with_missing", format="table", mode="w")
    else:
        table.to_csv(path)
    tracks = load_tracks(path)
    assert tracks.name == ("paw", "nose")
    assert tracks.visible.tolist() == [[True, False], [True, False]]
    np.testing.assert_allclose(tracks.confidence[0], [0.99, 0.2], atol=1e-6)
    np.testing.assert_array_equal(tracks.xy[0], [[1, 2], [3, 4]])
    assert tracks.source.tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize("form", ["tuples", "paths", "csv3", "csv1"])
def test_deeplabcut_labels(tmp_path, form):
    columns = [("me", part, c) for part in ("paw", "nose") for c in "xy"]
    labels = [("labeled-data", "reaching", f"img{n}.png") for n in ("005", "012")]
    index = pd.MultiIndex.from_tuples(labels)
    if form in ("paths", "csv1"):
        index = pd.Index(["\\".join(label) for label in labels])
    table = dlc_table(columns, [[1, 2, np.nan, np.nan], [5, 6, 7, 8]], index)
    path = tmp_path / f"CollectedData_me{'.csv' if 'csv' in form else '.h5'}"
    if "csv" in form:
        table.to_csv(path)
    else:
        table.to_hdf(path, key="keypoints", mode="w")
    queries = load_queries(path)
    assert queries.txy.tolist() == [[5, 1, 2], [12, 5, 6], [12, 7, 8]]
    assert queries.name == ("paw", "paw", "nose")
    assert load_tracks(path).n_frames == 13


def test_deeplabcut_with_individuals_and_unique_parts(tmp_path):
    levels = ("scorer", "individuals", "bodyparts", "coords")
    owners = [("m1", "nose"), ("m2", "nose"), ("single", "corner")]
    columns = [
        ("me", who, part, c) for who, part in owners for c in ("x", "y", "likelihood")
    ]
    table = dlc_table(columns, [[1, 2, 1, 3, 4, 1, 5, 6, 1]], levels=levels)
    table.to_csv(tmp_path / "t.csv")
    assert load_tracks(tmp_path / "t.csv").name == ("m1/nose", "m2/nose", "corner")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.replace("0.9", "often"), "could not convert"),
        (lambda t: t.replace("likelihood", "p"), "no column 'likelihood'"),
        (lambda t: t.replace("\n1,", "\n0,"), "each frame once"),
        (lambda t: t.replace("\n1,", "\none,"), "not numbered by frame"),
        (lambda t: t.replace("\n1,", "\n1.5,"), "each frame once"),
        (lambda t: t.replace("\n1,", "\n-1,"), "from 0 on"),
        (lambda t: t.replace("\n1,", "\n1000000000,"), "not plausible"),
        (lambda t: t.replace("b,b,b", "a,a,a"), "two columns"),
        (lambda t: t.replace(",7,", ",1e300,"), "expected a position"),
        (lambda t: t.replace(",7,", ",7,7,"), "cells"),
        (lambda t: t.partition("\n0,")[0] + "\n", "no rows"),
    ],
)
def test_broken_deeplabcut_tables_say_where(tmp_path, change, words):
    text = (
        "scorer,me,me,me,me,me,me\nbodyparts,a,a,a,b,b,b\n"
        "coords,x,y,likelihood,x,y,likelihood\n0,1,2,0.9,3,4,1\n1,5,6,1,7,8,1\n"
    )
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert load_tracks(path).n_tracks == 2
    path.write_text(change(text))
    with pytest.raises(CoTrackerError, match=words) as caught:
        load_tracks(path, "dlc")
    assert "t.csv" in str(caught.value)


def test_deeplabcut_rows_begin_where_the_first_animal_does(tmp_path):
    # As its stitcher of tracklets writes them, for the frames that have an animal.
    levels = ("scorer", "individuals", "bodyparts", "coords")
    columns = [("me", "m1", "nose", c) for c in ("x", "y", "likelihood")]
    table = dlc_table(columns, [[1, 2, 1], [3, 4, 1]], pd.Index([2, 4]), levels)
    table.to_hdf(tmp_path / "t.h5", key="tracks", format="table", mode="w")
    tracks = load_tracks(tmp_path / "t.h5")
    assert tracks.source[:, 0].tolist() == [0, 0, 1, 0, 1]
    assert tracks.xy[[2, 4], 0].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("form", ["tuples", "csv3", "csv1"])
def test_deeplabcut_machine_labels(tmp_path, form):
    """Predictions on extracted frames, which DeepLabCut offers to be refined."""
    columns = [("me", "paw", c) for c in ("x", "y", "likelihood")]
    labels = [("labeled-data", "reaching", f"img{n}.png") for n in ("005", "012")]
    index = pd.MultiIndex.from_tuples(labels)
    if form == "csv1":
        index = pd.Index(["/".join(label) for label in labels])
    table = dlc_table(columns, [[1, 2, 0.9], [5, 6, 0.3]], index)
    path = tmp_path / f"machinelabels-iter0{'.csv' if 'csv' in form else '.h5'}"
    if "csv" in form:
        table.to_csv(path)
    else:
        table.to_hdf(path, key="df_with_missing", mode="w")
    tracks = load_tracks(path)
    assert tracks.n_frames == 13
    assert np.flatnonzero(tracks.source[:, 0]).tolist() == [5, 12]
    assert tracks.visible[[5, 12], 0].tolist() == [True, False]
    assert tracks.xy[[5, 12], 0].tolist() == [[1, 2], [5, 6]]


def test_labels_of_several_videos_are_not_mixed(tmp_path):
    (tmp_path / "t.csv").write_text(
        "scorer,me,me\nbodyparts,a,a\ncoords,x,y\n"
        "labeled-data/one/img1.png,1,2\nlabeled-data/two/img1.png,3,4\n"
    )
    with pytest.raises(FormatError, match="several videos"):
        load_tracks(tmp_path / "t.csv")


def test_sleap_user_labels(tmp_path):
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(["head", "tail"])
    video = sio.Video("fly.mp4", open_backend=False)
    animal = sio.Track("female")
    points = np.array([[1.5, 2.5], [np.nan, np.nan]])
    user = sio.Instance.from_numpy(points, skeleton, track=animal)
    guess = sio.PredictedInstance.from_numpy(
        points + 9, skeleton, point_scores=np.array([0.5, 0.5]), track=animal
    )
    frames = [sio.LabeledFrame(video, 7, [user]), sio.LabeledFrame(video, 9, [guess])]
    labels = sio.Labels(frames, [video], [skeleton], [animal])
    sio.save_slp(labels, str(tmp_path / "t.slp"), verbose=False)
    tracks = load_tracks(tmp_path / "t.slp")
    assert tracks.source[7, 0] == Source.MANUAL and tracks.source[9, 0] == Source.MODEL
    queries = load_queries(tmp_path / "t.slp")
    assert queries.txy.tolist() == [[7, 1.5, 2.5]]
    assert queries.name == ("female/head",)


def test_sleap_instances_that_nobody_linked(tmp_path):
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(["head"])
    video = sio.Video("fly.mp4", open_backend=False)
    two = [sio.Instance.from_numpy(np.full((1, 2), v), skeleton) for v in (1.0, 2.0)]
    labels = sio.Labels([sio.LabeledFrame(video, 3, two)], [video], [skeleton])
    sio.save_slp(labels, str(tmp_path / "t.slp"), verbose=False)
    with pytest.raises(FormatError, match="Frame 3 has two instances without a track"):
        load_tracks(tmp_path / "t.slp")


def test_sleap_analysis_of_other_axis_orders(tmp_path):
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(["head", "tail"])
    video = sio.Video("fly.mp4", open_backend=False)
    animals = [sio.Track("a"), sio.Track("b")]
    frames = []
    for t in range(3):
        points = [np.array([[t, 1.0], [2, 3]]) + 10 * i for i in range(2)]
        made = [
            sio.PredictedInstance.from_numpy(p, skeleton, track=animal)
            for p, animal in zip(points, animals, strict=True)
        ]
        frames.append(sio.LabeledFrame(video, t, made))
    labels = sio.Labels(frames, [video], [skeleton], animals)
    for preset in ("matlab", "standard"):
        path = tmp_path / f"{preset}.h5"
        sio.save_analysis_h5(labels, str(path), preset=preset)
        tracks = load_tracks(path)
        assert tracks.name == ("a/head", "a/tail", "b/head", "b/tail")
        np.testing.assert_array_equal(tracks.xy[2, :, 0], [2, 2, 12, 12])


# As SLEAP writes it: a row per instance that is there, user instances without scores.
SLEAP_CSV = """track,frame_idx,instance.score,head.x,head.y,head.score,ear.L.x,ear.L.y,\
ear.L.score
female,3,1.75,10.5,20.25,0.9,,,
male,3,1.5,30,40,0.8,31,41,1.02
female,5,,11.5,21.25,,12,22,
"""


def test_sleap_analysis_table(tmp_path):
    path = tmp_path / "labels.v001.000_fly.analysis.csv"
    path.write_text(SLEAP_CSV)
    tracks = load_tracks(path)
    assert tracks.name == ("female/head", "female/ear.L", "male/head", "male/ear.L")
    assert tracks.n_frames == 6
    np.testing.assert_array_equal(
        tracks.xy[[3, 5]],
        [
            [[10.5, 20.25], [np.nan, np.nan], [30, 40], [31, 41]],
            [[11.5, 21.25], [12, 22], [np.nan, np.nan], [np.nan, np.nan]],
        ],
    )
    np.testing.assert_allclose(tracks.confidence[3], [0.9, 0, 0.8, 1])
    np.testing.assert_allclose(tracks.confidence[5], [1, 1, 0, 0])
    path.rename(tmp_path / "renamed.csv")
    assert load_tracks(tmp_path / "renamed.csv").name == tracks.name


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("male,3,1.5", ",3,1.5", "frame 3 has two instances without a track"),
        ("male,3,1.5", "female,3,1.5", "lines 2 and 3: two rows for track female"),
        ("head.y", "head.why", "'head.x' has no column 'head.y'"),
        (".x", ".why", "no columns <node>.x"),
        ("30,40", "30,forty", "line 3, column 'head.y'"),
    ],
)
def test_broken_sleap_tables_say_where(tmp_path, old, new, words):
    text = SLEAP_CSV.replace("female,3", ",3") if new.startswith(",") else SLEAP_CSV
    (tmp_path / "t.analysis.csv").write_text(text.replace(old, new))
    with pytest.raises(FormatError, match=words):
        load_tracks(tmp_path / "t.analysis.csv")


def test_sleap_tables_of_one_animal_have_no_track(tmp_path):
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(["head", "tail"])
    guess = sio.PredictedInstance.from_numpy(
        np.array([[1.5, 2.5], [np.nan, np.nan]]),
        skeleton,
        point_scores=np.array([0.5, 0.5]),
    )
    video = sio.Video("fly.mp4", open_backend=False)
    labels = sio.Labels([sio.LabeledFrame(video, 7, [guess])], [video], [skeleton])
    sio.save_csv(labels, str(tmp_path / "t.csv"), format="sleap")
    tracks = load_tracks(tmp_path / "t.csv")
    assert tracks.name == ("head",)
    assert tracks.xy[7, 0].tolist() == [1.5, 2.5]
    assert tracks.confidence[7, 0] == 0.5


TRACKMATE = """<?xml version="1.0" encoding="UTF-8"?>
<TrackMate version="7.11.1"><Model spatialunits="micron" timeunits="sec">
<AllSpots nspots="6">
<SpotsInFrame frame="0">
<Spot ID="1" name="ID1" QUALITY="31.5" POSITION_X="2.0" POSITION_Y="3.0" FRAME="0"/>
<Spot ID="9" name="ID9" QUALITY="1.5" POSITION_X="9.0" POSITION_Y="9.0" FRAME="0"/>
</SpotsInFrame>
<SpotsInFrame frame="1">
<Spot ID="2" name="ID2" QUALITY="30" POSITION_X="2.5" POSITION_Y="3.0" FRAME="1"/>
</SpotsInFrame>
<SpotsInFrame frame="2">
<Spot ID="3" name="ID3" QUALITY="30" POSITION_X="1.0" POSITION_Y="3.0" FRAME="2"/>
<Spot ID="4" name="ID4" QUALITY="30" POSITION_X="4.0" POSITION_Y="3.0" FRAME="2"/>
<Spot ID="5" name="ID5" QUALITY="30" POSITION_X="8.0" POSITION_Y="8.0" FRAME="2"/>
</SpotsInFrame></AllSpots>
<AllTracks><Track name="Track_0" TRACK_ID="0">
<Edge SPOT_SOURCE_ID="1" SPOT_TARGET_ID="2"/>
<Edge SPOT_SOURCE_ID="2" SPOT_TARGET_ID="3"/>
<Edge SPOT_SOURCE_ID="4" SPOT_TARGET_ID="2"/></Track>
<Track name="Track_1" TRACK_ID="1"><Edge SPOT_SOURCE_ID="9" SPOT_TARGET_ID="5"/></Track>
</AllTracks>
<FilteredTracks><TrackID TRACK_ID="0"/></FilteredTracks></Model>
<Settings><ImageData width="64" height="48" nframes="5" pixelwidth="0.5"
 pixelheight="0.5" timeinterval="0.25"/></Settings></TrackMate>"""


def test_trackmate_in_microns_with_a_division(tmp_path):
    (tmp_path / "t.xml").write_text(TRACKMATE)
    tracks = load_tracks(tmp_path / "t.xml")
    assert tracks.name == ("Track_0 1", "Track_0 2", "Track_0 3")
    assert (tracks.n_frames, tracks.fps, tracks.size) == (5, 4.0, (48, 64))
    np.testing.assert_array_equal(tracks.xy[:2, 0], [[4, 6], [5, 6]])
    np.testing.assert_array_equal(tracks.xy[2, 1:], [[2, 6], [8, 6]])
    assert (tracks.confidence[tracks.visible] == 1).all()  # QUALITY is no confidence


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('SPOT_TARGET_ID="3"', 'SPOT_TARGET_ID="33"', "spot 33, which is not there"),
        ('POSITION_X="2.5"', 'POSITION_X="left"', "POSITION_X = 'left'"),
        ('FRAME="1"', 'FRAME="1.5"', "FRAME = '1.5'; expected a whole"),
        ('pixelwidth="0.5"', 'pixelwidth="0"', "pixel size"),
        ("<Settings>", "<Nothing>", "not whole XML"),
        ("TrackMate", "Fiji", "not <TrackMate>"),
        ("<Edge", "<Line", "holds no tracks"),
        ('nframes="5"', 'nframes="2000000000"', "not plausible"),
    ],
)
def test_broken_trackmate_says_what(tmp_path, old, new, words):
    (tmp_path / "t.xml").write_text(TRACKMATE.replace(old, new))
    with pytest.raises(CoTrackerError, match=words) as caught:
        load_tracks(tmp_path / "t.xml")
    assert "t.xml" in str(caught.value)


def trackmate_csv(unit):
    return (
        "LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,FRAME\n"
        "Label,Spot ID,Track ID,Quality,X,Y,Frame\n"
        "Label,Spot ID,Track ID,Quality,X,Y,Frame\n"
        f",,,(quality),({unit}),({unit}),\n"
        "ID1,1,0,31,2.5,3,0\nID2,2,0,30,3.5,3,1\nID3,3,,30,9,9,1\n"
    )


def test_trackmate_table(tmp_path):
    (tmp_path / "t.csv").write_text(trackmate_csv("pixel"))
    tracks = load_tracks(tmp_path / "t.csv")
    assert tracks.name == ("Track_0",)
    np.testing.assert_array_equal(tracks.xy[:, 0], [[2.5, 3], [3.5, 3]])
    (tmp_path / "t.csv").write_text(trackmate_csv("micron"))
    with pytest.raises(FormatError, match="is in micron"):
        load_tracks(tmp_path / "t.csv")


def test_trackpy_table(tmp_path):
    (tmp_path / "t.csv").write_text(
        ",y,x,mass,size,frame,particle\n0,3.5,2.5,100,2,0,0\n1,4.5,3.5,90,2,2,0\n"
        "2,9,8,90,2,1,4.0\n"
    )
    tracks = load_tracks(tmp_path / "t.csv")
    assert tracks.point_id.tolist() == [0, 4] and tracks.n_frames == 3
    np.testing.assert_array_equal(tracks.xy[[0, 2], 0], [[2.5, 3.5], [3.5, 4.5]])
    assert tracks.source[1, 0] == Source.EMPTY
    # Its filter_stubs makes frame the index and keeps the column.
    text = "frame,y,x,frame,particle\n0,1,2,0,0\n1,2,3,1,0\n"
    (tmp_path / "t.csv").write_text(text)
    assert load_tracks(tmp_path / "t.csv").n_frames == 2
    (tmp_path / "t.csv").write_text(text.replace("1,2,3,1,0", "1,2,3,2,0"))
    with pytest.raises(FormatError, match="'frame' is there twice, with other"):
        load_tracks(tmp_path / "t.csv")


def test_depth_is_left_out_and_said(tmp_path):
    at = 'POSITION_Y="3.0"'
    deep = TRACKMATE.replace(at, f'{at} POSITION_Z="1.5"', 1)
    deep = deep.replace(f'{at} FRAME="1"', f'{at} POSITION_Z="4" FRAME="1"')
    files = {
        "t.xml": deep,
        "s.csv": "TRACK_ID,FRAME,POSITION_X,POSITION_Y,POSITION_Z,LABEL,ID,QUALITY\n"
        "0,0,1,2,1.5,a,1,9\n0,1,1,2,4,b,2,9\n",
        "t.csv": "particle,frame,x,y,z\n0,0,1,2,1.5\n0,1,1,2,4\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        with pytest.warns(UserWarning, match=r"z = 1\.5 to 4; z is left out"):
            load_tracks(tmp_path / name)
    (tmp_path / "t.csv").write_text(files["t.csv"].replace("1.5", "4"))
    assert load_tracks(tmp_path / "t.csv").n_tracks == 1


def test_points_saved_by_napari(tmp_path):
    (tmp_path / "p.csv").write_text(
        "index,axis-0,axis-1,axis-2\n0,4.0,20.5,10.25\n1,0.0,1.0,2.0\n"
    )
    queries = load_queries(tmp_path / "p.csv")
    assert queries.txy.tolist() == [[4, 10.25, 20.5], [0, 2, 1]]


def coco(**changes):
    document = {
        "images": [
            {"id": 31, "file_name": "mouse_0004.png", "width": 64, "height": 48},
            {"id": 12, "file_name": "mouse_0002.png", "width": 64, "height": 48},
        ],
        "categories": [{"id": 3, "name": "mouse", "keypoints": ["nose", "tail"]}],
        "annotations": [
            {
                "id": 1,
                "image_id": 12,
                "category_id": 3,
                "keypoints": [1, 2, 2, 3, 4, 1],
            },
            {
                "id": 2,
                "image_id": 31,
                "category_id": 3,
                "keypoints": [5, 6, 2, 0, 0, 0],
            },
        ],
    }
    return document | changes


def test_coco_of_others(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps(coco()))
    tracks = load_tracks(tmp_path / "c.json")
    assert tracks.name == ("nose", "tail") and tracks.size == (48, 64)
    np.testing.assert_array_equal(tracks.xy[[2, 4], 0], [[1, 2], [5, 6]])
    assert tracks.source[:, 1].tolist() == [0, 0, 1, 0, 0]
    assert not tracks.visible[2, 1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"annotations": coco()["annotations"] * 2}, "track_id"),
        ({"images": []}, "not in 'images'"),
        ({"categories": []}, "holds no keypoints"),
        ({"categories": [{"name": "a"}]}, "'id' of a category is missing"),
        ({"annotations": "none"}, "expected a list"),
        ({"images": {"a": 1}}, "expected a list"),
        (
            {"annotations": [{**coco()["annotations"][0], "keypoints": [1, 2]}]},
            "2 numbers for 2 keypoints",
        ),
        (
            {"annotations": [{**coco()["annotations"][0], "keypoints": [1, 2, 7] * 2}]},
            "v = 7",
        ),
        (
            {"annotations": [{**coco()["annotations"][0], "keypoints": ["a"] * 6}]},
            "list of numbers",
        ),
    ],
)
def test_broken_coco_says_what(tmp_path, changes, words):
    (tmp_path / "c.json").write_text(json.dumps(coco(**changes)))
    with pytest.raises(CoTrackerError, match=words) as caught:
        load_tracks(tmp_path / "c.json", "coco")
    assert "c.json" in str(caught.value)


def test_nwb_of_others(tmp_path):
    pynwb, ndx_pose = pytest.importorskip("pynwb"), pytest.importorskip("ndx_pose")
    from datetime import UTC, datetime

    file = pynwb.NWBFile("a session", "id", datetime(2025, 1, 1, tzinfo=UTC))
    series = [
        ndx_pose.PoseEstimationSeries(
            name=name,
            data=np.array([[1.0, 2], [3, 4], [5, 6]], np.float32) + n,
            confidence=np.array([0.9, 0.1, 0.8], np.float32),
            reference_frame="top left",
            timestamps=np.array([0.0, 0.1, 0.3]),
        )
        for n, name in enumerate(("nose", "tail"))
    ]
    skeleton = ndx_pose.Skeleton(name="s", nodes=["nose", "tail"])
    estimate = ndx_pose.PoseEstimation(
        name="camera_left", pose_estimation_series=series, skeleton=skeleton
    )
    module = file.create_processing_module("pose", "of a mouse")
    module.add(ndx_pose.Skeletons(skeletons=[skeleton]))
    module.add(estimate)
    with pynwb.NWBHDF5IO(str(tmp_path / "t.nwb"), "w") as out:
        out.write(file)
    tracks = load_tracks(tmp_path / "t.nwb")
    assert sorted(tracks.name) == ["nose", "tail"]
    np.testing.assert_array_equal(tracks.times, [0.0, 0.1, 0.3])
    assert tracks.visible[:, 0].tolist() == [True, False, True]
    nose = tracks.name.index("nose")
    np.testing.assert_array_equal(tracks.xy[2, nose], [5, 6])


def test_geff_of_others(tmp_path):
    geff, spec = pytest.importorskip("geff"), pytest.importorskip("geff_spec")
    nodes = np.array([10, 11, 12, 13], np.uint8)
    values = {"t": [0, 1, 2, 2], "y": [5.0, 6, 7, 8], "x": [1.0, 2, 3, 4]}
    geff.core_io.write_arrays(
        tmp_path / "cells.geff",
        nodes,
        {k: {"values": np.array(v), "missing": None} for k, v in values.items()},
        np.array([[10, 11], [11, 12], [11, 13]], np.uint8),
        {},
        geff.GeffMetadata(
            directed=True,
            axes=[
                spec.Axis(name="t", type="time"),
                spec.Axis(name="y", type="space"),
                spec.Axis(name="x", type="space"),
            ],
            node_props_metadata={},
            edge_props_metadata={},
        ),
    )
    tracks = load_tracks(tmp_path / "cells.geff")
    assert tracks.n_tracks == 3
    np.testing.assert_array_equal(tracks.xy[:2, 0], [[1, 5], [2, 6]])
    np.testing.assert_array_equal(tracks.xy[2, 1:], [[3, 7], [4, 8]])


def test_a_long_recording_may_be_labelled_here_and_there(tmp_path):
    """24 hours at 30 frames per second, 200 labels of 8 points."""
    frames = np.linspace(0, 2_591_999, 200).astype(int)
    rows = "".join(f"{k},{f},1,2\n" for k in range(8) for f in frames)
    (tmp_path / "t.csv").write_text("particle,frame,x,y\n" + rows)
    queries = load_queries(tmp_path / "t.csv")
    assert len(queries) == 1600 and queries.frame.max() == 2_591_999


@pytest.mark.parametrize("frame", ["1000000000", "999999999999999"])
def test_absurd_frame_numbers_ask_for_no_memory(tmp_path, frame):
    (tmp_path / "t.csv").write_text(f"particle,frame,x,y\n0,0,1,2\n0,{frame},1,2\n")
    with pytest.raises(FormatError, match="not plausible"):
        load_tracks(tmp_path / "t.csv")
