"""`accord evaluate`: what came from the cache is said, and mteb's files are written."""

import json

import pytest
import yaml
from tiny_models import tiny_encoder_folder

from accord.cli import main as cli


@pytest.fixture
def recipe(tmp_path):
    rows = [
        {"text1": f"read the {a}", "text2": f"{b} the {a}", "score": int(b == "read")}
        for a in ("file", "row", "list", "name", "code", "text", "tree", "queue")
        for b in ("read", "close", "read", "send", "read")
    ]
    for i, row in enumerate(rows):
        row["text1"] += f" {i}"
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    value = {
        "format": "accord-recipe/1",
        "encoder": {"model": str(tiny_encoder_folder(tmp_path / "tiny"))},
        "sources": {"pairs": "pairs.jsonl"},
        "tasks": {
            "same": {
                "source": "pairs",
                "signal": "Scored",
                "split": {"dev": 0.1, "test": 0.5, "stratify": "score"},
                "objective": "CoSENT",
                "evaluate": {"PairClassification": {"similarity": "cosine"}},
            }
        },
        "train": {"steps": 1},
        "evaluate": {"resamples": 100, "precision": "float32"},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value))
    return path


def test_cached_scores_are_named_and_files_for_mteb_written(recipe, tmp_path, capsys):
    def run(*more):
        with pytest.raises(SystemExit) as stop:
            cli.main(["evaluate", str(tmp_path / "tiny"), "--on", str(recipe), "--json", *map(str, more)])
        out, err = capsys.readouterr()
        assert not stop.value.code, err
        return json.loads(out), err

    first, err = run("--cache", tmp_path / "kept", "--mteb-out", tmp_path / "mteb")
    assert "came from" not in err
    assert [row["metric"] for row in first["scores"]] == ["average_precision", "binary_f1", "accuracy"]
    (file,) = (tmp_path / "mteb").rglob("same.json")
    assert "cosine_ap" in json.loads(file.read_text())["scores"]["test"][0]
    again, err = run("--cache", tmp_path / "kept")
    assert "1 of 1 measurements came from" in err
    assert "PairClassification of" in err
    assert again["scores"] == first["scores"]
    assert again["details"]["cache"]["measurements"][0]["from_cache"]
    anew, err = run("--no-cache")
    assert "came from" not in err
    assert anew["scores"] == first["scores"]
    assert "cache" not in anew["details"]
