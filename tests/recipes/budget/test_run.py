"""A budget on the job in miniature: what is measured, chosen, kept, read again and said."""

import copy
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from accord.cli.main import app
from accord.core.errors import CheckFailed, InputError
from accord.core.types import View
from accord.encoders import load
from accord.encoders.static import StaticEncoder
from accord.evaluation import KeptResults
from accord.recipes.budget import Limits, budget
from accord.recipes.budget import run as driver
from accord.recipes.budget.vectors import Vectors
from accord.recipes.evaluate import evaluate
from accord.recipes.prepare import prepare
from accord.recipes.recipe import Recipe

CHOICE = {"sizes": [[3, 32], [1, 32], [1, 16]], "codecs": ["Int8"], "documents": 500}


def search_only(recipe, **changes):
    """The recipe with its search task alone."""
    value = copy.deepcopy(recipe.value)
    del value["tasks"]["topic"]
    value["tasks"]["faq"] |= changes
    return Recipe(value, origin=recipe.origin)


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny_folder):
    """A recipe of one search, and what a budget found on it; not to be changed."""
    folder = tmp_path_factory.mktemp("budget")
    pairs = [{"anchor": f"{a} the {t}", "positive": f"{t} {a} now {n}"} for n, (a, t) in enumerate(
        (a, t) for a in ("read", "write", "open", "close", "sort", "send", "parse", "join")
        for t in ("file", "row", "list", "name", "code", "text", "path", "date", "tree", "queue")
    )]  # fmt: skip
    (folder / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    task = {"source": "faq", "split": {"dev": 0.2, "test": 0.25}, "objective": "InfoNCE", "evaluate": "Retrieval"}
    value = {
        "format": "accord-recipe/1",
        "encoder": {"model": str(tiny_folder)},
        "sources": {"faq": str(folder / "faq.jsonl")},
        "tasks": {"faq": task},
        "train": {"steps": 1},
        "evaluate": {"resamples": 200, "precision": "float32"},
    }
    recipe = Recipe(value, origin=str(folder / "recipe.yaml"))
    recipe.save(folder / "recipe.yaml")
    return recipe, budget(str(tiny_folder), recipe, limits=Limits(keep=0.5), out=folder / "out", **CHOICE)


def test_every_size_with_every_codec_is_there_once(measured):
    _, found = measured
    names = [row["name"] for row in found.rows if row["backend"] == "float32"]
    sizes = ("3x32", "1x32", "1x16")
    assert names[:3] == [f"{size} · float32" for size in sizes]
    coded = {f"{size} · Int8{way}" for size in sizes for way in ("", " + rescoring")}
    left = {one["what"] for one in found.record["left_out"]}
    assert set(names[3:]) | {n for n in coded if f"codecs at {n.split()[0]}" in left} == coded
    assert len(set(names)) == len(names)


def test_the_whole_model_is_what_evaluate_says(measured, tiny_folder):
    recipe, found = measured
    scores = evaluate([str(tiny_folder)], recipe).scores
    whole = found.rows[0]
    assert whole["dev"]["kept"] == whole["test"]["kept"] == 1.0
    wanted = next(row.score for row in scores if row.primary)
    assert whole["test"]["tasks"]["faq"]["score"] == pytest.approx(wanted, abs=1e-6)


def test_a_size_is_what_its_cut_model_is(measured, tiny_folder, tmp_path):
    recipe, found = measured
    whole = load(str(tiny_folder))
    views = [View(layer=1, dim=16), View(layer=1)]
    texts = prepare(recipe).tasks["faq"].test.column("positive")
    vectors = Vectors(whole, views, "float32", tmp_path)
    for view in views:
        wanted = whole.cut(view).encode_document(texts)
        np.testing.assert_allclose(vectors.rows(texts, "document", None, view), wanted, atol=1e-6)
    again = Vectors(whole, views, "float32", tmp_path)
    again.rows(texts, "document", None, views[0])
    assert (vectors.encoded, again.encoded) == (len(set(texts)), 0)
    assert found.rows[0]["size"] == "3x32"


def test_costs_are_counted(measured):
    _, found = measured
    rows = {row["name"]: row for row in found.rows}
    assert rows["3x32 · float32"]["mb_per_million"] == 4 * 32
    assert rows["1x16 · float32"]["mb_per_million"] == 4 * 16
    coded = [row for row in found.rows if row["spec"]]
    assert all(row["mb_per_million"] == row["dim"] for row in coded)
    assert all(row["disk_mb_per_million"] == row["dim"] * (3 if row["rescore"] else 1) for row in coded)
    assert rows["1x32 · float32"]["model_mb"] < rows["3x32 · float32"]["model_mb"]
    assert all(row["ms"] == pytest.approx(row["ms_encode"] + row["ms_search"], abs=1e-3) for row in found.rows)


def test_test_rows_are_read_for_the_frontier_alone(measured):
    _, found = measured
    chosen = found.chosen
    assert chosen is not None and chosen["test"] is not None and chosen["dev"]["kept"] >= 0.5
    for number, row in enumerate(found.rows):
        assert (row["test"] is not None) == (row["frontier"] or row["chosen"] or not number)
        if row["test"] is not None:
            assert row["test"]["low"] <= row["test"]["kept"] <= row["test"]["high"]
            assert set(row["test"]["tasks"]) == {"faq"}


def test_files(measured):
    _, found = measured
    record = json.loads((found.path / "budget.json").read_text())
    assert record["format"] == "accord-budget/1"
    assert record == json.loads(json.dumps(found.record))
    assert (found.path / "frontier.html").is_file()
    assert not (found.path / "measured" / "vectors").exists()


def test_a_second_call_measures_nothing_again(measured, tiny_folder, monkeypatch):
    recipe, found = measured
    monkeypatch.setattr(Vectors, "_passed", None)  # nothing is encoded
    monkeypatch.setattr(KeptResults, "keep", None)  # nothing is judged
    monkeypatch.setattr(driver.Notebook, "note", None)  # nothing is timed
    again = budget(str(tiny_folder), recipe, limits=Limits(ms=1e-6, keep=0.5), out=found.path, **CHOICE)
    drop = {"chosen", "commands", "test", "frontier"}
    assert [{k: v for k, v in row.items() if k not in drop and k != "dev"} for row in again.rows] == [
        {k: v for k, v in row.items() if k not in drop and k != "dev"} for row in found.rows
    ]
    assert not again.met
    assert again.chosen is None
    assert "`--ms 1e-06` cannot be met" in again.record["verdict"]["sentence"]


@pytest.mark.slow
def test_what_a_killed_run_encoded_is_kept(tiny_folder, job, tmp_path, monkeypatch):
    recipe = search_only(job)
    encoded = []
    whole = Vectors._passed
    monkeypatch.setattr(Vectors, "_passed", lambda self, texts, *a: encoded.extend(texts) or whole(self, texts, *a))

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(driver.Clock, "search", stopped)
    with pytest.raises(KeyboardInterrupt, match="goes on from there"):
        budget(str(tiny_folder), recipe, out=tmp_path / "out", **CHOICE)
    monkeypatch.undo()
    first, encoded = set(encoded), []
    monkeypatch.setattr(Vectors, "_passed", lambda self, texts, *a: encoded.extend(texts) or whole(self, texts, *a))
    budget(str(tiny_folder), recipe, out=tmp_path / "out", **CHOICE)
    assert first
    assert encoded
    assert not first & set(encoded)
    assert len(set(encoded)) == len(encoded)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": {"dev": 0, "test": 0.25}}, "tasks.faq has no dev rows"),
        ({"evaluate": []}, "evaluate is empty"),
    ],
)
def test_a_recipe_that_cannot_choose_is_refused(tiny_folder, job, tmp_path, changes, words):
    with pytest.raises(InputError, match=words):
        budget(str(tiny_folder), search_only(job, **changes), out=tmp_path / "out")


