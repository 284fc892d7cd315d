"""Where downloaded checkpoints lie, and the pinned digest beside each.

``<name>.pth`` is the file, ``<name>.pth.sha256`` its pin: JSON with the digest and the
size that the file had when it was first downloaded, and the address it came from.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cotracker.errors import ModelError

if TYPE_CHECKING:
    from napari_cotracker.weights.record import ModelRecord

HOME_VARIABLE = "NAPARI_COTRACKER_HOME"


@dataclass(frozen=True)
class Pin:
    """What a checkpoint was when it was first downloaded.

    Parameters
    ----------
    sha256 : str
        Digest of the whole file, in hexadecimal.
    size : int
        Bytes.
    origin : str
        Address it came from.
    """

    sha256: str
    size: int
    origin: str


def cache_folder() -> Path:
    """Return the folder of downloads; the environment can name another one."""
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("napari_cotracker"))


def downloaded_file(name: str) -> Path:
    """Return where the checkpoint of a published model is, or would be."""
    return cache_folder() / f"{name}.pth"


def pin_file(file: Path) -> Path:
    """Return where the pin of a checkpoint is, or would be."""
    return file.with_name(f"{file.name}.sha256")


def read_pin(file: Path) -> Pin | None:
    """Return the pin of a checkpoint; None where nothing has been pinned.

    Raises
    ------
    ModelError
        The pin is there but cannot be read.
    """
    path = pin_file(file)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Pin(str(values["sha256"]), int(values["size"]), str(values["origin"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"The pinned digest {path} cannot be read ({error}); delete it and "
            "download the model again."
        ) from error


def write_pin(file: Path, pin: Pin) -> None:
    """Pin a checkpoint; the pin appears whole or not at all."""
    path = pin_file(file)
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(json.dumps(asdict(pin), indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def digest_of_file(file: Path) -> str:
    """Return the sha256 of a file in hexadecimal, without holding it in memory."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def located(record: ModelRecord) -> ModelRecord:
    """Return the record of a published model with its file, if that is here."""
    file = downloaded_file(record.name)
    try:
        size = file.stat().st_size
    except OSError:
        return record
    try:
        pin = read_pin(file)
    except ModelError:
        # One bad pin must not hide all models; loading this one still says so.
        pin = None
    sha256 = record.sha256 if pin is None else pin.sha256
    return replace(record, where=file, size=size, sha256=sha256)
