"""`accord merge` on the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from tiny_families import save_family
from tiny_models import tiny_encoder

import accord
from accord.cli import main as cli


def run(arguments, capsys):
    code = 0
    try:
        cli.main([str(word) for word in arguments])
    except SystemExit as stop:
        code = stop.code or 0
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models, and a file that merges them."""
    place = tmp_path_factory.mktemp("merge")
    save_family(place, lambda: tiny_encoder(layers=2, hidden=16), 2)
    spec = {"merge_method": "ties", "models": [{"model": "e0"}, {"model": "e1"}], "base_model": "base"}
    (place / "merge.yaml").write_text(yaml.safe_dump(spec))
    (place / "wrong.yaml").write_text(yaml.safe_dump(spec | {"parameters": {"density": 0}}))
    return place


def test_a_plan_and_a_merge(folder, tmp_path, capsys):
    code, out, err = run(["merge", folder / "merge.yaml", "--plan"], capsys)
    assert (code, err) == (0, "")
    assert "density" in out
    assert "memory" in out
    code, out, _ = run(["merge", folder / "merge.yaml", "--plan", "--json"], capsys)
    assert json.loads(out)[0]["method"] == "ties"
    code, out, _ = run(["merge", folder / "merge.yaml", "--out", tmp_path / "out"], capsys)
    assert code == 0
    assert "times the mean of the models' own" in " ".join(out.split())
    assert accord.doctor(tmp_path / "out").passed
    code, out, _ = run(["merge", folder / "merge.yaml", "--out", tmp_path / "two", "--no-load", "--json"], capsys)
    told = json.loads(out)
    assert told["path"] == str(tmp_path / "two")
    assert told["records"][0]["measures"]["shrinkage"] > 0


@pytest.mark.parametrize("arguments", [["--plan"], ["--out", "OUT"]])
def test_a_mistake_is_one_message_and_exit_2(folder, tmp_path, capsys, arguments):
    words = [tmp_path / "out" if word == "OUT" else word for word in arguments]
    code, out, err = run(["merge", folder / "wrong.yaml", *words], capsys)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert "`density` must lie in (0, 1]. Got 0 instead." in err
    assert not list(tmp_path.iterdir())


def test_a_place_is_asked_for(folder, capsys):
    code, _, err = run(["merge", folder / "merge.yaml"], capsys)
    assert code == 2
    assert "`--out` is missing" in err


@pytest.mark.slow
def test_an_interrupt_leaves_nothing(folder, tmp_path):
    code = (
        "import signal, time, accord.merging.execute as e\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "old = e.measure_piece\n"
        "def slow(*a, **k):\n    open('started', 'w').close(); time.sleep(0.5); return old(*a, **k)\n"
        "e.measure_piece = slow\n"
        "from accord.cli.main import main\n"
        f"main(['merge', {str(folder / 'merge.yaml')!r}, '--out', 'out'])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert [path.name for path in tmp_path.iterdir()] == ["started"]
