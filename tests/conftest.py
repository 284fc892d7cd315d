"""What every test needs."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


def pytest_configure(config):
    """Let each process that runs tests have settings of napari of its own.

    napari reads the variable when it is imported; its fixture for viewers resets the
    settings, which must be neither those of a person nor those of another process.
    """
    folder = TemporaryDirectory(prefix="napari-settings-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["NAPARI_CONFIG"] = str(Path(folder.name) / "settings.yaml")


@pytest.fixture(autouse=True)
def nothing_of_this_machine(tmp_path_factory, monkeypatch):
    """Hide downloaded models and unsaved work; leave none there."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NAPARI_COTRACKER_HOME", str(home))
    monkeypatch.setenv("NAPARI_COTRACKER_UNSAVED", str(home / "unsaved"))
