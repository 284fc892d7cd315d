"""Videos are written whole or not at all."""

import subprocess
import sys

import numpy as np
import pytest
from recordings import moving_pattern

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video import VideoWriter, open_video, write_video, writer


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_frames_come_back(tmp_path, monkeypatch, codec):
    monkeypatch.setattr(writer, "_codec", lambda: codec)
    frames = moving_pattern(20)
    write_video(frames, tmp_path / "a.mp4", fps=29.97)
    source = open_video(tmp_path / "a.mp4")
    assert source.shape == frames.shape
    assert source.fps == pytest.approx(29.97, rel=1e-3)
    difference = source.read(0, 20).astype(int) - frames
    assert np.abs(difference.mean(axis=(1, 2, 3))).max() < 4


def test_odd_sizes_are_padded(tmp_path):
    write_video(moving_pattern(3)[:, :47, :61], tmp_path / "a.mp4")
    assert open_video(tmp_path / "a.mp4").shape == (3, 48, 62, 3)


def test_nothing_is_left_after_an_error(tmp_path):
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyError), VideoWriter(path) as video:
        video.write(moving_pattern(1)[0])
        raise KeyError
    with pytest.raises(VideoError, match="no frames"):
        write_video([], path)
    with pytest.raises(VideoError, match="one size"):
        write_video([moving_pattern(1)[0], np.zeros((16, 16, 3), np.uint8)], path)
    with pytest.raises(InputError, match=r"expected \(H, W, 3\) uint8"):
        write_video(np.zeros((2, 16, 16, 3)), path)
    with pytest.raises(VideoError, match="cannot be written"):
        write_video(moving_pattern(1), tmp_path / "none" / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("precious")
    with pytest.raises(VideoError, match="exists already"):
        write_video(moving_pattern(2), path)
    with pytest.raises(VideoError, match="no frames"):
        write_video([], path, overwrite=True)
    assert path.read_text() == "precious"
    write_video(moving_pattern(2), path, overwrite=True)
    assert len(open_video(path)) == 2


def test_a_full_disk_leaves_nothing(tmp_path):
    """A limit on file size is the full disk that a test can have without being root."""
    code = """
import resource, signal, sys
import numpy as np
from napari_cotracker.errors import VideoError
from napari_cotracker.video import write_video
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
frames = np.random.default_rng(0).integers(0, 255, (60, 96, 96, 3)).astype(np.uint8)
try:
    write_video(frames, sys.argv[1], overwrite=True)
except VideoError as error:
    sys.exit(str(error))
"""
    path = tmp_path / "a.mp4"
    path.write_text("precious")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True
    )
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert path.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
