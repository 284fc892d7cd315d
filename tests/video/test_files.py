"""TIFF stacks and folders of images."""

import pickle
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np
import pytest
import tifffile

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video import VideoWarning, open_video

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 256, (9, 24, 32)).astype(np.uint8)
DEEP = RNG.integers(300, 900, (9, 24, 32)).astype(np.uint16)
RGB = RNG.integers(0, 256, (9, 24, 32, 3)).astype(np.uint8)


def as_rgb(grey):
    return np.repeat(grey[..., None], 3, -1)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"imagej": True},
        {"compression": "zlib"},
        {"imagej": True, "compression": "zlib", "metadata": {"axes": "TYX"}},
        {"ome": True, "metadata": {"axes": "TYX"}},
        {"bigtiff": True, "tile": (16, 16), "metadata": {"axes": "TYX"}},
        *({"compression": kind} for kind in ("lzw", "zstd", "packbits", "lzma")),
        {"byteorder": ">"},
        {"contiguous": False, "metadata": None},
    ],
    ids=str,
)
def test_stacks_of_frames(tmp_path, how):
    path = tmp_path / "s.tif"
    tifffile.imwrite(path, STACK, **{"photometric": "minisblack", **how})
    source = open_video(path)
    np.testing.assert_array_equal(source[:], as_rgb(STACK))
    np.testing.assert_array_equal(source[[7, 2]], as_rgb(STACK[[7, 2]]))
    again = pickle.loads(pickle.dumps(source))
    source.close()
    np.testing.assert_array_equal(source[4], as_rgb(STACK[4]))
    np.testing.assert_array_equal(again[4], as_rgb(STACK[4]))
    again.close()
    source.close()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_stack_may_be_read_by_several_threads_and_handles(tmp_path, compression):
    path = tmp_path / "s.tif"
    tifffile.imwrite(path, STACK, compression=compression, metadata={"axes": "TYX"})
    source = open_video(path)
    twin = source.duplicate()
    with ThreadPoolExecutor(4) as pool:
        for reader in (source, twin):
            frames = list(pool.map(reader.__getitem__, [i % 9 for i in range(200)]))
            np.testing.assert_array_equal(frames[:9], as_rgb(STACK))
    source.close()
    np.testing.assert_array_equal(twin[5], as_rgb(STACK[5]))
    twin.close()


def test_the_axis_taken_as_time_is_stated(tmp_path):
    tifffile.imwrite(tmp_path / "z.tif", STACK, metadata={"axes": "ZYX"})
    with pytest.warns(VideoWarning, match="calls the axis of its 9 pictures Z"):
        source = open_video(tmp_path / "z.tif")
    assert "axes ZYX: Z taken as time" in source.describe()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(open_video(tmp_path / "z.tif", axes="TYX")) == 9
    tifffile.imwrite(tmp_path / "q.tif", STACK)
    assert "Q taken as time" in open_video(tmp_path / "q.tif").describe()


def test_16_bit_with_a_stated_window(tmp_path):
    tifffile.imwrite(tmp_path / "s.tif", DEEP, imagej=True)
    source = open_video(tmp_path / "s.tif")
    low, high = source.contrast_limits
    assert 300 <= low <= 301 and 898 <= high <= 899
    assert "uint16" in source.describe() and "shown as 0 to 255" in source.describe()


def test_colour_stacks(tmp_path):
    tifffile.imwrite(tmp_path / "rgb.tif", RGB, photometric="rgb")
    np.testing.assert_array_equal(open_video(tmp_path / "rgb.tif")[:], RGB)
    tifffile.imwrite(tmp_path / "one.tif", RGB[0], photometric="rgb")
    np.testing.assert_array_equal(open_video(tmp_path / "one.tif")[:], RGB[:1])
    planar = np.moveaxis(RGB, 3, 1)
    tifffile.imwrite(
        tmp_path / "planar.tif", planar, photometric="rgb", planarconfig="separate"
    )
    np.testing.assert_array_equal(open_video(tmp_path / "planar.tif")[:], RGB)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_time_planes_and_channels(tmp_path, compression):
    hyper = RNG.integers(0, 256, (5, 3, 2, 24, 32)).astype(np.uint8)
    path = tmp_path / "h.tif"
    tifffile.imwrite(
        path, hyper, imagej=True, compression=compression, metadata={"axes": "TZCYX"}
    )
    with pytest.raises(InputError, match="several planes.*plane= .--plane."):
        open_video(path)
    with pytest.raises(InputError, match="2 channels; choose"):
        open_video(path, plane=2)
    source = open_video(path, plane=2, channels=1)
    np.testing.assert_array_equal(source[:], as_rgb(hyper[:, 2, 1]))
    tifffile.imwrite(
        path, hyper[:, 0], imagej=True, metadata={"axes": "TCYX", "finterval": 0.5}
    )
    source = open_video(path, channels=[1, 0])
    assert source.fps == 2.0
    np.testing.assert_array_equal(
        source[..., :2], hyper[:, 0, ::-1].transpose(0, 2, 3, 1)
    )


