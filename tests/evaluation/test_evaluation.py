"""Scores of labelled clips: against hand counts, and against the outside script."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_cotracker.errors import FormatError
from napari_cotracker.evaluation.baselines import lucas_kanade, stay
from napari_cotracker.evaluation.labelled import find_labelled_clips, read_labelled_clip
from napari_cotracker.evaluation.protocol import make_task
from napari_cotracker.tracks.accuracy import delta_avg, errors_256
from napari_cotracker.video import open_video

OUTSIDE = Path(__file__).parents[3] / "shared" / "clips"


@pytest.fixture
def clip(tmp_path):
    folder = tmp_path / "moving"
    folder.mkdir()
    source = {"video": "v.mp4", "width": 64, "height": 48}
    (folder / "source.json").write_text(json.dumps(source))
    (folder / "labels.csv").write_text(
        "track,frame,x,y,visible\n"
        "b,0,10,10,1\n"
        "a,5,1,2,1\na,0,0,0,1\na,70,3,4,1\na,80,9,9,0\n"
    )
    return read_labelled_clip(folder)


def test_hidden_labels_are_dropped_and_rows_sorted(clip):
    assert clip.track.tolist() == ["a", "a", "a", "b"]
    assert clip.frame.tolist() == [0, 5, 70, 0]


def test_first_label_is_the_query(clip):
    task = make_task(clip, None)
    assert task.queries.name == ("a@0",)
    assert task.target_frame.tolist() == [5, 70]


def test_horizon_makes_every_label_a_query(clip):
    task = make_task(clip, 65)
    assert task.queries.name == ("a@0", "a@5")
    assert task.target_frame.tolist() == [5, 70]
    assert task.target_query.tolist() == [0, 1]
    assert stay(task).tolist() == [[0, 0], [1, 2]]
    assert make_task(clip, 1) is None
    assert make_task(clip, 65, every=2).queries.name == ("a@0",)


def test_errors_are_scaled_to_256_and_missing_answers_are_misses():
    xy = np.array([[1.0, 0], [0, 1], [np.nan, 0]])
    errors = errors_256(xy, np.zeros((3, 2)), (128, 64))
    np.testing.assert_allclose(errors, [4, 2, np.inf])
    # < 1: none, < 2: none (2 is not below 2), < 4: one, < 8 and < 16: two of three.
    assert delta_avg(errors) == pytest.approx((0 + 0 + 1 / 3 + 2 / 3 + 2 / 3) / 5)


def test_a_folder_without_clips_says_so(tmp_path):
    with pytest.raises(FormatError, match="No labelled clip"):
        find_labelled_clips(tmp_path)
    (tmp_path / "labels.csv").write_text("track,frame\n")
    with pytest.raises(FormatError, match=r"source\.json"):
        find_labelled_clips(tmp_path)


def test_lucas_kanade_follows_a_drifting_texture():
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (40, 60)).astype(np.uint8)
    texture = np.kron(texture, np.ones((4, 4), np.uint8))
    video = np.stack([texture[20:116, 20 + t : 148 + t] for t in range(8)])

    class Clip:
        track = np.array(["a", "a"])
        frame = np.array([0, 7])
        xy = np.array([[60, 50], [53, 50]], np.float32)

    task = make_task(Clip, None)
    answers = lucas_kanade(open_video(video), task)
    np.testing.assert_allclose(answers, [[53, 50]], atol=0.2)


@pytest.mark.skipif(not OUTSIDE.is_dir(), reason="the development clips are not here")
def test_agrees_with_the_outside_scoring_script():
    pandas = pytest.importorskip("pandas")
    sys.path.insert(0, str(OUTSIDE))
    try:
        import score as outside
        from clipio import expand, load
    finally:
        sys.path.remove(str(OUTSIDE))
    folder = OUTSIDE / "dreem_cells0"
    clip = read_labelled_clip(folder)
    task = make_task(clip, 60)
    rng = np.random.default_rng(1)
    answers = task.target_xy + rng.normal(0, 8, task.target_xy.shape)
    # Pseudo-track names of the outside script are ours.
    names = [task.queries.name[q] for q in task.target_query]
    rows = pandas.DataFrame(
        {
            "track": [*task.queries.name, *names],
            "frame": [*task.queries.frame, *task.target_frame],
            "x": [*task.queries.xy[:, 0], *answers[:, 0]],
            "y": [*task.queries.xy[:, 1], *answers[:, 1]],
            "visible": 1,
        }
    )
    result, _ = outside.score(
        expand(load(str(folder))["labels"], 60), rows, clip.size[1], clip.size[0]
    )
    errors = errors_256(answers, task.target_xy, clip.size)
    assert result["n"] == len(errors)
    assert result["delta_avg"] == pytest.approx(delta_avg(errors), abs=1e-4)
    still = errors_256(stay(task), task.target_xy, clip.size)
    assert result["still_delta_avg"] == pytest.approx(delta_avg(still), abs=1e-4)
