"""Cross-encoders applied to files and searches, and trained by a recipe."""

import json
import re

import numpy as np
import pytest
from tiny_models import tiny_encoder_folder
from tiny_pairs import tiny_cross_encoder_folder
from torch import nn

from accord.core.errors import InputError
from accord.data import read
from accord.encoders import load, pairs
from accord.recipes.fit import fit
from accord.recipes.plan import plan
from accord.recipes.recipe import Recipe
from accord.recipes.rerank import rerank_file, search
from accord.retrieval import Store

A = ("read", "write", "open", "close", "list", "file", "row", "name", "code", "text")
B = ("send", "load", "parse", "join", "split")
ROWS = [
    {"id": f"{a}-{b}", "query": f"{a} {b}", "pos": [f"{b} the {a}"], "neg": [f"{a} of {c}" for c in B if c != b][:3]}
    for a in A
    for b in B
]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    return str(tiny_cross_encoder_folder(tmp_path_factory.mktemp("scorer") / "m"))


def test_rows_come_back_best_first(tmp_path, scorer):
    source = write_rows(tmp_path / "rows.jsonl", ROWS[:6])
    written = rerank_file(scorer, source, tmp_path / "out.jsonl", k=2)
    assert written == {"queries": 6, "pairs": 24, "path": str(tmp_path / "out.jsonl")}
    model = pairs.load(scorer)
    for row, found in zip(ROWS, lines(tmp_path / "out.jsonl")):
        documents = [*row["pos"], *row["neg"]]
        best = model.rank(row["query"], documents, 2)
        assert found["id"] == row["id"]
        assert found["documents"] == [documents[one["corpus_id"]] for one in best]
        assert found["labels"] == [int(one["corpus_id"] == 0) for one in best]
        np.testing.assert_allclose(found["scores"], [one["score"] for one in best], atol=1e-5)


def test_any_list_of_documents_will_do(tmp_path, scorer):
    source = write_rows(tmp_path / "rows.jsonl", [{"query": "read a file", "documents": ["one", "two"]}])
    rerank_file(scorer, source, tmp_path / "out.jsonl")
    (found,) = lines(tmp_path / "out.jsonl")
    assert sorted(found["documents"]) == ["one", "two"]
    assert "labels" not in found


def test_scores_make_training_data_of_raw_scores(tmp_path, scorer):
    source = write_rows(tmp_path / "rows.jsonl", ROWS[:6])
    rerank_file(scorer, source, tmp_path / "taught.jsonl", scores=True)
    taught = read(tmp_path / "taught.jsonl")
    assert type(taught).__name__ == "Ranked"
    assert taught.ids == [row["id"] for row in ROWS[:6]]
    model = pairs.load(scorer)
    for row in taught.table.to_pylist():
        raw = model.score([row["query"]] * 4, [*row["pos"], *row["neg"]], activation=nn.Identity())
        np.testing.assert_allclose([*row["pos_scores"], *row["neg_scores"]], raw, atol=1e-5)


def test_a_run_is_ranked_again(tmp_path, scorer):
    corpus = [{"_id": f"d{n}", "title": "Title" if n else "", "text": f"{a} the file"} for n, a in enumerate(A)]
    write_rows(tmp_path / "corpus.jsonl", corpus)
    write_rows(tmp_path / "queries.jsonl", [{"_id": "q1", "text": "read a file"}, {"_id": "q2", "text": "close"}])
    run = tmp_path / "bm25.run"
    run.write_text("q1 Q0 d3 1 9.5 bm25\nq1 Q0 d0 2 9.1 bm25\nq2 Q0 d7 1 3.0 bm25\n\nq1 Q0 d5 3 1.0 bm25\n")
    rerank_file(scorer, run, tmp_path / "out.run", data=tmp_path)
    words = [line.split() for line in (tmp_path / "out.run").read_text().splitlines()]
    assert [(w[0], w[3]) for w in words] == [("q1", "1"), ("q1", "2"), ("q1", "3"), ("q2", "1")]
    texts = {row["_id"]: f"{row['title']} {row['text']}".strip() for row in corpus}
    best = pairs.load(scorer).rank("read a file", [texts[d] for d in ("d3", "d0", "d5")])
    assert [w[2] for w in words[:3]] == [("d3", "d0", "d5")[one["corpus_id"]] for one in best]
    run.write_text("q1 Q0 d99 1 9.5 bm25\n")
    with pytest.raises(InputError, match="line 1: `d99` is not in the corpus"):
        rerank_file(scorer, run, tmp_path / "out.run", data=tmp_path)
    run.write_text("q1 d3 1\n")
    with pytest.raises(InputError, match="line 1: a run has 6 words"):
        rerank_file(scorer, run, tmp_path / "out.run", data=tmp_path)


