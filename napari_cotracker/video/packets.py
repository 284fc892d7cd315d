"""The packet index of an encoded video: which packet becomes which frame."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import VideoError
from napari_cotracker.video.source import VideoWarning
from napari_cotracker.video.streams import Label, decoded, demuxed, opened

if TYPE_CHECKING:
    from pathlib import Path

    from av.video.stream import VideoStream

# These store no presentation times; those that FFmpeg guesses for AVI with B-frames
# are wrong, so the order of frames is learnt by decoding once.
_WITHOUT_TIMES = {"avi", "h264", "hevc", "m4v", "mpegvideo", "mjpeg", "obu", "ivf"}


# Encodings whose pictures come out in the order of their packets, one from each.
_NEVER_REORDERED = frozenset(
    "msmpeg4 msmpeg4v1 msmpeg4v2 wmv1 wmv2 flv h263 cinepak ffv1 msvideo1".split()
)
# A smaller packet may say "as before" and give no picture.
_SMALLEST_PICTURE = 20


@dataclass(frozen=True)
class Packet:
    """What demuxing tells about one packet."""

    pos: int | None
    pts: int | None
    dts: int | None
    is_keyframe: bool
    is_cut_off: bool
    size: int


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
    keyframe_labels : frozenset of int
        Labels of the packets at which decoding may start.
    stores_times : bool
        Whether the file says when each frame is shown (AVI counts frames only).
    """

    label: Label
    order: dict[int, int]
    keyframes: list[tuple[int, int]]
    times: npt.NDArray[np.float64] | None
    keyframe_labels: frozenset[int] = field(default_factory=frozenset)
    stores_times: bool = True

    @property
    def n_frames(self) -> int:
        """T."""
        return len(self.order)

    def keyframes_before(self, frame: int) -> list[tuple[int, int]]:
        """Keyframes at or before a frame, the nearest first."""
        end = bisect_right(self.keyframes, frame, key=lambda keyframe: keyframe[0])
        return self.keyframes[:end][::-1]


def scan(path: Path) -> PacketIndex:
    """Build the index of a file by demuxing it, and decode only where that must be.

    Raises
    ------
    VideoError
        No frame of the file can be decoded.
    """
    found = _demux(path)
    packets = found.packets
    label = _label(packets)
    times_known = found.stores_times and _unique([p.pts for p in packets])
    shown: list[int | None] = []
    if label == "count" or not (times_known or found.in_order):
        order, shown = _order_by_decoding(path, label)
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
    _warn_of_missing(path, len(order), found.promised)
    index = _index(label, order, packets, times_known)
    stamps = _stamps(found, index, shown)
    return replace(
        index,
        times=_seconds(stamps, found.time_base),
        stores_times=found.stores_times,
    )


@dataclass(frozen=True)
class _Demuxed:
    """What demuxing a whole file tells."""

    packets: list[Packet]
    time_base: float
    stores_times: bool
    promised: int
    in_order: bool


def _demux(path: Path) -> _Demuxed:
    with opened(path) as (container, stream):
        stores_times = not set(container.format.name.split(",")) & _WITHOUT_TIMES
        packets = [
            Packet(
                None if p.pos is None or p.pos < 0 else p.pos,
                p.pts,
                p.dts,
                p.is_keyframe,
                p.is_corrupt,
                p.size,
            )
            for p in demuxed(container, stream)
            if p.size and not p.is_discard
        ]
        time_base = float(stream.time_base or 0)
        in_order = _in_order(stream, packets)
        promised = sum(p.size >= _SMALLEST_PICTURE for p in packets)
        if stores_times and _ends_early(stream, packets):
            promised = max(promised, stream.frames)
    while packets and packets[-1].is_cut_off:
        packets.pop()
    return _Demuxed(packets, time_base, stores_times, promised, in_order)