def test_a_folder_of_something_else_is_refused(tiny_folder, job, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds no budget"):
        budget(str(tiny_folder), job, out=tmp_path / "out")


def test_a_size_that_there_is_not_is_refused(tiny_folder, job, tmp_path):
    with pytest.raises(InputError, match="larger than the model"):
        budget(str(tiny_folder), search_only(job), out=tmp_path / "out", sizes=[[9, 32]])


@pytest.mark.slow
def test_a_static_model_has_dimensions_only(tiny_folder, job, tmp_path):
    words = load(str(tiny_folder))
    table = np.random.default_rng(0).standard_normal((len(words.tokenizer), 24)).astype(np.float32)
    static = StaticEncoder(table, words.tokenizer)
    found = budget(static, search_only(job), out=tmp_path / "out", codecs=["Int8"], documents=200)
    assert [row["name"] for row in found.rows[:3]] == ["24 · float32", "12 · float32", "6 · float32"]
    assert all(row["layers"] is None for row in found.rows)
    assert found.record["verdict"]["status"] == "frontier"
    assert "No limit was given" in found.record["verdict"]["sentence"]
    with pytest.raises(InputError, match="no layers"):
        budget(static, search_only(job), out=tmp_path / "other", sizes=[[2, 12]])


def test_an_unknown_codec_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(InputError, match="Did you mean `Int8`"):
        budget("no model", "no recipe", out=tmp_path / "out", codecs=["Int9"])


def test_a_cross_encoders_recipe_is_refused(tiny_folder, job, tmp_path):
    recipe = search_only(job)
    value = copy.deepcopy(recipe.value)
    value["encoder"]["kind"] = "cross-encoder"
    del value["index"]
    value["tasks"]["faq"]["evaluate"] = {"Reranking": {}}
    value["tasks"]["faq"]["objective"] = "BinaryCrossEntropy"
    with pytest.raises(InputError, match="cross-encoder"):
        budget(str(tiny_folder), Recipe(value, origin=recipe.origin), out=tmp_path / "out")


@pytest.mark.slow
def test_from_the_command_line(measured, tiny_folder):
    recipe, found = measured
    path = recipe.origin
    sizes = ["--size", "3x32", "--size", "1x32", "--size", "1x16"]
    words = ["budget", str(tiny_folder), "--on", path, *sizes, "--codec", "Int8", "--documents", "500"]
    run = CliRunner().invoke(app, [*words, "--keep", "0.5", "--out", str(found.path)])
    assert run.exit_code == 0, run.output
    for part in ("Frontier", "accord index", "MB a", "test rows"):
        assert part in run.output
    run = CliRunner().invoke(app, [*words, "--ms", "0.000001", "--out", str(found.path), "--json"])
    assert isinstance(run.exception, CheckFailed)
    assert json.loads(run.stdout)["verdict"]["shortfalls"][0]["possible"] is False


@pytest.mark.slow
def test_two_tasks_with_the_usual_codecs(tiny_folder, job, tmp_path):
    found = budget(str(tiny_folder), job, limits=Limits(mb_per_million=40), out=tmp_path / "out", documents=500)
    assert found.chosen["mb_per_million"] <= 40
    assert set(found.chosen["test"]["tasks"]) == {"faq", "topic"}
    inside = [row for row in found.rows if row["mb_per_million"] <= 40]
    assert found.chosen["dev"]["kept"] == max(row["dev"]["kept"] for row in inside)
    few = {"codecs": ["ProductQuantizer: {parts: 4}"], "sizes": [[3, 32]], "documents": 500}
    found = budget(str(tiny_folder), job, out=tmp_path / "out", **few)
    assert any("ProductQuantizer" in one["what"] and "256" in one["why"] for one in found.record["left_out"])
