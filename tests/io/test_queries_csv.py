"""Query points as CSV: by number or by name, and exact."""

import os

import numpy as np
import pytest

from napari_cotracker.errors import FormatError
from napari_cotracker.io import load_queries, load_tracks, save_queries
from napari_cotracker.tracks import Queries


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_round_trip(tmp_path):
    queries = Queries(
        [3, 0, 9],
        np.float32([[1 / 3, 2], [-0.25, 5], [7, 1e-3]]),
        [7, 2, 7],
        ["Nase, vorn", "鼻", "Nase, vorn"],
    )
    save_queries(queries, tmp_path / "q.csv")
    again = load_queries(tmp_path / "q.csv")
    assert again.xy.tobytes() == queries.xy.tobytes()
    assert again.point_id.tolist() == [7, 2, 7] and again.name == queries.name
    with pytest.raises(FormatError, match="exists already"):
        save_queries(queries, tmp_path / "q.csv")
    save_queries(Queries.from_txy([[0, 1, 2]]), tmp_path / "q.csv", overwrite=True)
    assert load_queries(tmp_path / "q.csv").name == ("point 0",)


def test_numbers_are_ids(tmp_path):
    queries = load_queries(
        write(tmp_path / "q.csv", "track,frame,x,y\n5,0,1,2\n3,1,3,4\n")
    )
    assert queries.point_id.tolist() == [5, 3]
    assert queries.name == ("point 5", "point 3")
    named = write(tmp_path / "n.csv", "x,y,frame,track,name\n1,2,0,5.0,nose\n")
    assert load_queries(named).name == ("nose",)
    assert load_queries(named).point_id.tolist() == [5]


def test_text_becomes_names(tmp_path):
    text = "track,frame,x,y,visible\nnose,4,1,2,1\nleft ear,0,3,4,1\nnose,9,5,6,1\n"
    queries = load_queries(write(tmp_path / "q.csv", text))
    assert queries.point_id.tolist() == [0, 1, 0]
    assert queries.name == ("nose", "left ear", "nose")
    # "1" and "01" are different names, so they are not taken as numbers.
    queries = load_queries(
        write(tmp_path / "q.csv", "track,frame,x,y\n1,0,1,2\n01,0,3,4\n")
    )
    assert queries.name == ("1", "01") and queries.point_id.tolist() == [0, 1]


def test_spreadsheets_are_read(tmp_path):
    path = tmp_path / "q.csv"
    path.write_bytes(b"\xef\xbb\xbftrack,frame,x,y\r\nnose,0,1.5,2\r\n\r\n")
    assert load_queries(path).xy.tolist() == [[1.5, 2.0]]
    path.write_bytes(b"track,frame,x,y,name\r\n0,0,1.5,2,\r\n,,,,\r\n ,,,,\r\n")
    assert load_queries(path).xy.tolist() == [[1.5, 2.0]]


def test_hidden_points_are_left_out_and_counted(tmp_path):
    text = "track,frame,x,y,visible\na,4,1,2,1\na,5,,,0\nb,0,3,4,True\nb,1,9,9,False\n"
    path = write(tmp_path / "q.csv", text)
    with pytest.warns(UserWarning, match=r"q\.csv': 2 of 4 points say visible = 0"):
        queries = load_queries(path)
    assert queries.frame.tolist() == [4, 0] and queries.name == ("a", "b")
    write(path, "track,frame,x,y,visible\na,4,1,2,0\n")
    with pytest.raises(FormatError, match="all 1 points say visible = 0"):
        load_queries(path)
    write(path, "track,frame,x,y,visible\na,4,1,2,perhaps\n")
    with pytest.raises(FormatError, match="line 2, column 'visible': expected 0 or 1"):
        load_queries(path)


def test_one_track_has_one_name(tmp_path):
    path = write(tmp_path / "q.csv", "track,frame,x,y,name\n0,0,1,2,\n0,9,3,4,nose\n")
    assert load_queries(path).name == ("nose", "nose")
    write(path, "track,frame,x,y,name\n0,0,1,2,nose\n0,9,3,4,tail\n")
    with pytest.raises(FormatError, match="line 3, column 'name': expected 'nose'"):
        load_queries(path)
    # Other anchors than the first lend a track no name.
    queries = Queries([0, 9], [[1, 2], [3, 4]], [0, 0], ["nose", "tail"])
    save_queries(queries, path, overwrite=True)
    assert load_queries(path).name == ("nose", "nose")


def test_a_pipe_is_no_file(tmp_path):
    # It can be read once, and a look inside would find it empty then.
    os.mkfifo(tmp_path / "q.csv")
    for load in (load_queries, load_tracks):
        with pytest.raises(FormatError, match="is a pipe or a device"):
            load(tmp_path / "q.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("track,frame,x,y\n", "no rows"),
        ("track,frame,x\n0,0,1\n", "column(s) y missing"),
        ("track;frame;x;y\n0;0;1;2\n", "write commas between columns"),
        ("track,frame,x,y\n0,0,1,2\n0,a,1,2\n", "line 3, column 'frame'"),
        ("track,frame,x,y\n0,0,1,\n", "line 2, column 'y': expected a number"),
        ("track,frame,x,y\n0,0,1,nan\n", "line 2, column 'y': expected a finite"),
        ("track,frame,x,y\n0,1.5,1,2\n", "whole number"),
        ("track,frame,x,y\n0,-3,1,2\n", "0 or more"),
        ("track,frame,x,y\n,0,1,2\n", "line 2, column 'track'"),
        ("track,frame,x,y\na,0,1,2\nb,0,1,2\na,0,1,2\n", "lines 2 and 4"),
    ],
)
def test_bad_files_say_where(tmp_path, text, words):
    with pytest.raises(FormatError) as caught:
        load_queries(write(tmp_path / "q.csv", text))
    assert words in str(caught.value)
