"""Broken and odd recordings: one clear sentence each, in Python and on the console."""

import os
import struct
import warnings
from dataclasses import dataclass

import av
import imagecodecs
import numpy as np
import pytest
import tifffile
from messages import assert_clear
from recordings import encode, moving_pattern

from napari_cotracker import open_video
from napari_cotracker.cli import main
from napari_cotracker.errors import CoTrackerError

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 256, (9, 24, 32)).astype(np.uint8)


@dataclass(frozen=True)
class Case:
    """A file to be made at a path, and words that its message must have."""

    name: str
    make: object
    words: str


def video(path, **options):
    return encode(path, moving_pattern(12), **options)


def cut(share, source="mp4", **options):
    def make(path):
        whole = video(path.with_name(f"whole.{source}"), **options).read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])

    return make


def overwritten(start, stop, value=0, source="mp4"):
    """Damage a share of a good file."""

    def make(path):
        content = bytearray(video(path.with_name(f"whole.{source}")).read_bytes())
        a, b = (int(len(content) * at) for at in (start, stop))
        content[a:b] = bytes([value]) * (b - a)
        path.write_bytes(content)

    return make


def sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp2", rate=32000)
        still = av.AudioFrame.from_ndarray(
            np.zeros((1, 1152), np.int16), format="s16", layout="mono"
        )
        still.rate = 32000
        container.mux(stream.encode(still))
        container.mux(stream.encode(None))


def two_sizes(path):
    """H.264 in a transport stream whose picture size changes on the way."""
    parts = [
        encode(path.with_name(f"{side}.ts"), moving_pattern(6, side, side))
        for side in (48, 96)
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))


def unknown_codec(path):
    content = video(path.with_name("whole.mp4")).read_bytes()
    path.write_bytes(content.replace(b"avc1", b"zzz9"))


def text(words):
    return lambda path: path.write_text(words)


def tif(values=STACK, share=1.0, **options):
    def make(path):
        tifffile.imwrite(path, values, **options)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return make


def tif_of_nothing(path):
    """A header that points to no page."""
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 0))


def tif_in_a_circle(path):
    """A page whose next page is itself, with impossible tags."""
    path.write_bytes(
        struct.pack("<2sHI", b"II", 42, 8)
        + struct.pack("<H", 1)
        + struct.pack("<HHII", 256, 4, 2**31, 7)
        + struct.pack("<I", 8)
    )


def tif_in_a_long_circle(path):
    tifffile.imwrite(path, STACK, contiguous=False, metadata=None)
    with tifffile.TiffFile(path) as file:
        pages = [page.offset for page in file.pages]
    content = bytearray(path.read_bytes())
    tags = struct.unpack_from("<H", content, pages[-1])[0]
    struct.pack_into("<I", content, pages[-1] + 2 + 12 * tags, pages[1])
    path.write_bytes(content)


def folder(**files):
    def make(path):
        path.mkdir()
        for name, content in files.items():
            (path / name.replace("_", ".", 1)).write_bytes(content)

    return make


def png(image=STACK[0]):
    return imagecodecs.png_encode(image)


def broken_chunk():
    """A PNG on which Pillow raises SyntaxError."""
    return png().replace(b"IDAT", b"\xa8\x83\x08\x81")


def zarr_with(name, content):
    def make(path):
        path.mkdir()
        (path / name).write_text(content)

    return make


