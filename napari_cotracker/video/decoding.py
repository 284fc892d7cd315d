"""Any frame of an encoded video: seeking, decoding on, and remembering."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING

import av

from napari_cotracker.errors import VideoError
from napari_cotracker.video.pictures import memory_of
from napari_cotracker.video.source import VideoWarning
from napari_cotracker.video.streams import decoded, first_label, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from napari_cotracker.video.packets import PacketIndex

# Played forward, only this many frames stay behind: windows overlap.
_FRAMES_BEHIND = 64
# Stepping back through less would decode every group of pictures again and again.
_FEWEST_KEPT = 4


class Decoder:
    """Gives any frame of a file; not safe for several threads at once.

    Frames are kept as they were decoded: passing over many on the way to one
    costs no conversion, and they take half the memory of RGB.

    Parameters
    ----------
    path : Path
    index : PacketIndex
    cache_bytes : int
        How much memory decoded frames may take together.
    """

    def __init__(self, path: Path, index: PacketIndex, cache_bytes: int) -> None:
        self._path = path
        self._index = index
        self._budget = cache_bytes
        self._stream: tuple[InputContainer, VideoStream] | None = None
        self._running: Iterator[tuple[int, VideoFrame]] | None = None
        self._next = 0  # the lowest frame that decoding on can still give
        self._trusted_from = 0  # frames before it may be damaged after a seek
        self._cache: OrderedDict[int, VideoFrame] = OrderedDict()

    def close(self) -> None:
        """Close the file and forget the frames; a later call opens it again."""
        if self._stream is not None:
            self._stream[0].close()
        self._stream = self._running = None
        self._cache.clear()

    @property
    def cached_bytes(self) -> int:
        """Memory that decoded frames take now."""
        return sum(memory_of(frame) for frame in self._cache.values())

    def frame(self, number: int) -> VideoFrame:
        """Return one frame, or with a warning the one shown before it.

        Raises
        ------
        VideoError
            Neither can be decoded.
        """
        if number in self._cache:
            self._cache.move_to_end(number)
            return self._cache[number]
        held = None
        for tries, _ in enumerate(self._approaches(number)):
            got = self._decode_up_to(number)
            if got == number:
                return self._cache[number]
            if got is not None and tries > 0:
                held = got
                break  # passed over: it is not in the file
        return self._hold(number, held)

    def _approaches(self, number: int) -> Iterator[None]:
        """Take up positions from which decoding on should give a frame.

        The cheapest first: decoding on, the nearest keyframe, earlier ones (a
        keyframe may not be one in truth), at last the start of the file.
        """
        starts = self._index.keyframes_before(number)
        nearest = starts[0][0] if starts else 0
        if self._running is not None and nearest <= self._next <= number:
            self._cache.pop(number - _FRAMES_BEHIND, None)
            yield
        for keyframe, timestamp in starts[:3]:
            if self._seek(timestamp):
                self._trusted_from = keyframe
                yield
        self._restart()
        yield

    def _seek(self, timestamp: int) -> bool:
        container, stream = self._open()
        label = self._index.label
        try:
            container.seek(timestamp, stream=stream)
            landed = first_label(container, stream, label)
            container.seek(timestamp, stream=stream)
        except av.FFmpegError:
            return False
        self._running = decoded(container, stream, label)
        self._next = self._trusted_from = 0
        return landed in self._index.keyframe_labels

    def _restart(self) -> None:
        if self._stream is not None:
            self._stream[0].close()
            self._stream = None
        container, stream = self._open()
        self._running = decoded(container, stream, self._index.label)
        self._next = self._trusted_from = 0

    def _open(self) -> tuple[InputContainer, VideoStream]:
        if self._stream is None:
            self._stream = open_stream(self._path)
        return self._stream

    def _decode_up_to(self, wanted: int) -> int | None:
        """Decode on until this frame is in the cache or was passed over.

        Returns
        -------
        number : int or None
            The frame; if there is none such, the last one before it that came.
        """
        earlier: int | None = None
        for label, frame in self._running or ():
            number = self._index.order.get(label)
            # After a seek, frames before the keyframe lack what they refer to.
            if number is None or number < self._trusted_from:
                continue
            self._next = number + 1
            if number > wanted - self._kept(frame):
                self._remember(number, frame)
            if number >= wanted:
                return number if number == wanted else earlier
            earlier = number
        self._running = None
        return earlier

    def _remember(self, number: int, frame: VideoFrame) -> None:
        self._cache[number] = frame
        self._cache.move_to_end(number)
        while len(self._cache) > self._kept(frame):
            self._cache.popitem(last=False)

    def _kept(self, frame: VideoFrame) -> int:
        return max(_FEWEST_KEPT, self._budget // max(1, memory_of(frame)))

    def _hold(self, number: int, earlier: int | None) -> VideoFrame:
        if earlier is None or earlier not in self._cache:
            raise VideoError(
                f"Frame {number} of '{self._path.name}' cannot be decoded; the file is "
                "damaged there. Copy or export it again, or leave these frames out."
            )
        warnings.warn(
            f"Frame {number} of '{self._path.name}' cannot be decoded; frame {earlier} "
            "is shown in its place.",
            VideoWarning,
            stacklevel=2,
        )
        self._cache[number] = self._cache[earlier]
        return self._cache[number]
