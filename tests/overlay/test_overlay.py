"""Overlays show the right point in the right place, and nothing is left half done."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageFont

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.overlay import Marks, write_overlay, write_strip
from napari_cotracker.overlay.lettering import covers, font_for
from napari_cotracker.overlay.marks import colour_of
from napari_cotracker.tracks import Source, Tracks
from napari_cotracker.video import open_video
from napari_cotracker.video.array import ArraySource


def two_tracks(n_frames, size, visible=True):
    t = np.arange(n_frames, dtype=np.float32)
    xy = np.stack(
        [
            np.stack([20 + t, 0 * t + 30], -1),
            np.stack([0 * t + 70, 20 + t], -1),
        ],
        axis=1,
    )
    shape = xy.shape[:2]
    return Tracks(
        xy=xy,
        visibility=np.ones(shape),
        confidence=np.ones(shape),
        visible=np.full(shape, visible),
        source=np.full(shape, Source.MODEL),
        point_id=[4, 9],
        name=("nose", "Schwanz-Ende"),
        size=size,
    )


def coloured(picture, track):
    """Centre of all pixels near the colour of a track, x and y."""
    distance = np.abs(picture.astype(int) - colour_of(track)).max(-1)
    y, x = np.nonzero(distance < 60)
    return x.mean(), y.mean(), len(x)


@pytest.mark.parametrize("scale", [1.0, 3.0, 0.5])
def test_marks_lie_on_their_points(scale):
    tracks = two_tracks(5, (60, 90))
    canvas = np.full((round(60 * scale), round(90 * scale), 3), 90, np.uint8)
    marks = Marks(trail=0, radius=4, names=False)
    drawn = marks.draw(canvas, tracks, 3, scale)
    assert drawn.shape == canvas.shape and (canvas == 90).all()
    for track in (0, 1):
        x, y, count = coloured(drawn, track)
        expected = (tracks.xy[3, track] + 0.5) * scale - 0.5
        np.testing.assert_allclose((x, y), expected, atol=0.5)
        assert 30 < count < 80


def test_hidden_points_are_rings_and_unknown_ones_are_not_drawn():
    canvas = np.full((60, 90, 3), 90, np.uint8)
    marks = Marks(trail=0, radius=5, names=False)
    hidden = marks.draw(canvas, two_tracks(5, (60, 90), visible=False), 3)
    assert (hidden[30, 23] == 90).all()
    assert coloured(hidden, 0)[2] > 10
    nothing = Tracks.empty(5, [0], ("a",), size=(60, 90))
    np.testing.assert_array_equal(marks.draw(canvas, nothing, 3), canvas)


def test_trails_reach_back_as_far_as_asked():
    tracks = two_tracks(40, (60, 90))
    canvas = np.zeros((60, 90, 3), np.uint8)
    drawn = Marks(trail=10, radius=2, names=False).draw(canvas, tracks, 35)
    lit = np.flatnonzero(drawn[30].any(-1))
    assert 44 <= lit.min() <= 47
    bare = Marks(trail=0, radius=2, names=False).draw(canvas, tracks, 35)
    assert np.flatnonzero(bare[30].any(-1)).min() >= 50


def test_names_are_written_where_there_is_room():
    canvas = np.zeros((200, 300, 3), np.uint8)
    tracks = two_tracks(5, (200, 300))
    lit = [
        Marks(names=names).draw(canvas, tracks, 2).any(-1).sum()
        for names in (False, True, None)
    ]
    assert lit[0] < lit[1] == lit[2]


def test_an_overlay_video_has_every_frame_in_place(tmp_path):
    frames = np.full((30, 60, 90, 3), 90, np.uint8)
    source, tracks = open_video(frames), two_tracks(30, (60, 90))
    path = tmp_path / "overlay.mp4"
    write_overlay(source, tracks, path, marks=Marks(0, 10, False), fps=12)
    video = open_video(path)
    # Small recordings are enlarged four times here.
    assert video.shape == (30, 240, 360, 3)
    assert video.fps == pytest.approx(12)
    for number in (0, 17, 29):
        x, y, _ = coloured(video[number], 0)
        expected = (tracks.xy[number, 0] + 0.5) * 4 - 0.5
        np.testing.assert_allclose((x, y), expected, atol=2)
    with pytest.raises(VideoError, match="exists already"):
        write_overlay(source, tracks, path)
    assert [p.name for p in tmp_path.iterdir()] == ["overlay.mp4"]


def test_memory_does_not_grow_with_the_recording(tmp_path):
    class Watched(ArraySource):
        largest = 0

        def _read(self, start, stop):
            self.largest = max(self.largest, stop - start)
            return super()._read(start, stop)

    source = Watched(np.zeros((50, 60, 90), np.uint8))
    write_overlay(source, two_tracks(50, (60, 90)), tmp_path / "a.mp4")
    assert source.largest <= 8


def test_a_strip_shows_the_frames_asked_for(tmp_path):
    from PIL import Image

    source = open_video(np.full((30, 60, 90, 3), 90, np.uint8))
    tracks = two_tracks(30, (60, 90))
    write_strip(source, tracks, tmp_path / "even.png", frames=6)
    assert Image.open(tmp_path / "even.png").size == (4 * 484 - 4, 2 * 324 - 4)
    write_strip(
        source, tracks, tmp_path / "two.png", [0, 29], marks=Marks(0, 12, False)
    )
    sheet = np.asarray(Image.open(tmp_path / "two.png"))
    for tile, number in ((sheet[:, :480], 0), (sheet[:, 484:], 29)):
        x, y, _ = coloured(tile, 0)
        expected = (tracks.xy[number, 0] + 0.5) * 480 / 90 - 0.5
        np.testing.assert_allclose((x, y), expected, atol=1)


def test_tracks_of_another_recording_are_refused(tmp_path):
    source = open_video(np.zeros((30, 60, 90), np.uint8))
    with pytest.raises(InputError, match="have 20 frames"):
        write_overlay(source, two_tracks(20, (60, 90)), tmp_path / "a.mp4")
    with pytest.raises(InputError, match="64 x 48"):
        write_strip(source, two_tracks(30, (48, 64)), tmp_path / "a.png")
    with pytest.raises(InputError, match="numbers from 0 to 29"):
        write_strip(source, two_tracks(30, (60, 90)), tmp_path / "a.png", [30])
    with pytest.raises(VideoError, match="cannot be written"):
        write_strip(source, two_tracks(30, (60, 90)), tmp_path / "none" / "a.png")
    with pytest.raises(InputError, match="trail"):
        Marks(trail=-1)
    assert not list(tmp_path.iterdir())


def test_names_get_a_font_that_has_their_letters():
    own = ImageFont.load_default(size=20)
    assert covers(own, "nose 1") and not covers(own, "鼻")
    assert font_for("nose", 20).getname() == own.getname()
    found = font_for("鼻", 20)
    if found.getname() == own.getname():
        pytest.skip("this machine has no font with Chinese letters")
    assert covers(found, "鼻") and found.getname() != own.getname()


def test_any_name_can_be_drawn():
    canvas = np.zeros((60, 90, 3), np.uint8)
    names = ("line\nbreak\ttab", "\U0010ffff鼻\u202e")
    drawn = Marks(names=True).draw(
        canvas, replace(two_tracks(3, (60, 90)), name=names), 1
    )
    assert drawn.any()
