"""Downloaded models at the command line and in ``load_model``."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkpoint_site import NAME

from napari_cotracker.cli import main
from napari_cotracker.weights.downloaded import HOME_VARIABLE, cache_folder

COMMAND = ["models", "download", NAME]
ACCEPTED = [*COMMAND, "--accept-licence"]


def test_the_command_downloads_with_a_bar_of_bytes(site, home, capsys):
    assert main(ACCEPTED) == 0
    out, err = capsys.readouterr()
    assert str(home / f"{NAME}.pth") in out
    assert "100%" in err
    assert "1.00M/1.00M" in err
    assert main(["models"]) == 0
    row = next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith(NAME)
    )
    assert row.endswith("yes")


def test_the_command_as_json_prints_the_record_only(site, home, capsys):
    assert main([*ACCEPTED, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["where"] == str(home / f"{NAME}.pth")
    assert err == ""


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (COMMAND, "--accept-licence"),
        (
            ["models", "download"],
            "Which model? Write 'napari-cotracker models download",
        ),
        (["models", "download", "x", "--accept-licence"], "no model named 'x'"),
    ],
)
def test_a_refusal_is_one_line_without_a_bar(site, capsys, argv, words):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1
    assert site.asked == []


def test_the_bar_of_a_continued_download_starts_where_it_stopped(site, capsys):
    site.break_after = 500_000
    assert main(ACCEPTED) == 2
    assert "broke off" in capsys.readouterr().err
    site.break_after = None
    assert main(ACCEPTED) == 0
    assert "100%" in capsys.readouterr().err


def test_a_downloaded_model_loads_by_name(site):
    """A published name with a small network behind it, for want of the real one."""
    import torch

    from napari_cotracker.model.build import build_network
    from napari_cotracker.model.config import PRESETS
    from napari_cotracker.tracking.models import load_model

    weights = build_network(PRESETS["compact"]).state_dict()
    packed = io.BytesIO()
    torch.save({"model": weights}, packed)
    site.content = packed.getvalue()
    assert main([*ACCEPTED, "--quiet"]) == 0
    loaded = load_model(NAME, device="cpu").state_dict()
    assert all(torch.equal(loaded[key], weights[key]) for key in weights)


def test_downloads_lie_in_the_cache_of_the_user(monkeypatch):
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    assert cache_folder().name in ("napari_cotracker", "Cache")
    monkeypatch.setenv(HOME_VARIABLE, "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"


def test_listing_models_imports_no_network_library():
    code = (
        "import sys; from napari_cotracker import list_models; list_models();"
        "sys.exit('requests' in sys.modules)"
    )
    environment = {**os.environ, HOME_VARIABLE: "nowhere"}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
