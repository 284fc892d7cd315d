"""Libraries of the ``formats`` extra: imported when a format needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from napari_cotracker.errors import FormatError


def library(name: str) -> Any:
    """Import a library.

    Raises
    ------
    FormatError
        It is not installed; the message says how to install it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise FormatError(
            f"This format needs the package '{name.partition('.')[0]}', which cannot "
            f"be imported ({error}); install it with: "
            "pip install 'napari-cotracker[formats]'."
        ) from error
