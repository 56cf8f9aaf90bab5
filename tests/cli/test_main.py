"""Exit codes, one message an error, no traceback unless asked for, and quick help."""

import subprocess
import sys

import pytest

from accord.cli import main as cli
from accord.core.errors import CheckFailed, InputError, StorageError
from accord.core.interrupts import Interrupted


def run(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("`x` must be positive."), 2),
        (StorageError(28, "The disk is full."), 2),
        (CheckFailed("changed"), 3),
        (Interrupted("Stopped after step 3."), 130),
        (KeyboardInterrupt(), 130),
        (RuntimeError("oh"), 1),
    ],
)
def test_each_kind_of_end_has_its_code(error, code, monkeypatch, capsys):
    def command():
        raise error

    monkeypatch.setattr(cli, "app", lambda arguments: command())
    found, out, err = run(["fit"], capsys)
    assert found == code
    assert out == ""
    assert "Traceback" not in err
    assert len(err.strip()) > 0


def test_debug_shows_the_traceback(monkeypatch):
    def command(arguments):
        raise InputError("x")

    monkeypatch.setattr(cli, "app", command)
    with pytest.raises(InputError):
        cli.main(["fit", "--debug"])


def test_a_mistyped_recipe_is_one_line_on_standard_error(capsys):
    code, out, err = run(["plan", "python-libary"], capsys)
    assert code == 2
    assert out == ""
    assert err.startswith("Error: There is no recipe file `python-libary`")


@pytest.mark.parametrize("change", ["train.steps", "=3", "train.steps=[1"])
def test_set_wants_path_and_value(change, capsys):
    code, _, err = run(["plan", "python-library", "--set", change], capsys)
    assert code == 2
    assert "--set" in err


def test_help_and_import_load_neither_torch_nor_transformers():
    code = (
        "import sys, accord, accord.cli.main\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'pyarrow', 'pydantic', 'scipy'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
