"""Folders of images: one frame per file, in natural order, read by content."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video.array import ArraySource
from napari_cotracker.video.options import ReadingOptions
from napari_cotracker.video.orientation import Orientation
from napari_cotracker.video.source import VideoWarning

if TYPE_CHECKING:
    from collections.abc import Callable

SUFFIXES = frozenset(".png .jpg .jpeg .tif .tiff .bmp .webp".split())

# By content: the suffix of an image file is often wrong.
_DECODERS: dict[bytes, Callable[[bytes], npt.NDArray[Any]]] = {
    b"\x89PNG": imagecodecs.png_decode,
    b"\xff\xd8": imagecodecs.jpeg_decode,
    b"BM": imagecodecs.bmp_decode,
    b"RIFF": imagecodecs.webp_decode,
}
_EXIF_ORIENTATION = 0x0112
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


class ImageFiles:
    """Equal images as one array (T, H, W) or (T, H, W, C); files are read on demand.

    Parameters
    ----------
    paths : list of Path
        At least one, in the order of the frames.
    """

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        first = read_image(paths[0])
        self.dtype = first.dtype
        self.shape = (len(paths), *first.shape)
        self._check_sizes()

    def __getitem__(self, key: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        """Read by a slice of frames (or one frame) and a key per further axis."""
        chosen = self._paths[key[0]]
        if isinstance(chosen, Path):
            return np.asarray(self._image(chosen)[key[1:]])
        return np.stack([self._image(path) for path in chosen])[(slice(None), *key[1:])]

    def _image(self, path: Path) -> npt.NDArray[Any]:
        image = read_image(path)
        if (image.shape, image.dtype) != (self.shape[1:], self.dtype):
            raise VideoError(
                f"'{path.name}' is {_words(image.shape, image.dtype)}, but "
                f"'{self._paths[0].name}' is {_words(self.shape[1:], self.dtype)}; all "
                f"images of '{path.parent.name}' must be alike."
            )
        return image

    def _check_sizes(self) -> None:
        """Look at every header now, rather than fail at the last frame."""
        for path in self._paths:
            size = _header_size(path)
            if size is not None and size != self.shape[1:3]:
                raise VideoError(
                    f"'{path.name}' is {size[1]} x {size[0]} pixels, but the first, "
                    f"'{self._paths[0].name}', is {self.shape[2]} x {self.shape[1]}; "
                    f"all images of '{path.parent.name}' must have one size."
                )


class FolderSource(ArraySource):
    """A folder of images.

    Parameters
    ----------
    path : path to the folder
    options : ReadingOptions
        ``axes`` and ``plane`` do not apply.

    Raises
    ------
    VideoError
        No images, or they differ in size or type, or one is damaged.
    InputError
        The options do not fit.
    """

    def __init__(self, path: str | Path, options: ReadingOptions | None = None) -> None:
        # Absolute, because "." has no name.
        path, options = Path(path).absolute(), options or ReadingOptions()
        if options.axes is not None or options.plane is not None:
            raise InputError(
                f"axes= and plane= do not apply to the folder '{path.name}': every "
                "file is one frame; leave them out."
            )
        paths = image_paths(path)
        _warn_of_gaps(paths)
        super().__init__(ImageFiles(paths), options, name=f"'{path.name}'")

    @staticmethod
    def supports(video: object) -> bool:
        """Whether this is a folder."""
        return isinstance(video, Path) and video.is_dir()


def image_paths(folder: Path) -> list[Path]:
    """List the images of a folder so that 2 comes before 10.

    Raises
    ------
    VideoError
        There are none, or two have one name but for the suffix.
    """
    paths = [
        p
        for p in folder.iterdir()
        if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()
    ]
    if not paths:
        raise VideoError(
            f"The folder '{folder.name}' holds no images "
            f"({' '.join(sorted(SUFFIXES))}); give a folder of frames or a video file."
        )
    paths.sort(key=_natural)
    named: dict[str, Path] = {}
    for path in paths:
        if (twin := named.setdefault(path.stem, path)) is not path:
            raise VideoError(
                f"The folder '{folder.name}' holds '{twin.name}' and '{path.name}', "
                "which look like one frame saved twice; keep one kind of file."
            )
    return paths


def _warn_of_gaps(paths: list[Path]) -> None:
    """Warn where the numbers in the names jump: that of a file is no frame then.

    Times of day as names jump all the time; only steps that are mostly alike tell.
    """
    parts = [re.fullmatch(r"(.*?)(\d+)(\D*)", path.stem) for path in paths]
    found = [match for match in parts if match]
    if len(found) < len(paths) or len({(m[1], m[3]) for m in found}) > 1:
        return
    steps = np.diff([float(m[2]) for m in found])
    kinds, counts = np.unique(steps, return_counts=True)
    if len(kinds) > 1 and counts.max() > len(steps) / 2:
        at = int(np.argmax(steps != kinds[counts.argmax()])) + 1
        warnings.warn(
            f"'{paths[0].parent.name}': the numbers in the names jump from "
            f"'{paths[at - 1].name}' to '{paths[at].name}', which is frame {at}: "
            "frames are counted by place. If images are missing, put them back.",
            VideoWarning,
            stacklevel=2,
        )


def read_image(path: Path) -> npt.NDArray[Any]:
    """Read one image as (H, W) or (H, W, C), in the type it is stored.

    Raises
    ------
    VideoError
        The file cannot be read, or holds several pages.
    """
    try:
        content = path.read_bytes()
        image = _decode(content, path)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise VideoError(
            f"The image '{path.name}' of '{path.parent.name}' cannot be read "
            f"({error}); it is damaged or not an image: replace it or take it out of "
            "the folder."
        ) from error
    if image.ndim == 3 and image.shape[2] <= 2:
        image = image[..., 0]  # grey, with or without alpha
    return _orientation(content).apply(image)


def _decode(content: bytes, path: Path) -> npt.NDArray[Any]:
    if content.startswith(_TIFF):
        image = np.asarray(tifffile.imread(path))
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] > 4):
            raise ValueError(
                f"it holds several pages, shape {image.shape}; open it by itself"
            )
        return image
    for magic, decode in _DECODERS.items():
        if content.startswith(magic):
            return np.asarray(decode(content))
    raise ValueError("the file is empty" if not content else "unknown content")


def _header_size(path: Path) -> tuple[int, int] | None:
    header = _header(path)
    if header is not None:
        return header[0]
    # Pillow knows fewer kinds of TIFF; those are checked when they are read.
    with path.open("rb") as file:
        is_tiff = file.read(4) in _TIFF
    if not is_tiff:
        read_image(path)
    return None


def _orientation(content: bytes) -> Orientation:
    header = _header(BytesIO(content))
    return Orientation() if header is None else header[1]


def _header(file: Path | BytesIO) -> tuple[tuple[int, int], Orientation] | None:
    """Return the upright (H, W) and which way up a camera held the picture.

    None where Pillow cannot read it; it raises anything, down to SyntaxError, on
    damaged files.
    """
    try:
        with Image.open(file) as image:
            # TIFF and BMP are shown as they are stored. Of a PNG without the tag Pillow
            # would decode the whole picture to look for it.
            turned = image.format in ("JPEG", "MPO", "WEBP") or (
                image.format == "PNG" and "exif" in image.info
            )
            tag = image.getexif().get(_EXIF_ORIENTATION, 1) if turned else 1
            orientation = Orientation.of_exif(tag)
            return orientation.size(image.height, image.width), orientation
    except Exception:
        return None


def _natural(path: Path) -> tuple[list[str | int], str]:
    parts = re.split(r"(\d+)", path.name.lower())
    return [int(p) if i % 2 else p for i, p in enumerate(parts)], path.name


def _words(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    kind = {1: "grey", 3: "RGB", 4: "RGBA"}.get(shape[2] if len(shape) > 2 else 1, "?")
    return f"{shape[1]} x {shape[0]} {kind} {dtype}"
