"""The packet index of an encoded video: which packet becomes which frame.

Decoders hand a label on every packet through to the frame it becomes, so a frame
is known for certain after any seek, whatever its timestamps claim.
"""

from __future__ import annotations

import warnings
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import av
import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import VideoError
from napari_cotracker.video.source import VideoWarning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Label = Literal["pos", "pts", "dts", "count"]

# These store no presentation times; those that FFmpeg guesses for AVI with B-frames
# are wrong, so the order of frames is learnt by decoding once.
_WITHOUT_TIMES = {"avi", "h264", "hevc", "m4v", "mpegvideo", "mjpeg", "obu", "ivf"}


@dataclass(frozen=True)
class Packet:
    """What demuxing tells about one packet."""

    pos: int | None
    pts: int | None
    dts: int | None
    is_keyframe: bool
    is_cut_off: bool


@dataclass(frozen=True)
class PacketIndex:
    """Frames of a video in display order.

    Parameters
    ----------
    label : {"pos", "pts", "dts", "count"}
        What tells packets apart: place in the file, a timestamp, or (where neither
        is unique) the count from the start, which rules out seeking.
    order : dict of int to int
        Frame number by label.
    keyframes : list of (int, int)
        Frame number and seek timestamp of each keyframe, rising.
    times : (T,) float64 or None
        Seconds since the first frame.
    """

    label: Label
    order: dict[int, int]
    keyframes: list[tuple[int, int]]
    times: npt.NDArray[np.float64] | None
    keyframe_labels: frozenset[int] = field(default_factory=frozenset)

    @property
    def n_frames(self) -> int:
        """T."""
        return len(self.order)

    def keyframes_before(self, frame: int) -> list[tuple[int, int]]:
        """Keyframes at or before a frame, the nearest first."""
        end = bisect_right(self.keyframes, frame, key=lambda keyframe: keyframe[0])
        return self.keyframes[:end][::-1]


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the first video stream of a file and close it afterwards."""
    container, stream = open_stream(path)
    try:
        yield container, stream
    finally:
        container.close()


def open_stream(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open the first video stream of a file.

    Raises
    ------
    VideoError
        The file is damaged, is no video, or has no pictures.
    """
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"'{path.name}' cannot be opened as a video ({_reason(error)}); it may be "
            "damaged or incomplete: copy or export it again."
        ) from error
    streams = container.streams.video
    if not streams:
        container.close()
        raise VideoError(
            f"'{path.name}' has no video stream (sound only?); give a file with "
            "pictures."
        )
    stream = streams[0]
    stream.thread_type = "AUTO"
    stream.codec_context.copy_opaque = True
    return container, stream


