"""Streams of encoded videos: opened, demuxed, decoded with labels.

Decoders hand a label on every packet through to the frame it becomes, so a frame
is known for certain after any seek, whatever its timestamps claim.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import av

from napari_cotracker.errors import VideoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Images, play lists and texts, of which FFmpeg would make something too.
_NO_VIDEOS = frozenset({"image2", "hls", "dash", "concat", "tty", "ffmetadata"})

Label = Literal["pos", "pts", "dts", "count"]


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
        # Absolute, or FFmpeg takes what stands before a colon for a protocol. A play
        # list in disguise must not reach into the network either.
        container = av.open(
            str(path.absolute()), options={"protocol_whitelist": "file"}
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"'{path.name}' cannot be opened as a video ({_reason(error)}); it may be "
            "damaged or incomplete: copy or export it again."
        ) from error
    try:
        return container, _pictures_of(container, path)
    except VideoError:
        container.close()
        raise


def _pictures_of(container: InputContainer, path: Path) -> VideoStream:
    kind = container.format.name
    if kind.endswith("_pipe") or kind in _NO_VIDEOS:
        raise VideoError(
            f"'{path.name}' is no video inside ({kind.removesuffix('_pipe')}); give it "
            "the suffix that it should have, or the video itself."
        )
    streams = container.streams.video
    if not streams:
        raise VideoError(
            f"'{path.name}' has no video stream (sound only?); give a file with "
            "pictures."
        )
    stream = streams[0]
    if stream.codec_context is None:
        raise VideoError(
            f"'{path.name}' uses an encoding that this installation of FFmpeg lacks; "
            "convert it, for instance to H.264 in MP4."
        )
    stream.thread_type = "AUTO"
    stream.codec_context.copy_opaque = True
    return stream


def decoded(
    container: InputContainer, stream: VideoStream, label: Label
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode from the current position; yield each frame with its packet's label.

    Damaged packets are passed over, as FFmpeg's own player does.
    """
    # PyAV now and then loses a label (seen once in some forty openings in a row); the
    # time of presentation then tells which packet a frame came from.
    by_time: dict[int | None, int] = {}
    for count, packet in enumerate(demuxed(container, stream)):
        given = count if label == "count" else getattr(packet, label)
        packet.opaque = given
        by_time[packet.pts] = given
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        for frame in frames:
            found = frame.opaque
            if found is None and frame.pts is not None:
                found = by_time.get(frame.pts)
            if found is not None:
                yield found, frame  # type: ignore[misc]


def first_label(container: InputContainer, stream: VideoStream, label: Label) -> int:
    """Return the label of the packet at the current position (and consume it)."""
    for packet in demuxed(container, stream):
        return int(getattr(packet, label) or 0)
    return -1


def demuxed(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet[Any]]:
    """Demux until the end, or until a damaged file can be followed no further."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except IndexError:
            # A packet of a stream that shows up only now (FLV, TS); PyAV stumbles
            # over it, but is past it.
            packets = container.demux(stream)
            continue
        except (StopIteration, av.FFmpegError):
            return
        yield packet


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
