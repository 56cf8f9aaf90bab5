"""`accord conflict` as a user types it."""

import json

import pytest
import yaml
from tiny_models import tiny_encoder_folder

from accord.cli import main as cli

WORDS = ("file", "row", "list", "name", "code", "text", "tree", "queue")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conflict")
    tiny_encoder_folder(folder / "model")
    rows = [{"question": f"read the {w} {i}", "answer": f"{w} {i} is open"} for w in WORDS for i in range(10)]
    tasks = {}
    for number, name in enumerate(("first", "second")):
        part = [{**row, "question": row["question"] + " again" * number} for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
        tasks[name] = {
            "source": name,
            "columns": {"anchor": "question", "positive": "answer"},
            "split": {"dev": 0.2, "test": 0.2},
            "objective": "InfoNCE",
            "evaluate": "Retrieval",
        }
    value = {
        "format": "accord-recipe/1",
        "encoder": {"model": "model", "max_length": 16},
        "sources": {name: f"{name}.jsonl" for name in tasks},
        "tasks": tasks,
        "leakage": "report",
        "train": {"batch": 8, "steps": 8, "precision": "float32"},
    }
    value["encoder"]["model"] = str(folder / "model")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(value))
    return folder / "recipe.yaml"


@pytest.fixture
def run(capsys, recipe):
    """Run `accord conflict RECIPE ...`; gives exit code, standard output and standard error."""

    def call(*arguments, source=recipe):
        with pytest.raises(SystemExit) as stop:
            cli.main(["conflict", str(source), *map(str, arguments)])
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return call


@pytest.mark.slow
def test_the_recommendation_comes_first(run, tmp_path):
    code, out, err = run("--out", tmp_path / "c", "--no-transfer", "--batches", 4, "--steps", 1)
    assert code == 0
    assert out.split(":")[0] in {"No conflict", "Balance", "Undecided, measure more"}
    for words in ("first and second", "ceiling", "Report:", "accord fit"):
        assert words in out
    assert "Expected: about" in err


@pytest.mark.slow
def test_json_is_the_record(run, tmp_path):
    code, out, _ = run("--out", tmp_path / "c", "--no-transfer", "--batches", 4, "--steps", 1, "--json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "c" / "conflict.json").read_text())


@pytest.mark.slow
def test_transfer_is_shown_as_a_matrix(run, tmp_path):
    code, out, _ = run("--out", tmp_path / "c", "--batches", 4, "--steps", 1, "--set", "evaluate.resamples=100")
    assert code == 0
    assert "trained on" in out
    assert (tmp_path / "c" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "tasks.first=null"), "two tasks"),
        (("--set", "train.batchs=3"), "Did you mean"),
        (("--set", "nonsense"), "PATH=VALUE"),
    ],
)
def test_mistakes_exit_with_two_and_leave_nothing(run, tmp_path, arguments, words):
    code, _, err = run("--out", tmp_path / "c", *arguments)
    assert code == 2
    assert words in err
    assert not (tmp_path / "c").exists()


def test_a_folder_with_other_files_is_refused(run, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    code, _, err = run("--out", tmp_path)
    assert code == 2
    assert "holds no conflict report" in err