def test_channels_or_time_is_asked(tmp_path):
    path = tmp_path / "c.tif"
    tifffile.imwrite(path, STACK[:3], ome=True, metadata={"axes": "CYX"})
    with pytest.raises(InputError, match="time or channels"):
        open_video(path)
    np.testing.assert_array_equal(open_video(path, axes="TYX")[:], as_rgb(STACK[:3]))
    assert open_video(path, axes="CYX", channels=2).shape == (1, 24, 32, 3)


def test_many_unnamed_channels_are_frames(tmp_path):
    tifffile.imwrite(tmp_path / "s.tif", STACK, imagej=True)
    source = open_video(tmp_path / "s.tif")
    assert "axes CYX: C taken as time" in source.describe()
    assert len(source) == len(STACK)


OME = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{own}">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
    'SizeX="32" SizeY="24" SizeZ="1" SizeC="1" SizeT="9" TimeIncrement="500" '
    'TimeIncrementUnit="ms"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{files}'
    "</Pixels></Image></OME>"
)
OME_FILE = (
    '<TiffData FirstC="0" FirstT="{t}" FirstZ="0" IFD="0" PlaneCount="1">'
    '<UUID FileName="t{t}.ome.tif">{id}</UUID></TiffData>'
)


def test_a_recording_in_several_files(tmp_path):
    ids = [f"urn:uuid:{uuid.uuid4()}" for _ in STACK]
    files = "".join(OME_FILE.format(t=t, id=ids[t]) for t in range(len(STACK)))
    for t, frame in enumerate(STACK):
        about = OME.format(own=ids[t], files=files)
        path = tmp_path / f"t{t}.ome.tif"
        tifffile.imwrite(path, frame, description=about, metadata=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = open_video(tmp_path / "t0.ome.tif")
        np.testing.assert_array_equal(source[:], as_rgb(STACK))
        source.close()
        np.testing.assert_array_equal(source[[7, 2]], as_rgb(STACK[[7, 2]]))
    assert source.fps == 2.0
    source.close()
    (tmp_path / "t4.ome.tif").unlink()
    with pytest.warns(VideoWarning, match=r"t4\.ome\.tif"):
        source = open_video(tmp_path / "t0.ome.tif")
    np.testing.assert_array_equal(source[5], as_rgb(STACK[5]))
    with pytest.raises(VideoError, match="page 4 is missing"):
        source[4]


@pytest.mark.parametrize(
    ("metadata", "fps"),
    [
        ({"finterval": 0.5}, 2),
        ({"finterval": 2, "tunit": "min"}, 1 / 120),
        ({"finterval": 40, "tunit": "msec"}, 25),
        ({"finterval": 3, "tunit": "fortnight"}, None),
        ({"fps": 7.0}, 7),
    ],
    ids=str,
)
def test_the_rate_that_imagej_wrote(tmp_path, metadata, fps):
    path = tmp_path / "s.tif"
    tifffile.imwrite(path, STACK, imagej=True, metadata={"axes": "TYX", **metadata})
    assert open_video(path).fps == fps
    stated = open_video(path, fps=12)
    assert stated.fps == 12 and stated.times[6] == 0.5


def test_one_page_is_one_frame(tmp_path):
    tifffile.imwrite(tmp_path / "one.tif", STACK[0])
    np.testing.assert_array_equal(
        open_video(tmp_path / "one.tif")[:], as_rgb(STACK[:1])
    )


def test_other_series_are_left_out_and_said(tmp_path):
    with tifffile.TiffWriter(tmp_path / "s.tif") as writer:
        writer.write(STACK)
        writer.write(np.zeros((6, 7), np.uint8))
    with pytest.warns(VideoWarning, match=r"several image series.*\(6, 7\)"):
        source = open_video(tmp_path / "s.tif")
    assert source.shape == (9, 24, 32, 3)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zlib"},
        {"imagej": True, "metadata": {"axes": "TYX"}},
        {"imagej": True, "compression": "zlib", "metadata": {"axes": "TYX"}},
        {"ome": True, "compression": "zlib", "metadata": {"axes": "TYX"}},
        {"contiguous": False, "metadata": None},
    ],
    ids=str,
)
def test_a_file_that_was_cut_off_is_never_read_in_silence(tmp_path, how, share):
    path = tmp_path / "s.tif"
    tifffile.imwrite(path, STACK, **how)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            frames = open_video(path)[:]
        except VideoError as error:
            assert "s.tif" in str(error)
            return
    if len(frames) == len(STACK) and (frames == as_rgb(STACK)).all():
        return  # what was lost is not of the pictures
    assert any(w.category is VideoWarning for w in said)
    np.testing.assert_array_equal(frames, as_rgb(STACK[: len(frames)]))


