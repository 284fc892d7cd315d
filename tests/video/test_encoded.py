"""Every frame of random access equals the one of decoding from the start."""

import json
import pickle
import threading
import warnings

import av
import numpy as np
import pytest
from recordings import decode_all, encode, moving_pattern

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video import VideoWarning, open_video
from napari_cotracker.video.encoded import EncodedVideo
from napari_cotracker.video.source import FrameSource

N = 70


def assert_same(source, truth, order):
    wrong = [i for i in order if not np.array_equal(source[i], truth[i])]
    assert not wrong


def test_memory_for_frames_is_bounded(tmp_path):
    path = encode(tmp_path / "a.mp4", moving_pattern(N), bf=2, g=250)
    truth = decode_all(path)
    bytes_per_frame = 48 * 64 * 3 // 2
    source = EncodedVideo(path, cache_bytes=20 * bytes_per_frame)
    assert_same(source, truth, [60, 59, 20, 3, 69, 0])
    source.read(0, N)
    assert 10 * bytes_per_frame < source.cached_bytes <= 20 * bytes_per_frame
    source.close()
    assert source.cached_bytes == 0


def test_a_second_handle_is_independent(tmp_path):
    path = encode(tmp_path / "a.mp4", moving_pattern(N), bf=2, g=30)
    truth = decode_all(path)
    viewer = open_video(path)
    tracker = viewer.duplicate()
    np.testing.assert_array_equal(viewer[50], truth[50])
    np.testing.assert_array_equal(tracker[3], truth[3])
    viewer.close()
    path.rename(tmp_path / "moved.mp4")
    # The tracker's file is still open and goes on from where it was.
    np.testing.assert_array_equal(tracker[4], truth[4])
    assert tracker.describe() == viewer.describe()


@pytest.mark.parametrize("label", ["pts", "dts", "count"])
def test_packets_without_a_place_of_their_own(tmp_path, monkeypatch, label):
    from napari_cotracker.video import packets

    monkeypatch.setattr(packets, "_label", lambda found: label)
    path = encode(tmp_path / "a.mp4", moving_pattern(N), bf=2, g=12)
    truth = decode_all(path)
    source = open_video(path)
    assert len(source) == N and len(source.times) == N
    assert_same(source, truth, [50, 3, 69, 0, 31, 30, 29])


def test_rate_and_times_of_a_constant_rate(tmp_path):
    source = open_video(encode(tmp_path / "a.mp4", moving_pattern(10), rate=30, bf=2))
    assert source.fps == pytest.approx(30)
    np.testing.assert_allclose(source.times, np.arange(10) / 30, atol=1e-6)
    assert "h264" in source.describe() and "30 frames per second" in source.describe()


def test_one_frame_is_a_recording(tmp_path):
    path = encode(tmp_path / "a.mp4", moving_pattern(1))
    source = open_video(path)
    assert len(source) == 1
    np.testing.assert_array_equal(source[-1], decode_all(path)[0])


def test_pickled_and_read_by_several_threads(tmp_path):
    path = encode(tmp_path / "a.mp4", moving_pattern(N), bf=2, g=30)
    truth = decode_all(path)
    source = pickle.loads(pickle.dumps(open_video(path)))
    assert isinstance(source, FrameSource)
    wrong = []

    def work(seed):
        for i in np.random.default_rng(seed).integers(0, N, 30):
            if not np.array_equal(source[int(i)], truth[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_frames_that_were_read_may_be_changed(tmp_path):
    source = open_video(encode(tmp_path / "a.mp4", moving_pattern(5)))
    before = source[2].copy()
    source[2][:] = 0
    source.read(2, 3)[:] = 0
    np.testing.assert_array_equal(source[2], before)


def test_grey_of_more_than_8_bits_keeps_its_depth(tmp_path):
    values = np.arange(20, dtype=np.uint16)[:, None, None] * 100
    frames = np.zeros((20, 16, 16), np.uint16) + values + np.uint16(30000)
    path = encode(tmp_path / "a.mkv", frames, "ffv1", pix_fmt="gray16le")
    source = open_video(path)
    assert source.contrast_limits == (30000, 31900)
    assert source[0].max() == 0 and source[19].min() == 255
    narrow = open_video(path, contrast_limits=(0, 65535))
    assert narrow[0, 0, 0, 0] == round(30000 / 257)


@pytest.mark.parametrize(("pix_fmt", "top"), [("gray10le", 1023), ("gray12le", 4095)])
def test_values_of_10_and_12_bit_are_those_stored(tmp_path, pix_fmt, top):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 16, pix_fmt
        for value in (0, 400, top):
            picture = av.VideoFrame(32, 16, pix_fmt)
            picture.planes[0].update(np.full((16, 32), value, np.uint16).tobytes())
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    source = open_video(path)
    assert source.contrast_limits == (0, top)
    assert source[1, 0, 0, 0] == round(400 * 255 / top)


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".ts"])
def test_a_damaged_tail_leaves_the_good_frames(tmp_path, suffix):
    path = encode(tmp_path / f"a{suffix}", moving_pattern(N), bf=2, g=12)
    good = decode_all(path)
    cut(path, 0.6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VideoWarning)
        source = open_video(path)
    assert 20 < len(source) < N
    # The last frame may be half a picture where the container cannot tell.
    assert_same(source, good, [len(source) - 2, 3, 17])
    source.read(0, len(source))


