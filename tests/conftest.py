"""What every test needs."""

import pytest


@pytest.fixture(autouse=True)
def no_downloads_of_this_machine(tmp_path_factory, monkeypatch):
    """Hide models that the developer has downloaded."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NAPARI_COTRACKER_HOME", str(home))
