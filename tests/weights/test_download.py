"""Downloads of published checkpoints from a server that can misbehave."""

import json
import shutil
import socket
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

import pytest
from checkpoint_site import BYTES, NAME

from napari_cotracker.errors import ModelError
from napari_cotracker.weights import (
    download_weights,
    find_model,
    find_weights,
    list_models,
    registry,
    transfer,
)

PATH = "/a/scaled_online.pth"
DIGEST = sha256(BYTES).hexdigest()
OTHER = BYTES[:-1] + b"!"


def download(**options):
    return download_weights(NAME, accept_licence=True, **options)


def refused(words):
    """Expect one sentence for a person, with these words."""
    return pytest.raises(ModelError, match=words)


def kept(home):
    """Names of the visible files of the folder of downloads."""
    return {path.name for path in home.glob("[!.]*")}


WHOLE = {f"{NAME}.pth", f"{NAME}.pth.sha256"}
BEGUN = {f"{NAME}.pth.part", f"{NAME}.pth.part.json"}


def test_a_download_is_whole_pinned_and_found_by_name(site, home):
    assert not find_model(NAME).is_here
    file = download()
    assert file.read_bytes() == BYTES
    assert kept(home) == WHOLE
    pin = json.loads((home / f"{NAME}.pth.sha256").read_text())
    assert pin == {
        "sha256": DIGEST,
        "size": len(BYTES),
        "origin": f"{site.address}{PATH}",
    }
    record = find_model(NAME)
    assert (record.where, record.size, record.sha256) == (file, len(BYTES), DIGEST)
    assert find_weights(NAME) == file


def test_what_is_here_is_not_asked_for_again(site):
    file = download()
    assert download() == file
    assert len(site.asked) == 1


@pytest.mark.parametrize("accepted", [False, None])
def test_nothing_is_asked_for_before_the_licence_is_accepted(site, home, accepted):
    with refused("CC-BY-NC-4.0.*--accept-licence.*accept_licence=True"):
        download_weights(NAME, accept_licence=accepted)
    assert site.asked == []
    assert not home.exists()


def test_only_published_models_can_be_downloaded(site, monkeypatch):
    with refused("no model named 'cotracker3_onlin'. Did you mean"):
        download_weights("cotracker3_onlin", accept_licence=True)
    monkeypatch.setattr(registry, "is_published", lambda name: False)
    monkeypatch.setattr(
        "napari_cotracker.weights.download.is_published", lambda name: False
    )
    with refused("comes with napari-cotracker"):
        download()


def test_progress_counts_bytes_up_to_the_whole(site):
    seen = []
    download(on_progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, len(BYTES))
    assert seen[-1] == (len(BYTES), len(BYTES))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) > 10


def test_a_broken_download_goes_on_where_it_stopped(site, home):
    site.break_after = 500_000
    with refused("127.0.0.1 broke off the download of .* is kept"):
        download()
    assert kept(home) == BEGUN
    assert not find_model(NAME).is_here
    site.break_after = None
    seen = []
    file = download(on_progress=lambda done, total: seen.append(done))
    assert file.read_bytes() == BYTES
    assert seen[0] > 400_000
    assert site.asked[1] == (PATH, f"bytes={seen[0]}-")
    assert kept(home) == WHOLE


@pytest.mark.parametrize(
    "change",
    [
        {"ranges": False},
        {"etag": '"second"', "content": OTHER},
        {"etag": '"first"', "content": BYTES[:300_000]},
        {"etag": '"first"', "content": BYTES + b"more"},
        {"etag": None},
    ],
    ids=["no ranges", "another file", "shorter", "longer", "no etag now"],
)
def test_halves_of_two_files_are_never_joined(site, change):
    site.break_after = 500_000
    with refused("broke off"):
        download()
    site.break_after = None
    for name, value in change.items():
        setattr(site, name, value)
    assert download().read_bytes() == site.content


@pytest.mark.parametrize("note", ["", "{", "[]", '{"url": 1}'])
def test_a_begun_file_of_unknown_origin_is_not_continued(site, home, note):
    home.mkdir()
    (home / f"{NAME}.pth.part").write_bytes(b"something else")
    (home / f"{NAME}.pth.part.json").write_text(note)
    assert download().read_bytes() == BYTES
    assert site.asked == [(PATH, None)]


def test_a_server_without_etag_is_continued_too(site):
    site.etag, site.break_after = None, 500_000
    with refused("broke off"):
        download()
    site.break_after = None
    assert download().read_bytes() == BYTES
    assert site.asked[1][1] is not None


def test_a_redirect_is_followed_and_continued(site):
    site.redirect, site.break_after = True, 500_000
    with refused("broke off"):
        download()
    site.break_after = None
    assert download().read_bytes() == BYTES
    path, wanted = site.asked[-1]
    assert path == f"/moved{PATH}"
    assert wanted is not None


def test_a_mirror_can_be_named(site, publish):
    publish("http://127.0.0.1:9/gone/scaled_online.pth")
    assert download(base_url=f"{site.address}/mirror/").read_bytes() == BYTES
    assert site.asked == [("/mirror/scaled_online.pth", None)]


