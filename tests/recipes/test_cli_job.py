"""The commands on a small job, as a user types them."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from accord.cli import main as cli


@pytest.fixture
def accord(capsys):
    """Run a command; gives exit code, standard output and standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return run


@pytest.mark.slow
def test_from_plan_to_search(accord, job, tmp_path):
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "run"
    code, text, _ = accord("plan", recipe)
    assert code == 0
    assert "faq" in text
    code, text, _ = accord("fit", recipe, "--out", out, "--set", "train.steps=4", "--json")
    assert code == 0
    assert {row["model"] for row in json.loads(text)["scores"]} >= {"base", "joint"}
    code, text, _ = accord("search", out, "read the file", "-k", 2, "--json")
    assert [hit["rank"] for hit in json.loads(text)] == [1, 2]
    assert accord("doctor", out)[0] == 0
    code, text, _ = accord("evaluate", job.spec.encoder.model, out, "--on", recipe, "--json")
    assert len(json.loads(text)["comparisons"]) == 3
    assert accord("fit", recipe, "--out", tmp_path / "other", "--set", "train.steps=2")[0] == 0
    code, text, _ = accord("compare", out, tmp_path / "other", "--json")
    assert [(row["a"], row["b"]) for row in json.loads(text)] == [("run:run", "run:other")] * 3
    code, _, err = accord("compare", out, out)
    assert (code, "same" in err) == (2, True)


def test_encode_writes_a_matrix_or_rows(accord, job, tmp_path):
    model, source = job.spec.encoder.model, tmp_path / "topics.csv"
    code, text, _ = accord("encode", model, source, "--out", tmp_path / "v.npy", "--json")
    assert code == 0
    rows = json.loads(text)["rows"]
    matrix = np.load(tmp_path / "v.npy")
    assert len(matrix) == rows
    assert accord("encode", model, source, "--out", tmp_path / "v.parquet")[0] == 0
    table = pq.read_table(tmp_path / "v.parquet")
    assert table.num_rows == rows
    assert np.allclose(np.stack(table.column("vector").to_numpy()), matrix)
    code, _, err = accord("encode", model, source, "--out", tmp_path / "x.npy", "--column", "txt")
    assert code == 2
    assert "Did you mean `text`" in err
    assert not (tmp_path / "x.npy").exists()


def test_doctor_exits_with_three_when_a_weight_changed(accord, job, tmp_path):
    shutil.copytree(job.spec.encoder.model, tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    weights = load_file(path)
    name = next(n for n in weights if "layer.0" in n and n.endswith("weight"))
    weights[name] = weights[name] + 0.1
    save_file(weights, path, metadata={"format": "pt"})
    code, out, err = accord("doctor", tmp_path / "model")
    assert code in {2, 3}
    assert "model.safetensors" in out + err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ('{"question": "a", "answer": "b"}\n{"question": "a"}\n', "faq.jsonl"),
        ('{"question": "a", "answer": "b"}\n{"question": 3, "answer": "b"}\n', "2"),
        ('{"question": "a", "answer": "b"}\n{"question": "c", "answer": "  "}\n', "2"),
        ('{"question": "a", "answer": "b"}\n{"question": \n', "2"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(accord, job, tmp_path, content, message):
    (tmp_path / "faq.jsonl").write_text(content)
    code, _, err = accord("plan", tmp_path / "recipe.yaml")
    assert code == 2
    assert "faq.jsonl" in err
    assert message in err
    assert "Traceback" not in err


def test_a_task_with_one_class_and_a_batch_without_negatives(accord, job, tmp_path):
    (tmp_path / "topics.csv").write_text("text,label\n" + "".join(f"row {i},same\n" for i in range(30)))
    code, _, err = accord("plan", tmp_path / "recipe.yaml")
    assert code == 2
    assert "at least two labels" in err


@pytest.mark.slow
def test_init_writes_once(accord, tmp_path):
    code, out, _ = accord("init", tmp_path / "new", "--json")
    assert code == 0
    assert len(json.loads(out)["written"]) == 3
    code, _, err = accord("init", tmp_path / "new")
    assert code == 2
    assert "nothing is overwritten" in err
