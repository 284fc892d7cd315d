"""Fetch one file over HTTP so that a broken transfer goes on where it stopped."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ReadTimeoutError

from napari_cotracker.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    OnProgress = Callable[[int, int], None]

CHUNK = 1 << 16
CONNECT_TIMEOUT_S = 10.0
# Without a single byte; a slow but steady server may take as long as it needs.
SILENCE_TIMEOUT_S = 30.0
KEPT = "what has arrived is kept, and the next try goes on from there"


@dataclass(frozen=True)
class Remote:
    """Which file a server offered, so that only halves of one file are joined.

    Parameters
    ----------
    url : str
    version : str
        The server's ETag or date; empty where it gives neither.
    total : int
        Bytes of the whole file.
    """

    url: str
    version: str
    total: int


def fetch(url: str, part: Path, on_progress: OnProgress | None = None) -> None:
    """Bring ``part`` to completion.

    Parameters
    ----------
    url : str
    part : Path
        Filled up; bytes of an earlier try are kept if the server still offers the
        same file and can continue.
    on_progress : callable or None
        Called with (bytes here, bytes in all), first before any byte is read. What it
        raises ends the transfer and leaves ``part`` to be continued.

    Raises
    ------
    ModelError
        No network, a refusal, a silent server, a broken transfer, or too little space.
    OSError
        ``part`` cannot be written.
    """
    begun = _begun(part, url)
    offset = part.stat().st_size if begun is not None else 0
    if begun is not None and offset == begun.total:
        return
    response = _ask(url, offset)
    if begun is not None and not _continues(response, begun, offset):
        offset = 0
        if response.status_code in (206, 416):
            response.close()
            response = _ask(url, offset)
    with response:
        remote = _offered(response, url, offset)
        _check_space(part, remote.total - offset)
        if offset == 0:
            discard(part)
            note = json.dumps(asdict(remote))
            _note_file(part).write_text(note, encoding="utf-8")
        _pour(response, part, offset, remote, on_progress)


def discard(part: Path) -> None:
    """Forget what has arrived."""
    part.unlink(missing_ok=True)
    _note_file(part).unlink(missing_ok=True)


def _note_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _begun(part: Path, url: str) -> Remote | None:
    """Return what an earlier try was fetching, if it can be continued."""
    try:
        values = json.loads(_note_file(part).read_text(encoding="utf-8"))
        begun = Remote(str(values["url"]), str(values["version"]), int(values["total"]))
        size = part.stat().st_size
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return begun if begun.url == url and 0 < size <= begun.total else None


def _ask(url: str, offset: int) -> requests.Response:
    # Compressed bytes could be neither counted nor continued.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    host = urlsplit(url).hostname or url
    try:
        return requests.get(
            url,
            headers=headers,
            stream=True,
            timeout=(CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S),
        )
    except requests.exceptions.SSLError as error:
        raise ModelError(
            f"The certificate of {host} cannot be verified, so {url} was not "
            "downloaded; check the clock and the proxy of this machine."
        ) from error
    except requests.exceptions.ReadTimeout as error:
        raise ModelError(_silence(url)) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise ModelError(
            f"{host} cannot be reached, so {url} was not downloaded; check the network "
            "and the proxy, or give the path of a checkpoint that you have."
        ) from error
    except requests.RequestException as error:
        raise ModelError(f"{url} cannot be downloaded ({error}).") from error


def _continues(response: requests.Response, begun: Remote, offset: int) -> bool:
    """Whether an answer is the rest of the file that was begun."""
    return response.status_code == 206 and (
        _range(response) == (offset, begun.total)
        and _version(response) == begun.version
    )


def _offered(response: requests.Response, url: str, offset: int) -> Remote:
    """Return what the server is about to send, or say why that is of no use."""
    status = response.status_code
    if status != (206 if offset else 200):
        raise ModelError(_refusal(status, url))
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise ModelError(
            f"{url} answered with a web page in place of a checkpoint; a network that "
            "asks for a login does that: open it in a browser, then try again."
        )
    if offset:
        return Remote(url, _version(response), _range(response)[1])
    length = response.headers.get("Content-Length", "")
    if not length.isdecimal():
        raise ModelError(
            f"{url} does not say how long the file is, so that its end could not be "
            "told from a broken transfer; download it with a browser and give its path."
        )
    return Remote(url, _version(response), int(length))


def _version(response: requests.Response) -> str:
    return response.headers.get("ETag") or response.headers.get("Last-Modified") or ""


def _range(response: requests.Response) -> tuple[int, int]:
    """Return the first byte and the total of a partial answer; -1 where unsaid."""
    said = re.fullmatch(
        r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", "")
    )
    return (int(said[1]), int(said[2])) if said else (-1, -1)


def _pour(
    response: requests.Response,
    part: Path,
    offset: int,
    remote: Remote,
    on_progress: OnProgress | None,
) -> None:
    done, url = offset, remote.url
    report = on_progress or (lambda *_: None)
    with part.open("ab" if offset else "wb") as sink:
        report(done, remote.total)
        chunks: Iterator[bytes] = response.iter_content(CHUNK)
        while chunk := _next(chunks, url):
            sink.write(chunk)
            done += len(chunk)
            report(done, remote.total)
        sink.flush()
        os.fsync(sink.fileno())
    if done < remote.total:
        raise ModelError(_break(url))
    if done > remote.total:
        discard(part)
        raise ModelError(
            f"{url} sent more than the {remote.total:,} bytes it had announced; "
            "nothing was kept, try again later."
        )


def _next(chunks: Iterator[bytes], url: str) -> bytes:
    """Return the next bytes, none at the end; only the network's errors are renamed."""
    try:
        return next(chunks, b"")
    except requests.RequestException as error:
        cause = error.args[0] if error.args else None
        silent = isinstance(cause, ReadTimeoutError)
        raise ModelError(_silence(url) if silent else _break(url)) from error


def _check_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise ModelError(
            f"The disk of {part.parent} has {free / 1e6:,.0f} MB free, but "
            f"{needed / 1e6:,.0f} MB are still to be downloaded; make room, or name "
            "another folder in the environment variable NAPARI_COTRACKER_HOME."
        )


def _silence(url: str) -> str:
    host = urlsplit(url).hostname
    return (
        f"{host} sent nothing for {SILENCE_TIMEOUT_S:g} s, so the download of {url} "
        f"was stopped; try again later: {KEPT}."
    )


def _break(url: str) -> str:
    host = urlsplit(url).hostname
    return f"{host} broke off the download of {url}; try again: {KEPT}."


def _refusal(status: int, url: str) -> str:
    own = "give the path of a checkpoint that you have"
    if status in (404, 410):
        return f"There is no file at {url} (HTTP {status}); {own}."
    if status == 429 or status >= 500:
        return f"The server cannot give {url} now (HTTP {status}); try again later."
    return f"The server refuses to give {url} (HTTP {status}); {own}."