GREY = {"photometric": "minisblack"}
MULTI = '{"zarr_format": 3, "node_type": "group", "attributes": {"ome": '
CASES = [
    Case("a.mp4", text(""), "0 bytes"),
    Case("a.avi", text(""), "0 bytes"),
    Case("a.tif", text(""), "0 bytes"),
    Case("text.mp4", text("hello " * 99), "cannot be opened as a video"),
    Case("zeros.mkv", lambda p: p.write_bytes(bytes(9999)), "cannot be opened"),
    Case("noise.mov", lambda p: p.write_bytes(RNG.bytes(9999)), "cannot be opened"),
    Case("head.mp4", cut(0.02), "cannot be opened as a video"),
    Case("no-index.mp4", cut(0.6), "cannot be opened as a video"),
    Case("no-index.mov", cut(0.9), "cannot be opened as a video"),
    Case("head.avi", cut(0.01, "avi", codec="mpeg4"), ""),
    Case("head.webm", cut(0.02, "webm", codec="libvpx"), ""),
    Case("head.ts", lambda p: p.write_bytes(b"\x47" + bytes(187)), ""),
    Case("middle-gone.mp4", overwritten(0.05, 0.7), ""),
    Case("index-gone.mp4", overwritten(0.75, 1.0), ""),
    Case("codec.mp4", unknown_codec, "uses an encoding"),
    Case("sound.mp4", sound, "no video stream"),
    Case("sound.mkv", sound, "no video stream"),
    Case("picture.mp4", lambda p: p.write_bytes(png()), "no video inside (png)"),
    Case("stack.mp4", tif(), "no video inside (tiff)"),
    Case("web page.mp4", text("<html><body>404</body></html>"), "cannot be opened"),
    Case("list.mp4", text("#EXTM3U\n#EXTINF:5\nhttp://localhost/a.ts\n"), ""),
    Case("two-sizes.ts", two_sizes, "changes its frame size"),
    Case("video.txt", lambda p: video(p.with_name("a.mp4")).rename(p), "no kind of"),
    Case("pipe.mp4", os.mkfifo, "is a pipe or a device"),
    Case("no-suffix", text("hello"), "no kind of recording"),
    Case("text.tif", text("hello " * 99), "cannot be opened as a TIFF"),
    Case("zeros.tif", lambda p: p.write_bytes(bytes(999)), "cannot be opened"),
    Case("video.tif", lambda p: video(p.with_name("a.mp4")).rename(p), "as a TIFF"),
    Case("header.tif", lambda p: p.write_bytes(b"II*\x00"), ""),
    Case("nothing.tif", tif_of_nothing, ""),
    Case("circle.tif", tif_in_a_circle, "one of them again"),
    Case("long-circle.tif", tif_in_a_long_circle, "after 9 others"),
    Case("cut.tif", tif(share=0.02), ""),
    Case("cut-zip.tif", tif(share=0.02, compression="zlib"), ""),
    Case("complex.tif", tif(STACK.astype(np.complex64)), "pixels of type complex64"),
    Case(
        "colour-or-time.tif",
        tif(STACK[:3], ome=True, metadata={"axes": "CYX"}),
        "axes='TYX'",
    ),
    Case(
        "dyes.tif",
        tif(STACK[:8].reshape(4, 2, 24, 32), imagej=True, metadata={"axes": "TCYX"}),
        "2 channels; choose",
    ),
    Case(
        "planes.tif",
        tif(STACK.reshape(3, 3, 24, 32), imagej=True, metadata={"axes": "TZYX"}),
        "plane=",
    ),
    Case(
        "unnamed.tif",
        tif(STACK.reshape(3, 3, 24, 32), **GREY, metadata={"axes": "QRYX"}),
        "name them with axes=",
    ),
    Case("empty", folder(), "holds no images"),
    Case("notes", folder(notes_txt=b"hello"), "holds no images"),
    Case("zero", folder(a_png=png(), b_png=b""), "the file is empty"),
    Case("text", folder(a_png=b"hello"), "unknown content"),
    Case("sizes", folder(a_png=png(), b_png=png(STACK[0, :20])), "one size"),
    Case("kinds", folder(a_png=png(), b_png=png(STACK[0].astype("u2"))), "alike"),
    Case("cut", folder(a_png=png(), b_png=png()[:300]), "cannot be read"),
    Case("chunk", folder(a_png=png(), b_png=broken_chunk()), "cannot be read"),
    Case("empty.zarr", lambda p: p.mkdir(), "cannot be opened as a zarr"),
    Case("json.zarr", zarr_with("zarr.json", "{"), "cannot be opened as a zarr"),
    Case("group.zarr", zarr_with(".zgroup", '{"zarr_format": 2}'), "holds no array"),
    Case("ome.zarr", zarr_with("zarr.json", MULTI + '{"multiscales": [{}]}}}'), ""),
    Case("list.zarr", zarr_with("zarr.json", MULTI + '{"multiscales": [7]}}}'), ""),
    Case("shape.zarr", zarr_with(".zarray", '{"zarr_format": 2, "shape": "x"}'), ""),
    Case("ünïcode 鼻 name.mp4", text("hello" * 99), "cannot be opened as a video"),
    Case("12:30 run#1 100%25.mp4", text("hello" * 99), "cannot be opened as a video"),
    Case("-dash.mp4", text("hello" * 99), "cannot be opened as a video"),
]