def _in_order(stream: VideoStream, packets: list[Packet]) -> bool:
    """Whether pictures surely come in the order of packets, one from each.

    Decoding a long AVI just to learn its order takes minutes.
    """
    if all(p.is_keyframe for p in packets):
        return True
    if min(p.size for p in packets) < _SMALLEST_PICTURE:
        return False
    decoder = stream.codec_context
    if decoder.name == "mpeg4":
        return not decoder.has_b_frames
    # The baseline profile has no B-frames by definition.
    baseline = decoder.name == "h264" and "Baseline" in (decoder.profile or "")
    return baseline or decoder.name in _NEVER_REORDERED


def _ends_early(stream: VideoStream, packets: list[Packet]) -> bool:
    """Whether packets are missing at the end, by the duration in the header.

    Not by the number of frames: an edit list may hide some of them for good.
    """
    stamps = sorted(p.pts for p in packets if p.pts is not None)
    if not stamps or stream.duration is None:
        return False
    step = (stamps[-1] - stamps[0]) / max(1, len(stamps) - 1)
    end = (stream.start_time or stamps[0]) + stream.duration
    return stamps[-1] + 2.5 * step < end


def _label(packets: list[Packet]) -> Label:
    for label in ("pos", "pts", "dts"):
        if _unique([getattr(p, label) for p in packets]):
            return label
    return "count"


def _unique(values: list[int | None]) -> bool:
    return None not in values and len(set(values)) == len(values)


def _order_by_decoding(
    path: Path, label: Label
) -> tuple[dict[int, int], list[int | None]]:
    """Return the frame number by label, and when each frame is shown."""
    with opened(path) as (container, stream):
        shown: dict[int, int | None] = {}
        for found, frame in decoded(container, stream, label):
            shown.setdefault(found, frame.pts)
    return {found: i for i, found in enumerate(shown)}, list(shown.values())


def _without_undecodable_ends(
    path: Path, label: Label, order: dict[int, int], packets: list[Packet]
) -> dict[int, int]:
    """Drop frames that the ends of the file promise but do not hold."""
    with opened(path) as (container, stream):
        frames = decoded(container, stream, label)
        first = next((order[i] for i, _ in frames if i in order), None)
        if first is None:
            return {}
        index = _index(label, order, packets, False)
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
    label: Label, order: dict[int, int], packets: list[Packet], times_known: bool
) -> PacketIndex:
    labels = _labels(label, packets)
    keyframes = sorted(
        (order[i], p.pts if times_known and p.pts is not None else p.dts or 0)
        for i, p in zip(labels, packets, strict=True)
        if p.is_keyframe and i in order and label != "count"
    )
    key_labels = frozenset(
        i for i, p in zip(labels, packets, strict=True) if p.is_keyframe
    )
    return PacketIndex(label, order, keyframes, None, key_labels)


def _labels(label: Label, packets: list[Packet]) -> list[int]:
    if label == "count":
        return list(range(len(packets)))
    return [getattr(p, label) for p in packets]


def _stamps(
    found: _Demuxed, index: PacketIndex, shown: list[int | None]
) -> list[int | None]:
    """Return when each frame is shown, in order, as the best witness says."""
    if found.stores_times and shown and _rising(shown):
        return shown
    used = [
        packet
        for label, packet in zip(
            _labels(index.label, found.packets), found.packets, strict=True
        )
        if label in index.order
    ]
    for key in ("pts", "dts") if found.stores_times else ("dts",):
        stamps = [getattr(p, key) for p in used]
        if _unique(stamps):
            return sorted(stamps)
    return []


def _rising(stamps: list[int | None]) -> bool:
    return None not in stamps and all(a < b for a, b in pairwise(stamps))  # type: ignore[operator]


def _seconds(
    stamps: list[int | None], time_base: float
) -> npt.NDArray[np.float64] | None:
    if not (stamps and time_base):
        return None
    seconds = np.asarray(stamps, np.float64) * time_base
    return seconds - seconds[0]
