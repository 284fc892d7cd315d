"""Recordings made for the tests, and how they decode from the start."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CLIPS = Path(__file__).parents[3] / "shared" / "clips"


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


def encode(
    path, frames, codec="libx264", rate=25, pts=None, pix_fmt="yuv420p", **options
):
    """Encode frames with PyAV; ``pts`` in milliseconds makes the rate variable."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.options = {k: str(v) for k, v in options.items()}
        if pts is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, frame in enumerate(frames):
            kind = "rgb24" if frame.ndim == 3 else "gray"
            kind = "gray16le" if frame.dtype == np.uint16 else kind
            picture = av.VideoFrame.from_ndarray(frame, kind)
            if pts is not None:
                picture.pts, picture.time_base = pts[i], Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def decode_all(path):
    """Every frame in the order in which PyAV decodes the file from its start."""
    with av.open(str(path)) as container:
        return [
            np.ascontiguousarray(f.to_ndarray(format="rgb24"))
            for f in container.decode(video=0)
        ]
