"""The command line: light start, one-line errors, flags that follow the options."""

import json
import subprocess
import sys
from dataclasses import fields

import pytest

from napari_cotracker.cli import main
from napari_cotracker.cli.app import build_parser
from napari_cotracker.cli.options import chosen, parameter_notes
from napari_cotracker.tracking import TrackingOptions


def run(*argv, **environment):
    """Run the real command in a fresh process."""
    return subprocess.run(
        [sys.executable, "-m", "napari_cotracker", *argv],
        capture_output=True,
        text=True,
        check=False,
        env=environment or None,
    )


@pytest.mark.parametrize(
    "argv", [["--help"], ["models", "list"], ["track", "--help"], ["demo", "--help"]]
)
def test_light_commands_import_neither_torch_nor_napari(argv):
    code = (
        "import sys\n"
        "from napari_cotracker.cli import main\n"
        "try:\n"
        f"    main({argv!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'torch', 'napari', 'qtpy', 'av'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "usage: napari-cotracker" in answer.stdout or argv[0] == "models"


def test_help_names_every_command():
    text = build_parser().format_help()
    assert all(command in text for command in ("demo", "track", "models", "evaluate"))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["fly"], "invalid choice: 'fly'"),
        (["track"], "Say where the tracks go"),
        (["models", "info"], "Which model?"),
        (["models", "info", "cotraker3_online"], "Did you mean cotracker3_online"),
        (["models", "list", "compact"], "models info compact"),
        (["models", "upload", "x"], "invalid choice"),
        (["track", "v", "--queries", "q", "--out", "o", "--iterations", "x"], "int"),
    ],
)
def test_bad_arguments_get_one_line_and_code_2(argv, words, capsys):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


def test_models_as_json_and_text(capsys):
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"name", "licence", "origin", "sha256", "where"} <= set(listed[0])
    assert main(["models", "info", "cotracker2"]) == 0
    assert "45,458,787" in capsys.readouterr().out
    assert main(["models", "list", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def parse_track(*flags):
    argv = ["track", "v.mp4", "--queries", "q.csv", "--out", "t.csv", *flags]
    return chosen(build_parser().parse_args(argv), TrackingOptions)


def test_every_option_has_a_flag_with_the_words_of_its_docstring(capsys):
    with pytest.raises(SystemExit):
        main(["track", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    notes = parameter_notes(TrackingOptions)
    for field in fields(TrackingOptions):
        assert "--" + field.name.replace("_", "-") in text
        assert notes[field.name][1].replace("``", "'")[:20] in text


def test_flags_become_options():
    assert parse_track() == {}
    given = parse_track(
        *("--direction", "forward", "--first-frame", "3", "--model-resolution"),
        *("192", "256", "--contrast-limits", "-1.5", "700", "--channels", "2", "0"),
        *("--reference", "--dtype", "float32", "--visibility-threshold", "0.8"),
    )
    options = TrackingOptions(**given)
    assert options == TrackingOptions(
        direction="forward",
        first_frame=3,
        model_resolution=(192, 256),
        contrast_limits=(-1.5, 700.0),
        channels=(2, 0),
        reference=True,
        dtype="float32",
        visibility_threshold=0.8,
    )


def test_the_window_needs_a_screen():
    import os

    kept = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
    kept.pop("QT_QPA_PLATFORM", None)
    answer = run(**kept)
    assert answer.returncode == 1
    assert "no screen" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
