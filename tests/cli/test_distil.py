"""`accord distil` on the command line: a table for people, JSON for programs, errors with their cure."""

import json

import pytest
import yaml
from tiny_models import tiny_encoder_folder

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
    """A teacher, and a recipe of one small task."""
    place = tmp_path_factory.mktemp("distil")
    tiny_encoder_folder(place / "teacher", layers=2, hidden=16)
    rows = [{"text": f"{word} file {n}", "label": word} for word in ("read", "write", "sort") for n in range(20)]
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = {"source": "rows", "objective": "SupCon", "evaluate": "Classification"}
    recipe = {
        "format": "accord-recipe/1",
        "encoder": {"model": str(place / "teacher")},
        "sources": {"rows": "rows.jsonl"},
        "tasks": {"topic": task},
        "train": {"steps": 1},
        "evaluate": {"resamples": 100},
    }
    (place / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return place


def words(folder, out, *more):
    given = ["distil", folder / "teacher", "--student", "static-8", "--on", folder / "recipe.yaml", "--out", out]
    return [*given, "--steps", "2", "--batch", "8", *more]


def test_tables_for_people(folder, tmp_path, capsys):
    code, out, err = run(words(folder, tmp_path / "student"), capsys)
    assert (code, err) == (0, "")
    for said in ("teacher", "start = the student", "texts/s", "Learned from", "Wrote"):
        assert said in out
    code, _, err = run(words(folder, tmp_path / "student"), capsys)
    assert code == 2
    assert "exists" in err


def test_json_for_programs(folder, tmp_path, capsys):
    code, out, _ = run(words(folder, tmp_path / "student", "--json"), capsys)
    assert code == 0
    assert json.loads(out)["details"]["distil"]["student"] == "static-8"


def test_an_unknown_student_has_a_suggestion(folder, tmp_path, capsys):
    code, _, err = run([*words(folder, tmp_path / "student"), "--student", "statc"], capsys)
    assert code == 2
    assert "Did you mean `static`?" in err
