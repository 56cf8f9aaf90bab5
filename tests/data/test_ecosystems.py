"""Files as sentence-transformers and FlagEmbedding publish them, read without a word of explanation."""

import csv
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from accord.core.errors import DataError
from accord.data import Labelled, Pairs, Ranked, Scored, Signal, read

SENTENCE_TRANSFORMERS = [
    ({"anchor": "a", "positive": "b"}, Pairs),
    ({"anchor": "a", "positive": "b", "negative": "c"}, Pairs),
    ({"query": "a", "positive": "b", **{f"negative_{i}": f"n{i}" for i in range(1, 6)}}, Pairs),
    ({"query": "a", "answer": "b"}, Pairs),
    ({"question": "a", "answer": "b"}, Pairs),
    ({"sentence1": "a", "sentence2": "b", "score": 0.5}, Scored),
    ({"sentence1": "a", "sentence2": "b", "label": 1}, Scored),
    ({"premise": "a", "hypothesis": "b", "label": 0}, Scored),
    ({"english": "a", "non_english": "b"}, Pairs),
    ({"caption1": "a", "caption2": "b"}, Pairs),
    ({"body1": "a", "body2": "b"}, Pairs),
    ({"text": "a", "label": 3}, Labelled),
    ({"text": "a", "label": 3, "label_text": "x"}, Labelled),
    ({"query": "a", "positive_1": "b", "positive_2": "c", "negative_1": "d"}, Ranked),
    ({"query": "a", "docs": ["b", "c"], "labels": [1, 0]}, Ranked),
    ({"query": "a", "positive": "b", "negative": "c", "score": [9.0, 1.0]}, Ranked),
    ({"query": "a", "positive": "b", "negative": "c", "score": 8.0}, Pairs),
    ({"query": "a", "pos": ["b"], "neg": ["c", "d"]}, Ranked),
    ({"set": ["a", "b", "c"]}, Ranked),
]


def text_of(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize(("row", "kind"), SENTENCE_TRANSFORMERS)
def test_columns_of_sentence_transformers(row, kind, tmp_path):
    other = {name: 0 if name == "label" else value for name, value in row.items()}
    lines, whole = tmp_path / "d.jsonl.gz", tmp_path / "d.parquet"
    lines.write_bytes(gzip.compress(text_of([row, other]).encode()))
    pq.write_table(pa.Table.from_pylist([row, other]), whole)
    for path in (lines, whole):
        found = read(path)
        assert type(found) is kind and len(found) == 2
        assert found.texts(found.text_columns[0]).to_pylist() == ["a", "a"]
    if all(isinstance(value, (str, int)) for value in row.values()):
        table = tmp_path / "d.csv"
        with table.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, list(row))
            writer.writeheader()
            writer.writerows([row, other])
        assert type(read(table)) is kind


FLAG_EMBEDDING = {
    "fine-tuning": {"query": "q", "pos": ["p"], "neg": ["n", "m"]},
    "several positives": {"query": "q", "pos": ["p", "r"], "neg": ["n"], "id": 17},
    "teacher": {"query": "q", "pos": ["p"], "neg": ["n", "m"], "pos_scores": [0.9], "neg_scores": [0.1, 0]},
    "instructions": {"query": "q", "pos": ["p"], "neg": [], "prompt": "Represent: ", "type": "symmetric_sts"},
    "no negatives": {"query": "q", "pos": ["p"], "_id": "17"},
    "ids of documents": {"query": "q", "pos": ["p"], "neg": ["n"], "pos_id": ["1"], "neg_id": ["2"]},
    "in-context": {"query": "q", "pos": ["p"], "neg": ["n"], "type": "retrieval", "category": "msmarco"},
    "passages": {
        "query_id": "1",
        "query": "q",
        "positive_passages": [{"docid": "a", "title": "t", "text": "p"}],
        "negative_passages": [{"docid": "b", "title": "", "text": "n"}],
    },
}


@pytest.mark.parametrize("name", FLAG_EMBEDDING)
def test_lines_of_flag_embedding(name, tmp_path):
    row = FLAG_EMBEDDING[name]
    path = tmp_path / "fe.jsonl"
    path.write_text(text_of([row]))
    found = read(path)
    assert type(found) is Ranked
    assert found.ids == [str(row.get("id", row.get("_id", 0)))]
    assert found.column("neg") == [row.get("neg", ["n"] if name == "passages" else [])]
    for kept in ("pos_scores", "neg_scores", "prompt", "type", "category", "pos_id"):
        if kept in row:
            assert found.column(kept) == [row[kept]]


def test_rows_with_and_without_negatives_prompt_and_type(tmp_path):
    path = tmp_path / "fe.jsonl"
    rows = [
        {"query": "q", "pos": ["p"], "neg": ["n"], "neg_scores": [0.5], "prompt": "find ", "type": "normal"},
        {"query": "r", "pos": ["p"]},
        {"query": "s", "pos": ["p"], "neg": None, "prompt": None},
    ]
    path.write_text(text_of(rows))
    found = read(path)
    assert found.column("neg") == [["n"], [], []] and found.column("neg_scores") == [[0.5], [], []]
    assert found.column("prompt") == ["find ", "", ""] and found.column("type") == ["normal", None, None]


def test_a_row_without_its_scores_names_the_line_and_the_cure(tmp_path):
    path = tmp_path / "fe.jsonl"
    rows = [{"query": "q", "pos": ["p"], "pos_scores": [1]}, {"query": "r", "pos": ["p"]}]
    path.write_text(text_of(rows))
    with pytest.raises(DataError, match=r"line 2: `pos_scores` is missing .*columns={'pos_scores': None}"):
        read(path)
    found = read(path, columns={"pos_scores": None})
    assert "pos_scores" not in found.names and found.column("pos_scores") == [[1], None]


def test_only_what_can_be_missed_can_be_left_aside():
    with pytest.raises(ValueError, match="`pos` must name a column"):
        Ranked.of({"query": ["a"], "pos": [["b"]]}, columns={"pos": None})


def test_the_hard_negatives_of_other_names_are_counted_alike():
    found = Pairs.of({"anchor": ["a"], "positive": ["b"], "neg_2": ["d"], "hard_negative_1": ["c"]})
    assert isinstance(found, Signal) and found.negative_columns == ("negative_1", "negative_2")
    assert found.column("hard_negative_1") == ["c"]
