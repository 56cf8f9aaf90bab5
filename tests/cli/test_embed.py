"""`accord embed`: what it says, and that `accord index` goes on from there."""

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
    return stop.value.code, " ".join(shown.out.split()), " ".join(shown.err.split())


def test_embed_and_index(tmp_path, capsys):
    model = tiny_encoder_folder(tmp_path / "m")
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    embed = ["embed", model, corpus, "--out", tmp_path / "shards", "--rows", 6]
    code, text, _ = run(embed, capsys)
    assert code in {0, None}
    for words in ("16 rows with vectors of", "in 3 shards: 3 embedded now, 0 before", "16 rows embedded again here"):
        assert words in text
    code, text, _ = run([*embed, "--json"], capsys)
    assert json.loads(text)["embedded"] == 0
    assert json.loads(text)["parity"]["least_cosine"] > 0.999
    code, text, _ = run(["index", model, tmp_path / "shards", "--out", tmp_path / "s"], capsys)
    assert code in {0, None}
    assert "16 documents: 16 added" in text
    code, _, text = run([*embed, "--gpus", 1], capsys)
    assert code == 2
    assert "are for a Ray cluster. Add --ray" in text
