import json

import pytest

from accord.core.errors import DataError
from claims.base import Role
from claims.data import parts_of, searched, some_queries


def lines(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def role(shape, **more):
    return Role(folder="x", shape=shape, what="texts", **more)


@pytest.fixture
def collection(tmp_path):
    """Forty documents; query i asks for document i, those from 30 on in the test."""
    lines(tmp_path / "corpus.jsonl", [{"id": f"d{i}", "title": "", "text": f"document {i}"} for i in range(40)])
    lines(tmp_path / "queries.jsonl", [{"id": f"q{i}", "text": f"query {i}"} for i in range(40)])
    for split, numbers in (("dev", range(30)), ("test", range(30, 40))):
        judged = [f"q{i}\td{i}\t1\n" for i in numbers]
        (tmp_path / f"qrels.{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged))
    return tmp_path


def test_a_retrieval_folder_without_train_is_trained_on_dev(collection):
    parts = parts_of(collection, role("retrieval"))
    assert len(parts["train"]) + len(parts["dev"]) == 30
    assert 0 < len(parts["dev"]) < 15
    assert not set(parts["train"].column("anchor")) & set(parts["dev"].column("anchor"))
    assert sorted(parts["test"].column("anchor")) == sorted(f"query {i}" for i in range(30, 40))
    assert len(parts["test"].corpus) == 40


def test_a_smaller_corpus_keeps_what_is_relevant(collection):
    test = some_queries(parts_of(collection, role("retrieval"))["test"], 4)
    small = searched(test, 10)
    found = set(small.column("positive")) | set(small.corpus.column("text").to_pylist())
    assert len(test) == 4
    assert len(found) == 10
    assert set(small.column("positive")) <= found
    assert searched(test, 10).corpus.equals(small.corpus)


def test_the_same_queries_are_drawn_from_more(collection):
    test = parts_of(collection, role("retrieval"))["test"]
    few, more = (set(some_queries(test, most).column("anchor")) for most in (3, 6))
    assert few < more


def test_pooled_pairs_are_divided_by_their_positives(tmp_path):
    rows = [{"anchor": f"a{i}", "positive": f"p{i // 2}"} for i in range(120)]
    lines(tmp_path / "one.jsonl", rows[:60])
    lines(tmp_path / "two.jsonl", rows[60:])
    lines(tmp_path / "three.jsonl", [{"anchor": "never", "positive": "read"}])
    parts = parts_of(tmp_path, role("pairs", files=("one", "two")))
    texts = {name: set(part.column("positive")) for name, part in parts.items()}
    assert sum(len(part) for part in parts.values()) == 120
    assert all(parts.values())
    assert not texts["train"] & texts["test"]
    assert not texts["train"] & texts["dev"]
    further = {"f": "further", "p": parts["test"].column("positive")[0]}
    assert searched(parts["test"], 1000, further).corpus.column("text").to_pylist() == ["further"]


def test_labelled_texts_become_pairs_of_one_label(tmp_path):
    for part, n in (("train", 20), ("test", 8)):
        lines(tmp_path / f"{part}.jsonl", [{"text": f"{part} {c} {i}", "label": c} for c in "ab" for i in range(n)])
    parts = parts_of(tmp_path, role("labelled"))
    for part in parts.values():
        assert all(a != p for a, p in zip(part.column("anchor"), part.column("positive")))
        assert all(
            a.split()[1] == p.split()[1] == c for a, p, c in zip(*map(part.column, ("anchor", "positive", "label")))
        )
    assert len(parts["train"]) == 32
    assert len(set(parts["train"].column("positive"))) == 32
    assert len(parts["test"]) == 2 * 4 * 4
    assert not set(parts["test"].column("anchor")) & set(parts["test"].column("positive"))
    assert not set(parts["train"].column("anchor")) & set(
        parts["dev"].column("anchor") + parts["dev"].column("positive")
    )
    assert len(parts["test"].corpus) == 8


@pytest.mark.parametrize("shape", ["retrieval", "pairs", "labelled"])
def test_a_folder_of_another_shape_is_refused(tmp_path, shape):
    with pytest.raises(DataError):
        parts_of(tmp_path, role(shape))
    with pytest.raises(DataError, match="not a folder"):
        parts_of(tmp_path / "none", role(shape))
