"""`accord search`: by words, by both, filtered, explained."""

from __future__ import annotations

import json

import pytest
from tiny_models import tiny_encoder_folder

from accord.cli import main as cli

ROWS = [
    {"id": "pay", "text": "Pay by card, or by invoice.", "year": 2020},
    {"id": "track", "text": "Choose Track to see where the parcel is.", "year": 2021},
    {"id": "return", "text": "Send the parcel back within thirty days.", "year": 2022},
]


def run(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return stop.value.code, shown.out, shown.err


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    corpus = folder / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with pytest.raises(SystemExit):
        cli.main(["index", str(tiny_encoder_folder(folder / "m")), str(corpus), "--out", str(folder / "s"), "--json"])
    return folder / "s"


def test_by_words(store, capsys):
    code, text, _ = run(["search", store, 'the "parcel"', "--mode", "lexical", "--json"], capsys)
    assert code in {0, None}
    assert {hit["id"] for hit in json.loads(text)} == {"track", "return"}
    code, text, error = run(["search", store, "zebra", "--mode", "lexical"], capsys)
    assert code in {0, None} and not text.strip() and "Nothing found" in error


def test_by_both_explained(store, capsys):
    code, text, _ = run(["search", store, "invoice", "--mode", "hybrid", "--explain"], capsys)
    assert code in {0, None} and "dense: " in text and "lexical: 1st" in text
    code, text, _ = run(
        ["search", store, "invoice", "--mode", "hybrid", "--dense-weight", 0, "--explain", "--json"], capsys
    )
    first = json.loads(text)[0]
    assert first["id"] == "pay" and first["sources"]["lexical"][0] == 1


def test_english_stems(tmp_path, capsys):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    index = ["index", tiny_encoder_folder(tmp_path / "m"), corpus, "--out", tmp_path / "s", "--json"]
    assert run([*index, "--analyser", "porter"], capsys)[0] in {0, None}
    _, text, _ = run(["search", tmp_path / "s", "paying parcels", "--mode", "lexical", "--json"], capsys)
    assert len(json.loads(text)) == 3
    assert run(index, capsys)[0] in {0, None}
    code, _, error = run([*index, "--analyser", "trigram"], capsys)
    assert code == 2 and "another analyser" in error


def test_filtered(store, capsys):
    code, text, _ = run(["search", store, "parcel", "--where", "year >= 2022", "--mode", "hybrid", "--json"], capsys)
    assert code in {0, None}
    assert [hit["id"] for hit in json.loads(text)] == ["return"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--mode", "words"], "mode"),
        (["--dense-weight", "0.5"], "--mode hybrid"),
        (["--mode", "hybrid", "--dense-weight", "1.5"], "dense_weight"),
        (["--where", "year >="], "where"),
    ],
)
def test_bad_options_are_one_clear_error(store, capsys, options, says):
    code, _, error = run(["search", store, "parcel", *options], capsys)
    assert code == 2 and says in error