def test_no_tiff_at_all(tmp_path):
    (tmp_path / "s.tif").write_bytes(b"not a tiff at all" * 30)
    with pytest.raises(VideoError, match="cannot be opened as a TIFF"):
        open_video(tmp_path / "s.tif")


def test_real_stacks(clips):
    for name, shape in {
        "calcium_uint16": (1000, 30, 40),
        "stuck_beads_uint16": (5, 512, 512),
        "foam_uint8": (9, 400, 400),
        "cellfinder_zstack_uint16": (12, 256, 256),
    }.items():
        path = clips / "microscopy" / f"{name}.tif"
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", VideoWarning)
            source = open_video(path)
        is_z = name in ("stuck_beads_uint16", "cellfinder_zstack_uint16")
        assert [w.category for w in said] == [VideoWarning] * is_z
        assert source.shape == (*shape, 3)
        last = tifffile.imread(path, key=shape[0] - 1)
        if source.contrast_limits is None:
            np.testing.assert_array_equal(source[-1, :, :, 0], last)
        else:
            low, high = source.contrast_limits
            expected = np.clip((last - low) / (high - low), 0, 1) * 255
            assert np.abs(source[-1, :, :, 0] - expected).max() <= 0.51


def save_png(path, image):
    path.write_bytes(imagecodecs.png_encode(image))