def test_a_search_with_candidates_in_a_better_order(tmp_path, scorer):
    folder = tiny_encoder_folder(tmp_path / "e")
    encoder = load(folder, device="cpu")
    texts = [f"{a} the {b}" for a in A for b in B]
    record = {"path": str(folder), "dim": encoder.dim, "fingerprint": encoder.fingerprint()}
    store = Store.create(tmp_path / "store", model=record)
    with store.write() as writer:
        writer.add([{"id": str(n), "text": text} for n, text in enumerate(texts)], encoder.encode(texts))
    plain = search(tmp_path / "store", "read a file", k=20)
    found = search(tmp_path / "store", "read a file", k=3, rerank=scorer, candidates=20)
    best = pairs.load(scorer).rank("read a file", [hit.text for hit in plain], 3)
    assert [hit.id for hit in found] == [plain[one["corpus_id"]].id for one in best]
    assert [hit.rank for hit in found] == [1, 2, 3]
    with pytest.raises(InputError, match="`candidates` must be at least `k`"):
        search(tmp_path / "store", "read", k=5, rerank=scorer, candidates=4)
    with pytest.raises(InputError, match="makes vectors"):
        search(tmp_path / "store", "read", rerank=str(folder))


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        ([{"query": "a", "text": "b"}], {}, "has no candidates"),
        ([{"query": "a", "documents": []}], {}, "row 1: .*list of texts"),
        ([{"query": "a", "documents": ["b", 3]}], {}, "row 1: .*list of texts"),
        (ROWS[:2], {"scores": True, "k": 3}, "keeps all candidates"),
        (ROWS[:2], {"k": 0}, "`k` must be at least 1"),
    ],
)
def test_bad_rows_are_named(tmp_path, scorer, rows, options, words):
    source = write_rows(tmp_path / "rows.jsonl", rows)
    with pytest.raises(InputError, match=words):
        rerank_file(scorer, source, tmp_path / "out.jsonl", **options)
    assert not (tmp_path / "out.jsonl").exists()


def test_bad_models_are_named(tmp_path):
    source = write_rows(tmp_path / "rows.jsonl", ROWS[:2])
    three = tiny_cross_encoder_folder(tmp_path / "three", labels=3)
    with pytest.raises(InputError, match=r"1 label, and .* has 3"):
        rerank_file(str(three), source, tmp_path / "out.jsonl")
    with pytest.raises(InputError, match="makes vectors"):
        rerank_file(str(tiny_encoder_folder(tmp_path / "e")), source, tmp_path / "out.jsonl")
    with pytest.raises(InputError, match=r"must end with \.jsonl"):
        rerank_file(str(three), source, tmp_path / "out.parquet")


def recipe(tmp_path, **changes):
    write_rows(tmp_path / "rows.jsonl", ROWS)
    tiny_encoder_folder(tmp_path / "e")
    value = {
        "format": "accord-recipe/1",
        "encoder": {"model": str(tmp_path / "e"), "kind": "cross-encoder"},
        "sources": {"rows": str(tmp_path / "rows.jsonl")},
        "tasks": {
            "rank": {
                "source": "rows",
                "signal": "Ranked",
                "split": {"dev": 0.1, "test": 0.3},
                "objective": "BinaryCrossEntropy",
                "evaluate": "Reranking",
            }
        },
        "leakage": "report",
        "train": {"steps": 25, "batch": 8, "optimizer": {"AdamW": {"lr": 3e-3}}, "precision": "float32"},
        "evaluate": {"resamples": 100},
    }
    return Recipe(value, origin=str(tmp_path / "r.yaml")).replace(changes)


