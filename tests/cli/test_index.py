"""`accord index`: what it says, and what searches of its store say."""

from __future__ import annotations

import json

import pytest
from tiny_models import tiny_encoder_folder

from accord.cli import main as cli

ROWS = [{"id": str(n), "text": f"{a} the {b}"} for n, (a, b) in enumerate([("read", "file"), ("send", "row")] * 8)]


def run(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return stop.value.code, shown.out, shown.err


def test_index_and_search(tmp_path, capsys):
    model = tiny_encoder_folder(tmp_path / "m")
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    index = ["index", model, corpus, "--out", tmp_path / "s"]
    code, text, _ = run([*index, "--codec", "Sign", "--rescore", "none"], capsys)
    assert code in {0, None}
    for words in ("16 documents: 16 added", "4 bytes a document", "32 times fewer", "codec: Sign, rescoring: none"):
        assert words in " ".join(text.split())
    code, text, _ = run([*index, "--json"], capsys)
    assert json.loads(text)["unchanged"] == 16
    code, text, _ = run(["search", tmp_path / "s", "send the row", "-k", 3, "--json"], capsys)
    assert code in {0, None}
    assert len(json.loads(text)) == 3
    code, _, text = run([*index, "--codec", "Int8"], capsys)
    assert code == 2
    assert "another codec" in text
