"""Good files of every kind, and ways to damage them."""

import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import imagecodecs
import tifffile
import zarr
from hypothesis import strategies as st
from recordings import encode, moving_pattern

FRAMES = moving_pattern(10, 32, 48)
STACK = FRAMES[..., 0]
PAGES = {"photometric": "minisblack"}
VIDEOS = {
    "a.mp4": {"codec": "libx264", "bf": 2, "g": 5},
    "b.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "c.avi": {"codec": "mpeg4", "g": 4},
    "d.avi": {"codec": "libx264", "bf": 2, "g": 5},
    "e.mkv": {"codec": "libx264", "bf": 2, "g": 5},
    "f.webm": {"codec": "libvpx", "g": 5, "deadline": "realtime"},
    "g.ts": {"codec": "mpeg2video", "bf": 2, "g": 5},
    "h.mpg": {"codec": "mpeg1video", "g": 5},
    "i.wmv": {"codec": "wmv2", "g": 5},
    "j.flv": {"codec": "flv", "g": 5},
    "k.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "l.mkv": {"codec": "ffv1"},
}
TIFFS = {
    "plain.tif": {},
    "zip.tif": {"compression": "zlib"},
    "lzw.tif": {"compression": "lzw", "predictor": True},
    "imagej.tif": {"imagej": True, "metadata": {"axes": "TYX"}},
    "ome.tif": {"ome": True, "metadata": {"axes": "TYX"}, "tile": (16, 16)},
    "big.tif": {"bigtiff": True, "metadata": None},
}
IMAGES = {
    "png": imagecodecs.png_encode,
    "jpg": imagecodecs.jpeg8_encode,
    "bmp": imagecodecs.bmp_encode,
    "webp": imagecodecs.webp_encode,
}
ZARR = {"metadata of zarr": "zarr.json", "chunk of zarr": "c/3/0/0"}
RECORDINGS = [*VIDEOS, *TIFFS, *(f"folder of {kind}" for kind in IMAGES), *ZARR]


@cache
def good(name):
    """Bytes of a good recording; of a folder, those of one image."""
    if name.startswith("folder of "):
        return bytes(IMAGES[name.removeprefix("folder of ")](FRAMES[0]))
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        if name in ZARR:
            return (zarr_store(path) / ZARR[name]).read_bytes()
        if name in VIDEOS:
            encode(path, FRAMES, **VIDEOS[name])
        else:
            tifffile.imwrite(path, STACK, **PAGES, **TIFFS[name])
        return path.read_bytes()


def put(folder, name, content):
    """Write a recording; returns what is to be opened."""
    if name in ZARR:
        store = zarr_store(Path(folder) / "a.zarr")
        (store / ZARR[name]).write_bytes(content)
        return store
    if not name.startswith("folder of "):
        path = Path(folder) / name
        path.write_bytes(content)
        return path
    kind = name.removeprefix("folder of ")
    path = Path(folder) / kind
    path.mkdir(exist_ok=True)
    (path / f"0.{kind}").write_bytes(good(name))
    (path / f"1.{kind}").write_bytes(content)
    return path


def zarr_store(path):
    array = zarr.create_array(
        str(path), shape=STACK.shape, chunks=(1, 32, 48), dtype="uint8"
    )
    array[:] = STACK
    return path


# What is done, where (share of the file), over how many bytes, with which byte.
DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "cut", "drop", "repeat", "insert", "number"]),
        st.floats(0, 1),
        st.integers(1, 64),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=5,
)


def damaged(content, steps):
    """Apply steps of ``DAMAGE``; headers, at the start, are hit more often."""
    data = bytearray(content)
    for kind, share, length, value in steps:
        at = int(len(data) * share**2)
        part = data[at : at + length]
        if kind == "set":
            data[at : at + length] = bytes([value]) * len(part)
        elif kind == "flip":
            data[at : at + length] = bytes(byte ^ (value or 1) for byte in part)
        elif kind == "cut":
            del data[max(1, int(len(data) * (1 - share**2))) :]
        elif kind == "drop":
            del data[at : at + length]
        elif kind == "repeat":
            data[at:at] = part * (1 + value % 8)
        elif kind == "insert":
            noise = zlib.crc32(bytes([value])).to_bytes(4, "big")
            data[at:at] = (noise * 16)[:length]
        else:
            data[at : at + 4] = (2 ** (length % 33) - 1 + value % 3).to_bytes(5, "big")[
                1:
            ]
    return bytes(data)
