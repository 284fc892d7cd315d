"""Frame i is the i-th picture of the recording, whatever the container does.

Every file carries frame numbers burnt into its pictures, and is compared with
decoding it from the start.
"""

import os
import warnings

import av
import numpy as np
import pytest
from boxes import with_display_matrix, with_edit_list
from recordings import decode_all, encode, number_in, numbered, remuxed

from napari_cotracker.video import VideoWarning, open_video

N = 60
OPEN = {"g": 12, "x264-params": "open-gop=1"}
STRIPES = {"x264-params": "intra-refresh=1:keyint=20"}
HEVC = {"x265-params": "log-level=none:bframes=3:keyint=20:open-gop=1"}
VP9 = {"g": 30, "lag-in-frames": 16, "auto-alt-ref": 1, "cpu-used": 6}
AV1 = {"g": 20, "preset": 8, "crf": 20, "svtav1-params": "enable-tf=0:pred-struct=1"}
FIELDS = {"interlaced": True, "x264-params": "tff=1", "bf": 2}
PIECES = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
KINDS = {
    "h264 with B-frames, long groups": ("a.mp4", "libx264", {"bf": 3, "g": 250}),
    "h264, short groups": ("a.mp4", "libx264", {"bf": 2, "g": 5}),
    "h264, open groups": ("a.mkv", "libx264", {"bf": 3, **OPEN}),
    "h264 refreshed in stripes": ("a.mp4", "libx264", STRIPES),
    "h264 in AVI, with B-frames": ("a.avi", "libx264", {"bf": 3, "g": 20}),
    "h264 in a transport stream": ("a.ts", "libx264", {"bf": 2, "g": 15}),
    "h264 in FLV": ("a.flv", "libx264", {"bf": 2}),
    "h264 of 10 bit": ("a.mov", "libx264", {"bf": 2, "pix_fmt": "yuv420p10le"}),
    "h264, grey": ("a.mp4", "libx264", {"bf": 2, "pix_fmt": "gray"}),
    "h264, interlaced": ("a.mp4", "libx264", FIELDS),
    "h264 in AVI, interlaced": ("a.avi", "libx264", FIELDS),
    "h264 with sound": ("a.mp4", "libx264", {"bf": 2, "sound": True}),
    "h264 in pieces": ("a.mp4", "libx264", {"bf": 2, "g": 12, "muxer": PIECES}),
    "HEVC, open groups": ("a.mp4", "libx265", HEVC),
    "HEVC of 10 bit": ("a.mkv", "libx265", {**HEVC, "pix_fmt": "yuv420p10le"}),
    "mpeg4 in AVI": ("a.avi", "mpeg4", {"g": 12}),
    "mpeg4 in AVI, with B-frames": ("a.avi", "mpeg4", {"bf": 2, "g": 12}),
    "mpeg4 in AVI, with sound": ("a.avi", "mpeg4", {"g": 12, "sound": True}),
    "mpeg4 of one group in AVI": ("a.avi", "mpeg4", {"g": 300}),
    "WMV in AVI": ("a.avi", "wmv2", {"g": 12}),
    "FFV1 in AVI": ("a.avi", "ffv1", {"g": 12}),
    "h264 baseline in AVI": ("a.avi", "libx264", {"profile": "baseline", "g": 20}),
    "mjpeg": ("a.avi", "mjpeg", {"pix_fmt": "yuvj420p"}),
    "mjpeg in MOV": ("a.mov", "mjpeg", {"pix_fmt": "yuvj420p"}),
    "ProRes": ("a.mov", "prores_ks", {"pix_fmt": "yuv422p10le"}),
    "QuickTime animation": ("a.mov", "qtrle", {"pix_fmt": "rgb24"}),
    "mpeg2": ("a.mpg", "mpeg2video", {"bf": 2, "g": 12}),
    "mpeg2, interlaced": ("a.ts", "mpeg2video", {"bf": 2, "interlaced": True}),
    "VP8": ("a.webm", "libvpx", {"g": 30, "deadline": "realtime"}),
    "VP9 with hidden frames": ("a.webm", "libvpx-vp9", VP9),
    "VP9 in MKV": ("a.mkv", "libvpx-vp9", VP9),
    "AV1": ("a.webm", "libsvtav1", AV1),
    "WMV": ("a.wmv", "wmv2", {"g": 12}),
    "FFV1": ("a.mkv", "ffv1", {}),
    "raw": ("a.avi", "rawvideo", {"pix_fmt": "bgr24"}),
    "raw, grey": ("a.avi", "rawvideo", {"pix_fmt": "gray"}),
    "GIF": ("a.gif", "gif", {"pix_fmt": "rgb8"}),
}  # fmt: skip