def test_an_mp4_cut_off_warns_and_keeps_the_good_frames(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "12"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frame in moving_pattern(N):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))
    good = decode_all(path)
    cut(path, 0.6)
    with pytest.warns(VideoWarning, match=f"promises {N} frames, but only"):
        source = open_video(path)
    assert 10 < len(source) < N
    assert_same(source, good, [len(source) - 3, 0, 10])
    source.read(0, len(source))


def test_damage_in_the_middle_is_held_or_decoded_never_shifted(tmp_path):
    path = encode(tmp_path / "a.mp4", moving_pattern(N), bf=0, g=10)
    good = decode_all(path)
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat")
    middle = start + (content.index(b"moov") - start) // 2
    content[middle : middle + 300] = bytes(300)
    path.write_bytes(content)
    source = open_video(path)
    assert len(source) == N
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VideoWarning)
        assert_same(source, good, [0, 5, 69, 65, 12])
        source.read(0, N)


def test_frames_that_are_lost_are_held_and_said(tmp_path):
    frames = moving_pattern(20)
    path = encode(tmp_path / "a.mov", frames, "mjpeg", pix_fmt="yuvj420p")
    good = decode_all(path)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    for lost in (0, 7, 8, 13):
        pos, size = packets[lost]
        content[pos : pos + size] = b"\x01" * size
    path.write_bytes(content)
    with pytest.warns(VideoWarning, match="promises 20 frames, but only 19"):
        source = open_video(path)
    with pytest.warns(VideoWarning, match="Frame 6 .*frame 5 is shown"):
        read = source.read(0, 19)
    held = [1, 2, 3, 4, 5, 6, 6, 6, 9, 10, 11, 12, 12, 14, 15, 16, 17, 18, 19]
    for i, shown in enumerate(held):
        np.testing.assert_array_equal(read[i], good[shown])
    source.close()
    with pytest.warns(VideoWarning):
        np.testing.assert_array_equal(source[7], good[6])


def test_bad_files_get_one_clear_sentence(tmp_path):
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), "fltp", "mono"
        )
        silence.rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="no video stream"):
        open_video(sound)
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(VideoError, match="cannot be opened as a video"):
        open_video(noise)
    with pytest.raises(VideoError, match=r"0 bytes"):
        (tmp_path / "empty.avi").touch()
        open_video(tmp_path / "empty.avi")
    with pytest.raises(InputError, match="do not apply"):
        open_video(encode(tmp_path / "a.mp4", moving_pattern(2)), axes="TYX")


def test_packets_without_a_decodable_frame(tmp_path):
    path = encode(tmp_path / "a.avi", moving_pattern(5), "mpeg4")
    content = bytearray(path.read_bytes())
    start = content.index(b"movi") + 4
    position = start
    while content[position : position + 4] == b"00dc":
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        content[position + 8 : position + 8 + size] = b"\xff" * size
        position += 8 + size + size % 2
    path.write_bytes(content)
    with pytest.raises(VideoError, match="no frame that can be decoded"):
        open_video(path)


def test_every_real_clip(clips):
    for about in sorted(clips.glob("**/source.json")):
        record = json.loads(about.read_text())
        path = about.parent / record.get("video", "video.mp4")
        if not path.is_file() or record["n_frames"] > 600 or record["width"] > 700:
            continue
        truth = decode_all(path)
        # Some state a rate that their packets contradict.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VideoWarning)
            opened = open_video(path)
        with opened as source:
            assert len(source) == len(truth) == record["n_frames"], path
            order = np.random.default_rng(3).integers(0, len(truth), 12).tolist()
            assert_same(source, truth, [*order, len(truth) - 1, 0])
