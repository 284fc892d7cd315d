"""What every test needs."""

import pytest


@pytest.fixture(autouse=True)
def nothing_of_this_machine(tmp_path_factory, monkeypatch):
    """Hide downloaded models and unsaved work; leave none there."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NAPARI_COTRACKER_HOME", str(home))
    monkeypatch.setenv("NAPARI_COTRACKER_UNSAVED", str(home / "unsaved"))