@pytest.mark.slow
def test_a_recipe_trains_judges_and_saves_a_cross_encoder(tmp_path):
    asked = recipe(tmp_path)
    run = fit(asked, out=tmp_path / "run")
    found = {(row.model, row.metric): row.score for row in run.results.scores}
    assert found["joint", "MAP@1000"] > found["base", "MAP@1000"]
    assert isinstance(run.model, pairs.CrossEncoder)
    assert run.model.score(["read send"], ["send the read"])[0] > run.model.score(["read send"], ["read of load"])[0]
    assert (tmp_path / "run" / "report.html").is_file()
    assert "CrossEncoder" in (tmp_path / "run" / "model" / "README.md").read_text()
    again = recipe(tmp_path, **{"encoder.model": str(tmp_path / "run"), "train.steps": 1})
    assert fit(again, out=tmp_path / "more").model.num_labels == 1  # goes on from the trained head


def of_classes(tmp_path, **changes):
    kinds = {"same": "{} it", "other": "never {}", "unclear": "who knows"}
    rows = [
        {"premise": f"send the {word} {i}", "hypothesis": text.format(word), "label": kind}
        for i in range(12)
        for word in ("read", "load", "code")
        for kind, text in kinds.items()
    ]
    write_rows(tmp_path / "nli.jsonl", rows)
    task = {
        "source": "nli", "signal": "Labelled", "columns": {"text": "premise", "text2": "hypothesis"},
        "split": {"by": "premise", "test": 0.3}, "objective": "CrossEntropy", "evaluate": "Classification",
    }  # fmt: skip
    given = {"sources": {"nli": str(tmp_path / "nli.jsonl")}, "tasks": {"nli": task}, "encoder.num_labels": list(kinds)}
    return recipe(tmp_path, **(given | changes))


@pytest.mark.slow
def test_a_recipe_trains_and_judges_a_cross_encoder_of_several_classes(tmp_path):
    run = fit(of_classes(tmp_path), out=tmp_path / "run")
    found = {row.model: row.score for row in run.results.scores if row.metric == "accuracy"}
    assert found["joint"] > found["base"] + 0.1
    assert run.model.labels == ["same", "other", "unclear"]
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "pipeline_tag: text-classification" in card and "reranker" not in card
    assert str(tmp_path) not in card  # it is published


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder.num_labels": 2}, "the rows have 3 classes .*, the model has 2 labels"),
        ({"encoder.num_labels": ["same", "other", "uncertain"]}, r"the rows have 3 classes \(other, same, unclear\)"),
        ({"encoder.num_labels": 1}, "needs 2 labels or more; the model has 1"),
    ],
)
def test_classes_that_the_head_does_not_have_are_refused_by_the_plan(tmp_path, changes, words):
    (problem,) = plan(of_classes(tmp_path, **changes)).problems
    assert re.search(words, problem)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder.num_labels": 3}, "reads 1 score a pair; the model has 3 labels"),
        ({"tasks.rank.objective": "CrossEntropy"}, "objective asks for `logits`|needs 2 labels"),
        ({"tasks.rank.evaluate": "Retrieval"}, "Retrieval judges|judges vectors"),
        ({"tasks.rank.prompts": {"query": "query: "}}, "takes no prompts"),
        ({"index": {"task": "rank", "column": "query"}}, "makes no vectors to index"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused_by_the_plan(tmp_path, changes, words):
    (problem,) = plan(recipe(tmp_path, **changes)).problems
    assert re.search(words, problem)


def test_a_trained_head_keeps_its_labels(tmp_path):
    three = tiny_cross_encoder_folder(tmp_path / "three", labels=3)
    (problem,) = plan(recipe(tmp_path, **{"encoder.model": str(three)})).problems
    assert "reads 1 score a pair; the model has 3 labels" in problem
    one = recipe(tmp_path, **{"encoder.model": str(three), "encoder.num_labels": 1})
    with pytest.raises(InputError, match=r"num_labels is 1, but the head of .* has 3 labels"):
        fit(one, out=tmp_path / "run")


def test_labels_without_a_head_are_an_unknown_wish(tmp_path):
    with pytest.raises(InputError, match="`num_labels` is of cross-encoders"):
        recipe(tmp_path, **{"encoder.kind": "encoder", "encoder.num_labels": 2})