def test_a_folder_in_natural_order(tmp_path):
    for i in (0, 1, 2, 10, 9, 100):
        save_png(tmp_path / f"img{i}.png", np.full((6, 8), i, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_text("no image")
    with pytest.warns(VideoWarning, match="counted by place"):
        source = open_video(tmp_path)
    assert source[:, 0, 0, 0].tolist() == [0, 1, 2, 9, 10, 100]
    assert pickle.loads(pickle.dumps(source))[3, 0, 0, 0] == 9


def test_images_are_read_by_content(tmp_path):
    save_png(tmp_path / "00.jpg", RGB[0])
    save_png(tmp_path / "01.jpeg", RGB[1])
    tifffile.imwrite(tmp_path / "02.png", RGB[2], photometric="rgb")
    np.testing.assert_array_equal(open_video(tmp_path)[:], RGB[:3])


def test_jpeg_and_deep_images(tmp_path):
    smooth = np.add.outer(np.arange(24), np.arange(32)).astype(np.uint8) * 4
    (tmp_path / "a.jpg").write_bytes(imagecodecs.jpeg8_encode(smooth, level=95))
    assert np.abs(open_video(tmp_path)[0, :, :, 1].astype(int) - smooth).max() < 12
    folder = tmp_path / "deep"
    folder.mkdir()
    for i in range(3):
        save_png(folder / f"{i}.png", DEEP[i])
    source = open_video(folder, contrast_limits=(300, 900))
    np.testing.assert_array_equal(
        source[:3, :, :, 0],
        np.rint((DEEP[:3] - np.float32(300)) * np.float32(255 / 600)),
    )
    folder = tmp_path / "alpha"
    folder.mkdir()
    save_png(folder / "0.png", np.dstack([RGB[0], STACK[0]]))
    np.testing.assert_array_equal(open_video(folder)[0], RGB[0])


@pytest.mark.parametrize(
    ("tag", "upright"),
    [
        (1, lambda image: image),
        (2, lambda image: image[:, ::-1]),
        (3, lambda image: image[::-1, ::-1]),
        (4, lambda image: image[::-1]),
        (5, lambda image: image.T),
        (6, lambda image: np.rot90(image, -1)),
        (7, lambda image: image[::-1, ::-1].T),
        (8, np.rot90),
    ],
)
def test_photographs_are_shown_upright(tmp_path, tag, upright):
    from PIL import Image, ImageOps

    about = Image.Exif()
    about[0x0112] = tag
    photograph = Image.fromarray(STACK[0])
    photograph.save(tmp_path / "0.jpg", exif=about, quality=95)
    (tmp_path / "1.jpg").write_bytes((tmp_path / "0.jpg").read_bytes())
    source = open_video(tmp_path)
    stored = imagecodecs.jpeg_decode((tmp_path / "0.jpg").read_bytes())
    np.testing.assert_array_equal(source[1], as_rgb(upright(stored)))
    with Image.open(tmp_path / "0.jpg") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.abs(source[0, ..., 0].astype(int) - expected).max() <= 2


def test_images_must_be_alike(tmp_path):
    save_png(tmp_path / "0.png", STACK[0])
    save_png(tmp_path / "1.png", STACK[1, :20])
    with pytest.raises(VideoError, match=r"'1\.png' is 32 x 20"):
        open_video(tmp_path)
    save_png(tmp_path / "1.png", RGB[1])
    with pytest.raises(VideoError, match="RGB uint8, but"):
        open_video(tmp_path)[1]


def test_a_frame_saved_twice_is_no_second_frame(tmp_path, monkeypatch):
    for i in range(3):
        save_png(tmp_path / f"{i}.png", STACK[i])
    monkeypatch.chdir(tmp_path)
    assert open_video(".").name == f"'{tmp_path.name}'"
    (tmp_path / "1.jpg").write_bytes((tmp_path / "1.png").read_bytes())
    with pytest.raises(VideoError, match=r"'1\.jpg' and '1\.png'.*saved twice"):
        open_video(tmp_path)


@pytest.mark.parametrize(
    ("names", "jump"),
    [
        ("img1 img2 img3 img6 img7", "'img3.png' to 'img6.png', which is frame 3"),
        ("a0_x a10_x a20_x a40_x", "'a20_x.png' to 'a40_x.png', which is frame 3"),
        ("1 2 3 4", None),
        ("img0 img5 img10", None),
        ("20260101_120001 20260101_120009 20260101_120010 20260101_120031", None),
        ("a1 b2 b4 last", None),
    ],
)
def test_a_folder_with_gaps_in_its_numbers_says_how_frames_count(tmp_path, names, jump):
    for name in names.split():
        save_png(tmp_path / f"{name}.png", DEEP[0])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert len(open_video(tmp_path)) == len(names.split())
    assert len(said) == (jump is not None)
    assert jump is None or jump in str(said[0].message)


def test_bad_folders(tmp_path):
    with pytest.raises(VideoError, match="holds no images"):
        open_video(tmp_path)
    save_png(tmp_path / "0.png", STACK[0])
    (tmp_path / "1.png").write_bytes(b"")
    with pytest.raises(
        VideoError, match=r"'1\.png' of .* cannot be read \(the file is empty"
    ):
        open_video(tmp_path)
    (tmp_path / "1.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    with pytest.raises(VideoError, match=r"'1\.png. of .* cannot be read"):
        open_video(tmp_path)[:]
    (tmp_path / "1.png").unlink()
    tifffile.imwrite(tmp_path / "1.tif", STACK)
    with pytest.raises(VideoError, match="several pages"):
        open_video(tmp_path)[:]
    with pytest.raises(InputError, match="do not apply"):
        open_video(tmp_path, axes="TYX")


def test_bad_paths(tmp_path):
    with pytest.raises(VideoError, match="does not exist"):
        open_video(tmp_path / "none.mp4")
    with pytest.raises(VideoError, match="does not exist"):
        open_video(str(tmp_path / "none"))
    for name in ("a.tif", "a.txt"):
        (tmp_path / name).touch()
        with pytest.raises(VideoError, match="0 bytes"):
            open_video(tmp_path / name)
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(VideoError, match="no kind of recording"):
        open_video(tmp_path / "a.txt")


def test_headers_of_images_are_read_without_their_pixels(tmp_path, monkeypatch):
    for i in range(3):
        save_png(tmp_path / f"{i}.png", np.full((40, 50), i * 20, np.uint8))

    def decoded(self):
        raise AssertionError("a picture was decoded to look at its header")

    with monkeypatch.context() as patch:
        patch.setattr("PIL.PngImagePlugin.PngImageFile.load", decoded)
        source = open_video(tmp_path)
        assert len(source) == 3