def decoded(
    container: InputContainer, stream: VideoStream, label: Label
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode from the current position; yield each frame with its packet's label.

    Damaged packets are passed over, as FFmpeg's own player does.
    """
    for count, packet in enumerate(_demuxed(container, stream)):
        packet.opaque = count if label == "count" else getattr(packet, label)
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        for frame in frames:
            if frame.opaque is not None:
                yield frame.opaque, frame  # type: ignore[misc]


def first_label(container: InputContainer, stream: VideoStream, label: Label) -> int:
    """Return the label of the packet at the current position (and consume it)."""
    for packet in _demuxed(container, stream):
        return int(getattr(packet, label) or 0)
    return -1


def scan(path: Path) -> PacketIndex:
    """Build the index of a file by demuxing it, and decode only where that must be.

    Raises
    ------
    VideoError
        No frame of the file can be decoded.
    """
    with opened(path) as (container, stream):
        stores_times = not set(container.format.name.split(",")) & _WITHOUT_TIMES
        promised = stream.frames if stores_times else 0
        packets = [
            Packet(
                None if p.pos is None or p.pos < 0 else p.pos,
                p.pts,
                p.dts,
                p.is_keyframe,
                p.is_corrupt,
            )
            for p in _demuxed(container, stream)
            if p.size and not p.is_discard
        ]
        time_base = float(stream.time_base or 0)
    promised = max(promised, len(packets))
    while packets and packets[-1].is_cut_off:
        packets.pop()
    label = _label(packets)
    times_known = stores_times and _unique([p.pts for p in packets])
    if label == "count" or not (times_known or all(p.is_keyframe for p in packets)):
        order = _order_by_decoding(path, label)
    else:
        rank = [p.pts for p in packets] if times_known else list(range(len(packets)))
        ranked = sorted(zip(rank, packets, strict=True), key=lambda pair: pair[0])  # type: ignore[arg-type,return-value]
        order = {getattr(p, label): i for i, (_, p) in enumerate(ranked)}
        order = _without_undecodable_ends(path, label, order, packets)
    if not order:
        raise VideoError(
            f"'{path.name}' has no frame that can be decoded; it is damaged or uses "
            "an encoding that this installation of FFmpeg lacks."
        )
    _warn_of_missing(path, len(order), promised)
    return _index(label, order, packets, time_base, times_known)


def _demuxed(
    container: InputContainer, stream: VideoStream
) -> Iterator[av.Packet[Any]]:
    """Demux until the end, or until a damaged file can be followed no further."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        yield packet


def _label(packets: list[Packet]) -> Label:
    for label in ("pos", "pts", "dts"):
        if _unique([getattr(p, label) for p in packets]):
            return label
    return "count"


def _unique(values: list[int | None]) -> bool:
    return None not in values and len(set(values)) == len(values)


def _order_by_decoding(path: Path, label: Label) -> dict[int, int]:
    with opened(path) as (container, stream):
        labels = [found for found, _ in decoded(container, stream, label)]
    return {found: i for i, found in enumerate(dict.fromkeys(labels))}


def _without_undecodable_ends(
    path: Path, label: Label, order: dict[int, int], packets: list[Packet]
) -> dict[int, int]:
    """Drop frames that the ends of the file promise but do not hold."""
    with opened(path) as (container, stream):
        frames = decoded(container, stream, label)
        first = next((order[i] for i, _ in frames if i in order), None)
        if first is None:
            return {}
        index = _index(label, order, packets, 0.0, False)
        last = first
        for _, timestamp in index.keyframes[::-1]:
            container.seek(timestamp, stream=stream)
            found = [
                order[i] for i, _ in decoded(container, stream, label) if i in order
            ]
            if found:
                last = max(found)
                break
    kept = {i: n for i, n in order.items() if first <= n <= last}
    return {i: n - first for i, n in kept.items()}


def _warn_of_missing(path: Path, found: int, promised: int) -> None:
    if found < promised:
        warnings.warn(
            f"'{path.name}' promises {promised} frames, but only {found} can be "
            "decoded; the file is damaged or was cut off. The good frames are used.",
            VideoWarning,
            stacklevel=2,
        )


def _index(
    label: Label,
    order: dict[int, int],
    packets: list[Packet],
    time_base: float,
    times_known: bool,
) -> PacketIndex:
    numbered = range(len(packets)) if label == "count" else None
    labels = numbered or [getattr(p, label) for p in packets]
    used = [p for i, p in zip(labels, packets, strict=True) if i in order]
    keyframes = sorted(
        (order[i], p.pts if times_known and p.pts is not None else p.dts or 0)
        for i, p in zip(labels, packets, strict=True)
        if p.is_keyframe and i in order and label != "count"
    )
    stamps = [p.pts if times_known else p.dts for p in used]
    times = None
    if time_base and _unique(stamps):
        seconds = np.sort(np.asarray(stamps, np.float64)) * time_base
        times = seconds - seconds[0]
    key_labels = frozenset(
        i for i, p in zip(labels, packets, strict=True) if p.is_keyframe
    )
    return PacketIndex(label, order, keyframes, times, key_labels)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
