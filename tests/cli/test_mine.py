"""`accord mine` as a user types it."""

import json

import numpy as np
import pytest
from tiny_models import tiny_encoder_folder

import accord as package
from accord.cli import main as cli
from accord.data.signals import Pairs, Ranked, Scored

WORDS = ("file", "row", "list", "name", "code", "text", "tree", "queue", "date", "path", "thread", "socket")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def faq(tmp_path):
    rows = [{"title": f"read the {w}", "body": f"{w} is open now", "team": w[0]} for w in WORDS]
    path = tmp_path / "faq.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def mine(capsys, model, faq):
    """Run `accord mine MODEL FILE ...`; gives exit code, standard output and standard error."""

    def run(*arguments, columns=("anchor=title", "positive=body"), source=faq):
        words = [word for each in columns for word in ("--column", each)]
        with pytest.raises(SystemExit) as stop:
            cli.main(["mine", str(model), str(source), *words, *map(str, arguments)])
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    ("layout", "kind"), [("ranked", Ranked), ("triplets", Pairs), ("pairs", Pairs), ("scored", Scored)]
)
def test_negatives_to_a_file_that_reads_back(mine, tmp_path, layout, kind):
    out = tmp_path / "mined.jsonl"
    code, text, _ = mine("--out", out, "--range", "0:8", "--negatives", 3, "--format", layout, "--json")
    assert code == 0
    report = json.loads(text)
    assert report["negatives"] == 36
    assert report["path"] == str(out)
    signal = package.read(out)
    assert type(signal) is kind
    assert len(signal) == report["rows"]
    assert signal.column("team")[0] == "f"


def test_the_table_says_what_was_found_and_what_was_not(mine, tmp_path):
    code, text, _ = mine(
        "--out", tmp_path / "m.parquet", "--range", "1:9", "--max-score", 0.9, "--cache", tmp_path / "c"
    )
    assert code == 0
    for words in ("queries without any", "above the largest score", "outside the ranks", "24 encoded", "Wrote"):
        assert words in text


def test_a_cross_encoder_is_loaded_and_asked(mine, tmp_path, monkeypatch):
    import accord.encoders.pairs as room

    class Judge:
        def score(self, left, right, *, progress=None):
            return np.array([float("file" in text) for text in right])

    asked = []
    monkeypatch.setattr(room, "load", lambda path: asked.append(path) or Judge(), raising=False)
    code, text, _ = mine("--out", tmp_path / "m.jsonl", "--range", "0:8", "--cross-encoder", "some/model", "--json")
    assert code == 0
    assert asked == ["some/model"]
    assert json.loads(text)["candidates"]["guide"] > 0
    assert all("file is open now" not in row for row in package.read(tmp_path / "m.jsonl").column("neg"))


def test_another_model_guides(mine, model, tmp_path):
    code, text, _ = mine("--out", tmp_path / "m.jsonl", "--range", "0:8", "--guide", model, "--json")
    assert code == 0
    assert set(json.loads(text)["scores"]) == {"guide", "model"}


def test_paraphrases_and_near_duplicates(mine, tmp_path):
    code, text, _ = mine("--paraphrases", "--out", tmp_path / "p.jsonl", "--json", columns=("text=body",))
    assert code == 0
    assert json.loads(text)["distinct"] == len(WORDS)
    assert isinstance(package.read(tmp_path / "p.jsonl"), Scored)
    code, text, _ = mine("--paraphrases", "--out", tmp_path / "p.jsonl", columns=("text=body",))
    assert "Scores from" in text
    code, text, _ = mine("--near-duplicates", 0.95, "--out", tmp_path / "d.jsonl", columns=("text=body",))
    assert code == 0
    assert "near duplicates" in text
    assert 0 < len(package.read(tmp_path / "d.jsonl")) < len(WORDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "m.txt"], "ending of the output"),
        (["--out", "m.jsonl", "--range", "10"], "START:STOP"),
        (["--out", "m.jsonl", "--range", "0:3"], "fewer than `negatives`"),
        (["--out", "m.jsonl", "--format", "rank"], "Did you mean `ranked`"),
        (["--out", "m.jsonl", "--sampling", "randm"], "Did you mean `random`"),
        (["--out", "m.jsonl", "--relative-margin", "5"], "`relative_margin` must lie in"),
        (["--out", "m.jsonl", "--guide", "a", "--cross-encoder", "b"], "Choose one"),
        (["--out", "m.jsonl", "--paraphrases", "--near-duplicates", "0.9"], "Choose one"),
        (["--out", "m.jsonl", "--paraphrases", "--guide", "a"], "hard negatives alone"),
        (["--out", "m.jsonl", "--column", "anchor"], "PART=COLUMN"),
        (["--out", "m.jsonl", "--range", "90:99", "--negatives", "1"], "no negative was found"),
        (["--out", "m.jsonl", "--corpus", "missing.jsonl"], "missing.jsonl does not exist"),
    ],
)
def test_a_mistake_is_one_message_and_leaves_no_file(mine, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = mine(*arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["faq.jsonl"]
