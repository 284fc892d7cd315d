"""A published model that lies on a server of the tests."""

from dataclasses import replace
from http.server import ThreadingHTTPServer
from threading import Thread

import pytest
from checkpoint_site import NAME, Handler, Site

from napari_cotracker.weights import find_model, registry
from napari_cotracker.weights.downloaded import HOME_VARIABLE


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder of downloads."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def publish(home, monkeypatch):
    """Let the checkpoint of ``NAME`` lie at another address."""

    def put(origin):
        record = replace(find_model(NAME), origin=origin, where=None, size=None)
        monkeypatch.setattr(registry, "PUBLISHED", (record,))

    return put


@pytest.fixture
def site(publish, monkeypatch):
    """A site that has the checkpoint of ``NAME``."""
    site = Site()
    handler = type("Bound", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    publish(f"{site.address}/a/scaled_online.pth")
    # A proxy of the machine that runs the tests must not get in between.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield site
    site.over.set()
    server.shutdown()
    server.server_close()
    thread.join()