def make(path, codec="libx264", n=N, **options):
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg lacks {codec}")
    if codec == "libsvtav1":
        os.environ["SVT_LOG"] = "0"
    return encode(path, numbered(n), codec, **options)


def assert_exact(path, numbers):
    """Open, read in several orders, and compare with decoding from the start."""
    truth = decode_all(path)
    assert [number_in(frame) for frame in truth] == list(numbers)
    with open_video(path) as source:
        assert source.shape == (len(truth), *truth[0].shape)
        order = [
            *np.random.default_rng(1).permutation(len(truth)).tolist(),
            *reversed(range(len(truth))),
        ]
        assert not [i for i in order if not np.array_equal(source[i], truth[i])]
        source.close()
        for i in (len(truth) - 1, 0, 33, 32, 34, 33):
            np.testing.assert_array_equal(source[i], truth[i])
        np.testing.assert_array_equal(source.read(20, 31), truth[20:31])
        np.testing.assert_array_equal(source[::-7], truth[::-7])
    return source


@pytest.mark.parametrize("kind", list(KINDS))
def test_random_access_equals_sequential_decoding(tmp_path, kind):
    name, codec, options = KINDS[kind]
    source = assert_exact(make(tmp_path / name, codec, **options), range(N))
    np.testing.assert_allclose(source.times, np.arange(N) / 25, atol=2e-3)
    assert source.fps == pytest.approx(25, rel=1e-3)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_variable_frame_rate(tmp_path, suffix):
    pts = np.cumsum([0, *np.random.default_rng(2).integers(5, 120, N - 1)]).tolist()
    path = make(tmp_path / f"v.{suffix}", pts=pts, rate=1000, bf=2, g=30)
    source = assert_exact(path, range(N))
    np.testing.assert_allclose(source.times, np.array(pts) / 1000, atol=2e-3)
    assert source.fps == pytest.approx((N - 1) / (pts[-1] / 1000), rel=1e-2)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("avi", "mpeg4"),
        ("ts", "mpeg2video"),
        ("mov", "mjpeg"),
        ("mkv", "ffv1"),
        ("mp4", "mpeg4"),
    ],
)
def test_dropped_frames_leave_a_gap_in_time_only(tmp_path, suffix, codec):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    whole = make(tmp_path / f"whole.{suffix}", codec, g=1, pix_fmt=pix_fmt)
    lost = {7, 8, 30}
    path = remuxed(whole, tmp_path / f"a.{suffix}", lambda i, _: i not in lost)
    left = [i for i in range(N) if i not in lost]
    source = assert_exact(path, left)
    np.testing.assert_allclose(source.times, np.array(left) / 25, atol=2e-3)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_late_start_is_time_zero(tmp_path, suffix):
    def later(_, packet):
        packet.pts += 30 * packet.duration
        packet.dts += 30 * packet.duration

    path = remuxed(make(tmp_path / "whole.mp4", bf=2), tmp_path / f"a.{suffix}", later)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).time > 1
    source = assert_exact(path, range(N))
    np.testing.assert_allclose(source.times, np.arange(N) / 25, atol=2e-3)


@pytest.mark.parametrize(
    "edits",
    [
        [(5, 40)],
        [(None, 10), (0, N)],
        [(5, 20), (40, 15)],
        [(0, 25), (10, 20)],
        [(30, 20), (0, 20)],
    ],
    ids=["start and end cut", "late", "middle cut", "shown twice", "swapped"],
)
def test_edit_lists(tmp_path, edits):
    path = with_edit_list(make(tmp_path / "a.mp4", bf=2, g=20), edits, 25)
    shown = [(start, n) for start, n in edits if start is not None]
    assert_exact(path, [i for start, n in shown for i in range(start, start + n)])


