"""What one finished window leaves behind: enough to go on from there, exactly."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_cotracker.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

MAGIC = b"NCTW"
VERSION = 1


@dataclass(frozen=True, eq=False)
class FinishedWindow:
    """Answer of one call of the network, which the next window starts from.

    Positions and logits are kept in full: a rounded state would lead the windows
    that follow elsewhere.

    Parameters
    ----------
    walk : str
        Fingerprint of the walk that it belongs to: everything that the answer depends
        on but the pictures.
    index : int
        Which window of the walk.
    sign : 1 or -1
        Forwards or backwards in time.
    frames : (n,) int64
        Recording frames of the window, in the order of the walk.
    anchor : (P,) int64
        Row of the anchor in the run's queries, or -1 for a support point.
    xy : (S, P, 2) float32
        Model-frame pixels in all S places; those after the first n repeat frames.
    visibility, confidence : (S, P) float32
        Logits.
    """

    walk: str
    index: int
    sign: Literal[1, -1]
    frames: npt.NDArray[np.int64]
    anchor: npt.NDArray[np.int64]
    xy: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]

    @property
    def place(self) -> tuple[str, int]:
        """Which window it is: ``(walk, index)``; equal ones hold the same answer."""
        return self.walk, self.index

    def to_bytes(self) -> bytes:
        """Return a compact copy for :meth:`from_bytes`."""
        head = json.dumps(
            {
                "walk": self.walk,
                "index": self.index,
                "sign": self.sign,
                "first": int(self.frames[0]),
                "n": len(self.frames),
                "anchor": self.anchor.tolist(),
                "places": len(self.xy),
            },
            separators=(",", ":"),
        ).encode()
        numbers = np.concatenate(
            [self.xy, self.visibility[..., None], self.confidence[..., None]], axis=2
        )
        # Neighbouring frames differ little: equal bytes side by side pack better.
        planes = np.ascontiguousarray(numbers.transpose(2, 1, 0), "<f4").view(np.uint8)
        body = planes.reshape(-1, 4).T.tobytes()
        packed = zlib.compress(struct.pack("<I", len(head)) + head + body, level=1)
        return MAGIC + struct.pack("<H", VERSION) + packed

    @classmethod
    def from_bytes(cls, stored: bytes) -> FinishedWindow:
        """Undo :meth:`to_bytes`.

        Raises
        ------
        InputError
            It is damaged, of a newer version, or something else.
        """
        if stored[:4] != MAGIC:
            raise InputError(
                "This is not a finished window; it cannot be resumed from."
            )
        (version,) = struct.unpack("<H", stored[4:6].ljust(2, b"\0"))
        if version != VERSION:
            raise InputError(
                f"The finished window is of version {version}, this program reads "
                f"version {VERSION}; use the program that wrote it, or track again."
            )
        try:
            return cls._unpacked(zlib.decompress(stored[6:]))
        except (zlib.error, struct.error, ValueError, KeyError) as error:
            raise InputError(
                f"A finished window is damaged ({error}); leave it out and that part "
                "is tracked again."
            ) from error

    @classmethod
    def _unpacked(cls, raw: bytes) -> FinishedWindow:
        (size,) = struct.unpack("<I", raw[:4])
        head = json.loads(raw[4 : 4 + size])
        body = np.frombuffer(raw, np.uint8, offset=4 + size)
        planes = np.ascontiguousarray(body.reshape(4, -1).T).view("<f4")
        shape = (4, len(head["anchor"]), head["places"])
        numbers = planes.reshape(shape).transpose(2, 1, 0).astype(np.float32)
        return cls(
            walk=head["walk"],
            index=head["index"],
            sign=head["sign"],
            frames=head["first"] + head["sign"] * np.arange(head["n"]),
            anchor=np.array(head["anchor"], np.int64),
            xy=np.ascontiguousarray(numbers[..., :2]),
            visibility=np.ascontiguousarray(numbers[..., 2]),
            confidence=np.ascontiguousarray(numbers[..., 3]),
        )