def test_a_stop_by_the_caller_leaves_what_has_arrived(site, home):
    class Stop(Exception):
        pass

    def stop(done, total):
        if done > 300_000:
            raise Stop

    with pytest.raises(Stop):
        download(on_progress=stop)
    assert kept(home) == BEGUN
    assert download().read_bytes() == BYTES
    assert site.asked[1][1] is not None


def test_a_file_that_arrived_whole_needs_no_network(site, home):
    """As if the process had ended between the last byte and the new name."""
    download()
    (home / f"{NAME}.pth").rename(home / f"{NAME}.pth.part")
    note = {"url": f"{site.address}{PATH}", "version": "", "total": len(BYTES)}
    (home / f"{NAME}.pth.part.json").write_text(json.dumps(note))
    assert download().read_bytes() == BYTES
    assert len(site.asked) == 1


def test_a_damaged_file_is_refused_and_downloaded_again(site, home):
    file = download()
    file.write_bytes(OTHER)
    with refused(f"damaged.*models download {NAME} --accept-licence"):
        find_weights(NAME)
    assert download().read_bytes() == BYTES
    assert find_weights(NAME) == file


def test_a_file_that_differs_from_its_pin_replaces_nothing(site, home):
    file = download()
    file.write_bytes(b"damaged")
    pin = (home / f"{NAME}.pth.sha256").read_bytes()
    site.content, site.etag = OTHER, '"second"'
    with refused("no longer the file that was downloaded first.*nothing was replaced"):
        download()
    assert file.read_bytes() == b"damaged"
    assert (home / f"{NAME}.pth.sha256").read_bytes() == pin
    assert kept(home) == WHOLE
    (home / f"{NAME}.pth.sha256").unlink()
    assert download().read_bytes() == OTHER


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_pin_is_named_and_hides_no_other_model(site, home, text):
    download()
    (home / f"{NAME}.pth.sha256").write_text(text)
    assert find_model(NAME).is_here
    assert len(list_models()) >= 1
    for act in (download, lambda: find_weights(NAME)):
        with refused("sha256 cannot be read.*delete it"):
            act()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "no file at http.*404.*path of a checkpoint"),
        (403, "refuses.*403"),
        (503, "503.*try again later"),
        (429, "429.*try again later"),
    ],
)
def test_a_refusal_of_the_server_is_told(site, home, status, words):
    site.status = status
    with refused(words):
        download()
    assert kept(home) == set()


def test_a_refusal_keeps_what_was_begun(site, home):
    site.break_after = 500_000
    with refused("broke off"):
        download()
    site.break_after, site.status = None, 503
    with refused("503"):
        download()
    assert kept(home) == BEGUN


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"content_type": "text/html; charset=utf-8"}, "web page.*login"),
        ({"says_length": False}, "does not say how long"),
    ],
)
def test_an_answer_that_is_no_checkpoint_is_not_pinned(site, home, change, words):
    for name, value in change.items():
        setattr(site, name, value)
    with refused(words):
        download()
    assert kept(home) == set()


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_no_network_is_told(publish, home, monkeypatch, host):
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    publish(f"http://{host}:{port}/scaled_online.pth")
    with refused(f"{host} cannot be reached.*check the network"):
        download()
    assert kept(home) == set()


@pytest.mark.parametrize("base_url", ["ftp://x", "nonsense", ""])
def test_an_unusable_mirror_is_told(site, base_url):
    with refused("cannot be downloaded"):
        download(base_url=base_url)


@pytest.mark.parametrize("silent_after", [0, 300_000])
def test_a_silent_server_is_given_up(site, monkeypatch, silent_after):
    monkeypatch.setattr(transfer, "SILENCE_TIMEOUT_S", 0.2)
    site.silent_after = silent_after
    with refused("sent nothing for 0.2 s.*try again later"):
        download()
    site.silent_after = None
    assert download().read_bytes() == BYTES


def test_a_slow_but_steady_server_is_waited_for(site, monkeypatch):
    monkeypatch.setattr(transfer, "SILENCE_TIMEOUT_S", 1.5)
    site.pause_s = 0.15
    assert download().read_bytes() == BYTES


def test_a_disk_without_room_is_told_before_anything_is_read(site, home, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=999_999)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with refused("1 MB free, but 1 MB.*NAPARI_COTRACKER_HOME"):
        download()
    assert kept(home) == set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_disk_that_gets_full_is_told(site, home, monkeypatch):
    usual = Path.open

    def full(path, mode="r", *args, **kwargs):
        target = Path("/dev/full") if path.suffix == ".part" and "w" in mode else path
        return usual(target, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    with refused("No space left.*make room.*NAPARI_COTRACKER_HOME"):
        download()
    monkeypatch.undo()
    assert not (home / f"{NAME}.pth").exists()


def test_a_folder_that_cannot_be_made_is_told(site, home):
    home.write_text("a file")
    with refused("cannot be written.*NAPARI_COTRACKER_HOME"):
        download()


def test_two_downloads_at_once_do_not_mix(site):
    begun, go_on = Event(), Event()

    def hold(done, total):
        begun.set()
        go_on.wait(20)

    first = Thread(target=download, kwargs={"on_progress": hold})
    first.start()
    assert begun.wait(20)
    with refused("being downloaded already"):
        download()
    go_on.set()
    first.join()
    assert download().read_bytes() == BYTES
    assert len(site.asked) == 1
