"""Zarr arrays and OME-Zarr images, read chunk by chunk; needs the extra ``zarr``.

OME-Zarr (NGFF) keeps ``multiscales`` in the attributes of a group: the first dataset
is full resolution, ``axes`` names its axes. Plain arrays may name theirs too
(``dimension_names``, or ``_ARRAY_DIMENSIONS`` as xarray writes it).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cotracker.errors import InputError, VideoError
from napari_cotracker.video.array import ArraySource
from napari_cotracker.video.options import ReadingOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARKERS = ("zarr.json", ".zgroup", ".zarray")
_LETTERS = {"time": "T", "frame": "T", "channel": "C", "sample": "S"}
_UNITS = {"second": 1.0, "millisecond": 1e-3, "minute": 60.0, "hour": 3600.0}
# What zarr and its codecs raise on damaged stores.
_READING_ERRORS = (OSError, ValueError, LookupError, TypeError, RuntimeError)


class StoredArray:
    """A zarr array whose reading errors are ours.

    Parameters
    ----------
    array : zarr.Array
    name : str
        Of the store, for messages.
    """

    def __init__(self, array: Any, name: str) -> None:
        self._array = array
        self._name = name
        self.shape = tuple(int(n) for n in array.shape)
        self.dtype = np.dtype(array.dtype)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """Read by one integer or slice per axis."""
        try:
            return np.asarray(self._array[key])
        except _READING_ERRORS as error:
            raise VideoError(
                f"A part of '{self._name}' cannot be read ({_short(error)}); a chunk "
                "is damaged: copy or export it again."
            ) from error


class ZarrSource(ArraySource):
    """A zarr array, or the full resolution of an OME-Zarr image.

    Parameters
    ----------
    path : path to the folder
    options : ReadingOptions

    Raises
    ------
    VideoError
        The store is damaged, or zarr is not installed.
    InputError
        Its axes have more than one reading; the message says what to choose.
    """

    def __init__(self, path: str | Path, options: ReadingOptions | None = None) -> None:
        path, options = Path(path), options or ReadingOptions()
        array, axes, fps = _open(path)
        if options.axes is None and axes:
            options = replace(options, axes=axes)
        super().__init__(
            StoredArray(array, path.name), options, name=f"'{path.name}'", fps=fps
        )

    @staticmethod
    def supports(video: object) -> bool:
        """Whether this is a folder that zarr wrote."""
        return (
            isinstance(video, Path)
            and video.is_dir()
            and (
                video.suffix.lower() == ".zarr"
                or any((video / marker).is_file() for marker in _MARKERS)
            )
        )


def _open(path: Path) -> tuple[Any, str, float | None]:
    """Return the array, its axes ("" if not named) and the frame rate if known."""
    try:
        import zarr
    except ImportError as error:
        raise VideoError(
            f"Reading '{path.name}' needs zarr; install it with "
            "pip install 'napari-cotracker[zarr]'."
        ) from error
    try:
        node = zarr.open(str(path), mode="r")
        if isinstance(node, zarr.Array):
            return node, _named_axes(node), None
        scales = _multiscales(node.attrs)
        if scales:
            return _full_resolution(node, scales)
        arrays = dict(node.arrays())
    except _READING_ERRORS as error:
        raise VideoError(
            f"'{path.name}' cannot be opened as a zarr store ({_short(error)}); it "
            "may be damaged or incomplete: copy or export it again."
        ) from error
    if len(arrays) != 1:
        inside = f"the arrays {', '.join(sorted(arrays))}" if arrays else "no array"
        raise InputError(
            f"The zarr group '{path.name}' holds {inside}; give the path of one array "
            "or of an OME-Zarr image."
        )
    (array,) = arrays.values()
    return array, _named_axes(array), None


def _multiscales(attributes: Mapping[str, Any]) -> list[Any]:
    inner = attributes.get("ome")
    holder = inner if isinstance(inner, dict) else attributes
    found = holder.get("multiscales")
    return found if isinstance(found, list) else []


def _full_resolution(node: Any, scales: list[Any]) -> tuple[Any, str, float | None]:
    first = scales[0]
    dataset = first["datasets"][0]
    array = node[dataset["path"]]
    axes = [a if isinstance(a, dict) else {"name": a} for a in first.get("axes", [])]
    letters = _letters([str(axis["name"]) for axis in axes])
    return array, letters, _rate(axes, letters, dataset)


def _rate(axes: list[Any], letters: str, dataset: Mapping[str, Any]) -> float | None:
    if "T" not in letters:
        return None
    at = letters.index("T")
    unit = _UNITS.get(str(axes[at].get("unit")))
    scale = next(
        (
            change["scale"][at]
            for change in dataset.get("coordinateTransformations", [])
            if change.get("type") == "scale"
        ),
        None,
    )
    return 1.0 / (unit * scale) if unit and scale else None


def _named_axes(array: Any) -> str:
    names = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS") or []
    return _letters([str(name) for name in names])


def _letters(names: list[str]) -> str:
    """Turn names of axes into letters; "" where one of them says nothing."""
    letters = "".join(_LETTERS.get(n.lower(), n.upper()) for n in names)
    return letters if len(letters) == len(names) and letters.isalpha() else ""


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
