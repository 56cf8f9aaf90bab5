"""`accord prune` on the command line."""

import json

import pytest
from tiny_models import WORDS, tiny_encoder_folder

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
    """A model, and texts."""
    place = tmp_path_factory.mktemp("prune")
    tiny_encoder_folder(place / "m")
    (place / "texts.txt").write_text("".join(f"{a} the {b}\n" for a in WORDS[:8] for b in WORDS[8:16]))
    return place


def test_a_table_and_json(folder, tmp_path, capsys):
    texts = folder / "texts.txt"
    code, out, _ = run(["prune", folder / "m", "--out", tmp_path / "s", "--layers", 2, "--on", texts], capsys)
    assert code == 0
    assert "parameters" in out
    assert "texts held out" in out
    options = ["--keep-layers", "0,2", "--vocabulary", texts, "--on", texts, "--json"]
    code, out, _ = run(["prune", folder / "m", "--out", tmp_path / "s", *options], capsys)
    assert code == 0
    assert json.loads(out)["record"]["steps"][0]["kept"] == [0, 2]


def test_mistakes_exit_with_2(folder, tmp_path, capsys):
    texts = folder / "texts.txt"
    for options, words in (
        (["--keep-layers", "0,x"], "--keep-layers"),
        (["--ffn", 1.5, "--on", texts], "`ffn` must lie in (0, 1)"),
        (["--slice", 0, "--on", texts], "`slice` must lie in (0, 1)"),
        (["--heads", 0.5, "--on", texts], "`heads` does not support bert"),
        (["--layers", 2], "no texts"),
    ):
        code, _, err = run(["prune", folder / "m", "--out", tmp_path / "s", *options], capsys)
        assert code == 2
        assert words in err
        assert not (tmp_path / "s").exists()
