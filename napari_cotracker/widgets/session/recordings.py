"""Which recording an image layer shows."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from napari_cotracker.errors import InputError, ProjectError
from napari_cotracker.project import Project, Recording
from napari_cotracker.widgets.layers.image_input import position_in, read_image
from napari_cotracker.widgets.layers.layer_looks import METADATA_KEY

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_cotracker.widgets.layers.image_input import ImageInput


def recording_of(image: Image, source: ImageInput) -> Recording:
    """Return the fingerprint of the recording that an image shows.

    Raises
    ------
    ProjectError
        It cannot be read.
    """
    path, shape = path_of(image), (source.n_frames, *source.size)
    if path is not None:
        return Recording.of_file(path, shape)
    last = source.n_frames - 1
    try:
        frames = [np.asarray(source.video[t]) for t in (0, last // 2, last)]
    except Exception as error:  # of whatever kind: a lazy array runs foreign code
        raise ProjectError(f"Frames of '{image.name}' cannot be read.") from error
    return Recording.of_frames(frames, shape)


def shows(image: Image, recording: Recording, fixed: dict[int, int]) -> bool:
    """Tell whether an image shows a recording, at an index on its further axes.

    Raises
    ------
    ProjectError
        It cannot be read.
    """
    if any(axis >= image.ndim - 2 for axis in fixed):
        return False
    try:
        source = read_image(image, position_in(image, fixed))
    except InputError:
        return False
    size = (source.n_frames, *source.size)
    if size != recording.shape:
        return False
    return recording_of(image, source).digest == recording.digest


def image_under(kept: dict[str, Any], images: list[Image]) -> Image | None:
    """Return the image that results are about, also if it was opened again.

    Parameters
    ----------
    kept : dict
        What is kept with the layer of the results.
    images : list of Image
        Those there are.
    """
    image = kept["over"]()
    if image in images:
        return cast("Image", image)
    annotations, fixed = kept["annotations"], dict(kept["memory"].slice)
    if not isinstance(annotations, Project):
        return None
    named = (image for image in images if image.name == kept["image"])
    with suppress(ProjectError):  # it cannot be read
        return next((x for x in named if shows(x, annotations.recording, fixed)), None)
    return None


def path_of(image: Image) -> Path | None:
    """Return the file that an image was opened from, if it is still there."""
    about = image.metadata.get(METADATA_KEY, {})
    named = about.get("path") or image.source.path
    path = None if named is None else Path(named)
    return path if path is not None and path.exists() else None