@pytest.mark.parametrize("bf", [0, 2])
def test_a_start_that_was_trimmed_without_encoding_again(tmp_path, bf):
    """Negative times hide the first frames; players and PyAV leave them out."""

    def earlier(_, packet):
        packet.pts -= 5 * packet.duration
        packet.dts -= 5 * packet.duration

    options = {"avoid_negative_ts": "disabled", "use_editlist": "1"}
    whole = make(tmp_path / "whole.mp4", bf=bf, g=20)
    path = remuxed(whole, tmp_path / "a.mp4", earlier, **options)
    assert_exact(path, range(5, N))


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        (((0, 1), (-1, 0)), lambda frame: np.rot90(frame, -1)),
        (((-1, 0), (0, -1)), lambda frame: np.rot90(frame, 2)),
        (((0, -1), (1, 0)), np.rot90),
        (((-1, 0), (0, 1)), lambda frame: frame[:, ::-1]),
        (((1, 0), (0, -1)), lambda frame: frame[::-1]),
        (((0, 1), (1, 0)), lambda frame: frame.swapaxes(0, 1)),
        (((0, -1), (-1, 0)), lambda frame: np.rot90(frame, 2).swapaxes(0, 1)),
    ],
    ids=["90", "180", "270", "mirrored", "upside down", "transposed", "transverse"],
)
def test_upright_as_the_file_says(tmp_path, matrix, upright):
    path = make(tmp_path / "a.mp4", n=8)
    truth = decode_all(path)
    source = open_video(with_display_matrix(path, matrix))
    expected = np.stack([upright(frame) for frame in truth])
    np.testing.assert_array_equal(source[:], expected)


@pytest.mark.parametrize(
    ("codec", "options", "decoded"),
    [
        ("mpeg4", {"g": 12}, False),
        ("mpeg4", {"g": 12, "bf": 2}, True),
        ("libx264", {"profile": "baseline"}, False),
        ("libx264", {"bf": 0}, True),
        ("wmv2", {}, False),
        ("mjpeg", {"pix_fmt": "yuvj420p"}, False),
    ],
    ids=str,
)
def test_a_long_avi_is_not_decoded_to_be_opened(
    tmp_path, monkeypatch, codec, options, decoded
):
    from napari_cotracker.video import packets

    calls, order = [], packets._order_by_decoding
    monkeypatch.setattr(
        packets, "_order_by_decoding", lambda *args: calls.append(1) or order(*args)
    )
    source = open_video(make(tmp_path / "a.avi", codec, n=30, **options))
    assert bool(calls) is decoded
    assert [number_in(frame) for frame in source] == list(range(30))


def test_packets_that_say_as_before_are_no_pictures(tmp_path):
    """MPEG-4 writers drop frames by packets without a picture."""
    nothing = bytes.fromhex("000001b6") + bytes([0b01010000, 0b01001111])
    path = tmp_path / "a.avi"
    with (
        av.open(str(make(tmp_path / "whole.avi", "mpeg4", g=12))) as old,
        av.open(str(path), "w") as new,
    ):
        stream = new.add_stream_from_template(old.streams.video[0])
        for i, packet in enumerate(old.demux(video=0)):
            if packet.size:
                empty = av.Packet(nothing) if i in (7, 8, 30) else packet
                empty.pts, empty.dts = packet.pts, packet.dts
                empty.time_base, empty.stream = packet.time_base, stream
                new.mux(empty)
    truth = decode_all(path)
    source = open_video(path)
    assert len(source) == len(truth) < N
    for i in (0, 6, 7, 29, 50, len(truth) - 1, 8):
        np.testing.assert_array_equal(source[i], truth[i])


def test_an_avi_whose_header_and_frames_disagree_on_the_rate(tmp_path):
    def twice_as_slow(_, packet):
        packet.pts, packet.dts = 2 * packet.pts, 2 * packet.dts

    whole = make(tmp_path / "whole.avi", "mpeg4", g=12, rate=120)
    path = remuxed(whole, tmp_path / "a.avi", twice_as_slow)
    with pytest.warns(VideoWarning, match=r"states 120 .* 60 frames .* 60 per second"):
        source = open_video(path)
    assert source.fps == pytest.approx(60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = open_video(path, fps=120)
    assert right.fps == 120
    np.testing.assert_allclose(right.times, np.arange(N) / 120)
    assert [number_in(right[i]) for i in (0, 31, N - 1)] == [0, 31, N - 1]
