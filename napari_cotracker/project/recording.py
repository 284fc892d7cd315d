"""Which recording a project is about, and how to know it again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cotracker.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

# Enough to tell recordings apart, little enough to read at once over a network.
_SAMPLE_BYTES = 1 << 18


@dataclass(frozen=True)
class Recording:
    """A recording and its fingerprint.

    Parameters
    ----------
    shape : (T, H, W)
    digest : str
        SHA-256 of its size and of samples of its content.
    path : str
        Absolute; empty for one that is not a file.
    relative : str
        The same, seen from the folder of the project; empty where there is none.
    n_bytes : int or None
        Size of the file, or of all files of a folder.
    """

    shape: tuple[int, int, int]
    digest: str
    path: str = ""
    relative: str = ""
    n_bytes: int | None = None

    @classmethod
    def of_file(cls, path: Path, shape: tuple[int, int, int]) -> Recording:
        """Take the fingerprint of a video file or a folder of images.

        Raises
        ------
        ProjectError
            It cannot be read.
        """
        n_bytes, digest = _fingerprint(path)
        return cls(_plain(shape), digest, str(path.resolve()), n_bytes=n_bytes)

    @classmethod
    def of_frames(
        cls, frames: Iterable[npt.NDArray[Any]], shape: tuple[int, int, int]
    ) -> Recording:
        """Take the fingerprint of a recording in memory by some of its frames."""
        digest = hashlib.sha256(repr(_plain(shape)).encode())
        for frame in frames:
            digest.update(np.ascontiguousarray(frame).tobytes())
        return cls(_plain(shape), digest.hexdigest())

    def seen_from(self, project: Path) -> Recording:
        """Return this recording with its path relative to a project."""
        if not self.path:
            return self
        try:
            relative = os.path.relpath(self.path, project.resolve().parent)
        except ValueError:  # another drive on Windows
            return replace(self, relative="")
        return replace(self, relative=Path(relative).as_posix())

    def find(self, project: Path) -> Path:
        """Return where the recording lies now.

        Raises
        ------
        ProjectError
            It is not a file, not where it was, or has changed.
        """
        if not self.path:
            raise ProjectError(
                f"The recording of '{project}' is not a file; open it as it was "
                "opened when the project was made."
            )
        places = [Path(self.path), project.resolve().parent / self.relative]
        there = [place for place in dict.fromkeys(places) if place.exists()]
        if not there:
            raise ProjectError(
                f"The recording of '{project}' is not at '{self.path}' any more; put "
                "it back, or beside the project as before, or give its new place."
            )
        for place in there:
            if self.is_same_as(place):
                return place
        raise self._other(there[0])

    def is_same_as(self, path: Path) -> bool:
        """Tell whether a file has the content of this recording."""
        return _fingerprint(path)[1] == self.digest

    def check(self, path: Path) -> None:
        """Refuse a file that is another recording (:class:`ProjectError`)."""
        if not self.is_same_as(path):
            raise self._other(path)

    def _other(self, path: Path) -> ProjectError:
        n_bytes = _fingerprint(path)[0]
        size = (
            "" if n_bytes == self.n_bytes else f" ({self.n_bytes} to {n_bytes} bytes)"
        )
        return ProjectError(
            f"'{path}' is another recording than the project's, or has changed since"
            f"{size}; its tracks would not fit. Restore it, or make a new project."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Recording:
        """Make a recording of what :meth:`to_dict` returned."""
        return cls(**{**plain, "shape": _plain(plain["shape"])})


def _plain(shape: tuple[int, ...]) -> tuple[int, int, int]:
    n_frames, height, width = (int(side) for side in tuple(shape)[:3])
    return n_frames, height, width


def _fingerprint(path: Path) -> tuple[int, str]:
    """Return the bytes of a file or folder, and the hash of samples of them."""
    try:
        if path.is_dir():
            return _folder_fingerprint(path)
        n_bytes = path.stat().st_size
        digest = hashlib.sha256(str(n_bytes).encode())
        with path.open("rb") as file:
            last = max(0, n_bytes - _SAMPLE_BYTES)
            for start in (0, last // 2, last):
                file.seek(start)
                digest.update(file.read(_SAMPLE_BYTES))
        return n_bytes, digest.hexdigest()
    except OSError as error:
        raise ProjectError(
            f"The recording '{path}' cannot be read ({error.strerror or error}); "
            "check the path."
        ) from error


def _folder_fingerprint(path: Path) -> tuple[int, str]:
    files = sorted(p for p in path.iterdir() if p.is_file())
    sizes = [p.stat().st_size for p in files]
    listed = [(p.name, size) for p, size in zip(files, sizes, strict=True)]
    digest = hashlib.sha256(repr(listed).encode())
    for sample in files[:1] + files[-1:]:
        with sample.open("rb") as file:
            digest.update(file.read(_SAMPLE_BYTES))
    return sum(sizes), digest.hexdigest()
