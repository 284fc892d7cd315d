"""Where torch runs: gradients off, and its errors turned into ones for people."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from napari_cotracker.errors import TrackingError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def guarded_inference(where: str) -> Iterator[None]:
    """Switch gradients off for one window; never held across a ``yield``.

    Parameters
    ----------
    where : str
        What is being worked on, for the message.

    Raises
    ------
    TrackingError
        The network failed or memory ran out.
    """
    try:
        with torch.inference_mode():
            yield
    except (MemoryError, RuntimeError) as error:
        first_line = str(error).strip().partition("\n")[0]
        if isinstance(error, MemoryError) or "memory" in first_line.lower():
            raise TrackingError(
                f"Memory ran out on {where}; choose a smaller model_resolution, "
                f"fewer points or a device with more memory ({first_line})."
            ) from error
        raise TrackingError(
            f"The network failed on {where} ({first_line}); try another device, "
            "dtype='float32' or another model."
        ) from error