def path_of(case, folder):
    path = folder / case.name
    if case.make is not None:
        case.make(path)
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_clear_sentence(tmp_path, capsys, monkeypatch, case):
    path = path_of(case, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(CoTrackerError) as caught:
            source = open_video(path)
            source.read(0, len(source))
    assert_clear(caught.value, path)
    assert case.words in str(caught.value)
    # What opens with a warning and fails on the way fails there on the console too.
    (tmp_path / "q.csv").write_text("track,frame,x,y\n0,0,5,5\n")
    monkeypatch.chdir(tmp_path)
    given = ["track", "--queries", "q.csv", "--out", "o.csv", "--", case.name]
    assert main(given) == 2
    err = capsys.readouterr().err.splitlines()
    said = [line for line in err if line.startswith("napari-cotracker: ")]
    assert len([line for line in said if ": warning: " not in line]) == 1, err
    assert "Traceback" not in "".join(err)
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize(
    "name",
    [
        "http://localhost/a.mp4",
        "rtsp://camera/1",
        "s3://bucket/a.zarr",
        r"\\server\share\a.mp4",
        "//server/share/a.mp4",
        "none.mp4",
        "none/none.tif",
        "a" * 3000 + ".mp4",
        "null\0byte.mp4",
        "",
        ".",
        "con:aux.avi",
    ],
    ids=lambda name: repr(name[:30]),
)
def test_paths_that_lead_nowhere(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CoTrackerError) as caught:
        open_video(name)
    assert len(str(caught.value).splitlines()) == 1 < len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "name",
    [
        "with space.mp4",
        "ünïcode 鼻.mp4",
        "12:30 run#1 100%25.mp4",
        "-dash.mp4",
        "%03d.mp4",
        "quote'\".mp4",
        "UPPER.MP4",
        "concat:a|b.mp4",
    ],
)
def test_odd_names_of_good_files_are_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    content = video(tmp_path / "a.mp4").read_bytes()
    (tmp_path / name).write_bytes(content)
    assert len(open_video(name)) == 12
    folder = tmp_path / f"folder {name}"
    folder.mkdir()
    (folder / "0.png").write_bytes(png())
    assert len(open_video(folder)) == 1


def test_a_name_that_is_no_text(tmp_path, capsys):
    path = tmp_path / os.fsdecode(b"bad\xff.mp4")
    path.write_bytes(video(tmp_path / "a.mp4").read_bytes())
    try:
        assert len(open_video(path)) == 12
    except CoTrackerError as error:
        assert len(str(error).splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_what_may_not_be_read(tmp_path):
    path = video(tmp_path / "a.mp4")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    with pytest.raises(CoTrackerError) as caught:
        open_video(path)
    assert_clear(caught.value, path)


def test_read_only_recordings_are_read(tmp_path):
    path = video(tmp_path / "a.mp4")
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert len(open_video(path)) == 12
    finally:
        tmp_path.chmod(0o755)
