"""What a person gets who installs the wheel: code, manifest, weights, sample."""

import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = (
    "napari.yaml",
    "py.typed",
    "weights/compact.safetensors",
    "weights/compact.json",
    "sample/swimmers.mp4",
    "sample/swimmers.npz",
)


@pytest.mark.parametrize("name", DATA)
def test_data_files_are_found_in_the_installed_package(name):
    assert files("napari_cotracker").joinpath(name).is_file()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Names in a wheel built from this tree, without a network."""
    from hatchling.builders.wheel import WheelBuilder

    folder = str(tmp_path_factory.mktemp("dist"))
    built = next(WheelBuilder(str(ROOT)).build(directory=folder, versions=["standard"]))
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("name", DATA)
def test_the_wheel_holds_the_data_files(wheel, name):
    assert f"napari_cotracker/{name}" in wheel


def test_the_wheel_holds_every_module_and_nothing_else(wheel):
    modules = {p.relative_to(ROOT).as_posix() for p in _sources(".py")}
    assert modules <= wheel
    assert {name.split("/")[0] for name in wheel} == {
        "napari_cotracker",
        "napari_cotracker-0.1.0.dist-info",
    }


def test_the_manifest_at_the_top_is_a_link_to_the_one_in_the_package():
    inside = ROOT / "napari_cotracker" / "napari.yaml"
    assert (ROOT / "napari.yaml").resolve() == inside.resolve()


def _sources(suffix):
    return (ROOT / "napari_cotracker").rglob(f"*{suffix}")
