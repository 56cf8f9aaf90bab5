"""`accord rerank` and `accord search --rerank` on the command line."""

import json

import pytest
from tiny_models import tiny_encoder_folder
from tiny_pairs import tiny_cross_encoder_folder

from accord.cli import main as cli
from accord.encoders import load
from accord.retrieval import Store


def run(arguments, capsys):
    code = 0
    try:
        cli.main([str(word) for word in arguments])
    except SystemExit as stop:
        code = stop.code or 0
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def scorer(tmp_path):
    return tiny_cross_encoder_folder(tmp_path / "scorer")


def test_rows_are_ranked_and_counted(tmp_path, scorer, capsys):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"query": "read a file", "pos": ["one"], "neg": ["two", "three"]}) + "\n")
    code, out, _ = run(["rerank", scorer, rows, "--out", tmp_path / "out.jsonl", "--json"], capsys)
    assert (code, json.loads(out)) == (0, {"queries": 1, "pairs": 3, "path": str(tmp_path / "out.jsonl")})
    code, out, _ = run(["rerank", scorer, rows, "--out", tmp_path / "taught.jsonl", "--scores"], capsys)
    assert (code, "Scored 3 pairs of 1 queries" in " ".join(out.split())) == (0, True)
    taught = json.loads((tmp_path / "taught.jsonl").read_text())
    assert [len(taught[name]) for name in ("pos", "neg", "pos_scores", "neg_scores")] == [1, 2, 1, 2]


def test_a_mistake_is_one_message_and_exit_2(tmp_path, scorer, capsys):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"query": "read a file"}) + "\n")
    code, out, err = run(["rerank", scorer, rows, "--out", tmp_path / "out.jsonl"], capsys)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert "has no candidates" in err


def test_search_and_rerank(tmp_path, scorer, capsys):
    encoder = load(tiny_encoder_folder(tmp_path / "e"), device="cpu")
    texts = ["read a file", "write a file", "close the list", "join two names"]
    store = Store.create(tmp_path / "store", model={"path": str(tmp_path / "e"), "dim": encoder.dim})
    with store.write() as writer:
        writer.add([{"id": str(n), "text": text} for n, text in enumerate(texts)], encoder.encode(texts))
    store.close()
    asked = ["search", tmp_path / "store", "read a file", "-k", 2, "--rerank", scorer, "--candidates", 4, "--json"]
    code, out, err = run(asked, capsys)
    hits = json.loads(out)
    assert code == 0, err
    assert [hit["rank"] for hit in hits] == [1, 2]
    assert hits[0]["score"] >= hits[1]["score"]


def test_the_doctor_examines_a_cross_encoder(scorer, capsys):
    code, out, _ = run(["doctor", scorer], capsys)
    assert code == 0
    assert "scores" in out
