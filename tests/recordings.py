"""Recordings made for the tests, and how they decode from the start."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CLIPS = Path(__file__).parents[2] / "shared" / "clips"

_BLOCK = 16
_BITS = 10


def moving_pattern(n, height=48, width=64):
    """Frames that all differ, (n, H, W, 3) uint8."""
    rng = np.random.default_rng(0)
    texture = (
        rng.integers(0, 255, (height // 8, width // 8, 3)).repeat(8, 0).repeat(8, 1)
    )
    frames = [np.roll(texture, (i, 2 * i), (0, 1)) for i in range(n)]
    return np.clip(
        np.array(frames) // 2 + np.arange(n)[:, None, None, None], 0, 255
    ).astype(np.uint8)


def numbered(n, height=64, width=96):
    """Moving frames that carry their number as black and white blocks at the top.

    The number and its complement, so that a picture mixed of two frames is no number.
    """
    frames = moving_pattern(n, height, width)
    columns = width // _BLOCK
    for i in range(n):
        code = [(i >> bit) & 1 for bit in range(_BITS)]
        for at, lit in enumerate([*code, 1 - code[0], 1 - code[1]]):
            y, x = divmod(at, columns)
            frames[i, y * _BLOCK : (y + 1) * _BLOCK, x * _BLOCK : (x + 1) * _BLOCK] = (
                240 if lit else 16
            )
    return frames


def number_in(frame):
    """Read the number burnt into a frame; -1 if it is none."""
    columns = frame.shape[1] // _BLOCK
    lit = []
    for at in range(_BITS + 2):
        y, x = divmod(at, columns)
        block = frame[y * _BLOCK + 4 :, x * _BLOCK + 4 :][: _BLOCK - 8, : _BLOCK - 8]
        level = float(block.mean())
        if 100 < level < 156:
            return -1
        lit.append(int(level > 128))
    if lit[_BITS:] != [1 - lit[0], 1 - lit[1]]:
        return -1
    return sum(bit << i for i, bit in enumerate(lit[:_BITS]))


def encode(
    path,
    frames,
    codec="libx264",
    rate=25,
    pts=None,
    pix_fmt="yuv420p",
    interlaced=False,
    sound=False,
    muxer=None,
    **options,
):
    """Encode frames with PyAV; ``pts`` in milliseconds makes the rate variable."""
    with av.open(str(path), "w", options=muxer or {}) as container:
        hum = container.add_stream("mp2", rate=32000) if sound else None
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.options = {k: str(v) for k, v in options.items()}
        if interlaced:
            stream.codec_context.flags |= 1 << 18 | 1 << 29  # ILDCT, ILME
        if pts is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, frame in enumerate(frames):
            kind = "rgb24" if frame.ndim == 3 else "gray"
            kind = "gray16le" if frame.dtype == np.uint16 else kind
            picture = av.VideoFrame.from_ndarray(frame, kind)
            if pts is not None:
                picture.pts, picture.time_base = pts[i], Fraction(1, 1000)
            if hum is not None:
                container.mux(hum.encode(_silence(i)))
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if hum is not None:
            container.mux(hum.encode(None))
    return path


def decode_all(path):
    """Every frame in the order in which PyAV decodes the file from its start."""
    with av.open(str(path)) as container:
        return [
            np.ascontiguousarray(f.to_ndarray(format="rgb24"))
            for f in container.decode(video=0)
        ]


def remuxed(old_path, path, change, **options):
    """Copy packets into a new file; ``change(i, packet)`` edits one or drops it."""
    with (
        av.open(str(old_path)) as old,
        av.open(str(path), "w", options=options) as new,
    ):
        stream = new.add_stream_from_template(old.streams.video[0])
        for i, packet in enumerate(old.demux(video=0)):
            if packet.size and change(i, packet) is not False:
                packet.stream = stream
                new.mux(packet)
    return path


def _silence(i):
    still = av.AudioFrame.from_ndarray(
        np.zeros((1, 1152), np.int16), format="s16", layout="mono"
    )
    still.rate, still.pts, still.time_base = 32000, i * 1152, Fraction(1, 32000)
    return still
