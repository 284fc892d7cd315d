"""The layers of the package, enforced: who may import whom, and how long things are."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import napari_cotracker

PACKAGE = Path(napari_cotracker.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Package -> packages it may know. `errors` is open to all. A new package must be
# entered here, which is the moment to think about where it stands.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "tracks": set(),
    "model": set(),
    "files": set(),
    "video": {"files"},
    "weights": set(),
    "io": {"tracks", "files"},
    "overlay": {"tracks", "video", "files"},
    "project": {"tracks", "io", "files"},
    "sample": {"tracks", "io"},
    # Validation is scored as recordings are (same measures, same baselines), and the
    # last stage learns from recordings that a network tracked as it would for a user.
    "training": {"model", "tracks", "video", "evaluation", "tracking", "files"},
    "tracking": {"model", "video", "tracks", "weights"},
    "evaluation": {"tracking", "tracks", "video", "io"},
}
ALLOWED["benchmark"] = {"tracking", "model", "tracks", "video"}
INNER = set(ALLOWED)
ALLOWED["widgets"] = INNER
ALLOWED["cli"] = INNER | {"widgets"}
ALLOWED["__main__"] = {"cli"}

# The rooms (and lone modules) of the two largest packages: each may know only those
# before it.
ROOMS = {
    "tracking": (
        "options identity frames further_anchors job sharpening windows progress "
        "fusion features detail models published prepare run retrack driver"
    ).split(),
    "widgets": "engine layers session runs files dock launch".split(),
}

GUI = {"napari", "qtpy", "superqt", "magicgui", "vispy", "PyQt5", "PyQt6", "PySide6"}
TORCH = {"model", "tracking", "training", "benchmark"}
ONLY_IN = {
    **{name: {"widgets"} for name in GUI},
    **dict.fromkeys(("torch", "torchvision"), TORCH),
    "tqdm": {"cli"},
}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 80


def layer_of(path: Path) -> str:
    """Name of the package (or lone module) directly below the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Every module that is imported anywhere in a file, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write it absolutely"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def label(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


LAYERED = [path for path in MODULES if path != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", LAYERED, ids=label)
def test_imports_go_one_way(path):
    layer = layer_of(path)
    assert layer in ALLOWED, f"'{layer}' is new: enter it in the table of layers"
    allowed = ALLOWED[layer] | {layer, "errors"}
    if layer in ("cli", "widgets"):
        allowed.add("__version__")
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] == "napari_cotracker":
            target = parts[1] if len(parts) > 1 else "the top level"
            assert target in allowed, f"{label(path)} may not import {name}"


ROOMED = [path for path in LAYERED if layer_of(path) in ROOMS]


@pytest.mark.parametrize("path", ROOMED, ids=label)
def test_rooms_know_only_those_before_them(path):
    layer, *inside = path.relative_to(PACKAGE).with_suffix("").parts
    order = ROOMS[layer]
    if inside == ["__init__"]:
        return
    assert inside[0] in order, f"'{inside[0]}' is new: enter it in the order of rooms"
    before = order[: order.index(inside[0]) + 1]
    for name in imports_of(path):
        parts = name.split(".")
        if parts[:2] == ["napari_cotracker", layer] and parts[2] in set(order):
            assert parts[2] in before, f"{label(path)} may not import {name}"


@pytest.mark.parametrize("path", LAYERED, ids=label)
def test_heavy_libraries_stay_in_their_layers(path):
    for name in imports_of(path):
        homes = ONLY_IN.get(name.split(".")[0])
        assert homes is None or layer_of(path) in homes, f"{label(path)}: {name}"


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_files_and_functions_stay_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_nothing_is_left_unwritten(path):
    names = {
        node.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name)
    }
    assert "NotImplementedError" not in names


@pytest.mark.parametrize(
    "statement",
    [
        "import napari_cotracker",
        "from napari_cotracker import Queries, Tracks, TrackingOptions",
        "from napari_cotracker import list_models; list_models()",
        "from napari_cotracker.sample import sample_clip; sample_clip()",
    ],
)
def test_light_imports_pull_in_neither_torch_nor_napari(statement):
    heavy = "{'torch', 'napari', 'qtpy'} & set(sys.modules)"
    code = f"import sys; {statement}; sys.exit(str({heavy}) if {heavy} else 0)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
