import json

import pytest

from accord.core.errors import DataError
from accord.data import Labelled, Pairs, Ranked, Scored, read
from accord.data.sources import File


@pytest.fixture
def faq(tmp_path):
    path = tmp_path / "faq.jsonl"
    path.write_text("".join(json.dumps({"title": t, "body": b}) + "\n" for t, b in (("a", "b"), ("c", "d"))))
    return path


def test_columns_name_what_the_file_does_not(faq):
    with pytest.raises(DataError, match=r"faq.jsonl: these columns make no signal: title, body"):
        read(faq)
    pairs = read(faq, columns={"anchor": "title", "positive": "body"})
    assert isinstance(pairs, Pairs) and pairs.column("positive") == ["b", "d"] and pairs.ids == ["0", "1"]


def test_a_source_and_a_signal(faq):
    signal = read(File(faq), signal=Labelled, columns={"text": "body", "label": "title"})
    assert signal.column("label") == ["a", "c"]


def test_the_signal_decides_where_the_columns_do_not(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("query,passage,score\na,b,1\n")
    assert type(read(path, signal=Scored)) is Scored
    assert read(path, signal=Pairs).column("score") == [1.0]


def test_flag_embedding_lines(tmp_path):
    path = tmp_path / "fe.jsonl"
    row = {"query": "q", "pos": ["p"], "neg": ["n", "m"], "pos_scores": [1], "neg_scores": [0.5, 0.1]}
    path.write_text(json.dumps({**row, "prompt": "find", "type": "normal"}) + "\n")
    ranked = read(path)
    assert type(ranked) is Ranked and ranked.column("neg_scores") == [[0.5, 0.1]]
    assert ranked.column("prompt") == ["find"] and ranked.column("type") == ["normal"]


def test_a_retrieval_folder(tmp_path):
    (tmp_path / "corpus.jsonl").write_text('{"id": "d", "text": "doc"}\n{"id": "e", "text": "else"}\n')
    (tmp_path / "queries.jsonl").write_text('{"id": "q", "text": "query"}\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    pairs = read(tmp_path)
    assert isinstance(pairs, Pairs) and pairs.column("positive") == ["doc"]
    assert pairs.corpus is not None and pairs.corpus.num_rows == 2


def test_a_split_of_a_retrieval_folder(tmp_path):
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"id": "d", "text": "doc"}\n{"id": "e", "text": "else"}\n')
    (folder / "queries.jsonl").write_text('{"id": "q", "text": "query"}\n')
    (folder / "qrels.test.tsv").write_text("query-id\tcorpus-id\tscore\nq\te\t1\n")
    pairs = read(f"{folder}@test")
    assert isinstance(pairs, Pairs) and pairs.column("positive") == ["else"]
    with pytest.raises(DataError, match=r"judgements for: test; say `split`, or .*library@test"):
        read(folder)
