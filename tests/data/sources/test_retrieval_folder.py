import gzip
import logging

import pytest

from accord.core.errors import DataError
from accord.data.signals import Pairs
from accord.data.sources import RetrievalFolder

HEADING = "query-id\tcorpus-id\tscore\n"
CORPUS = '{"_id": "d1", "title": "Title", "text": "body"}\n{"_id": "d2", "title": "", "text": "two"}\n'
QUERIES = '{"_id": "q1", "text": "first"}\n{"_id": "q2", "text": "second"}\n'


def folder(path, qrels, name="qrels.tsv", corpus=CORPUS, queries=QUERIES):
    (path / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.encode()))
    (path / "queries.jsonl").write_text(queries)
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text(qrels)
    return path


def test_one_row_a_relevant_document(tmp_path):
    source = RetrievalFolder(folder(tmp_path, HEADING + "q1\td1\t2\nq1\td2\t1\nq2\td2\t0\n"))
    assert source.load().to_pylist() == [
        {
            "id": "q1 d1",
            "anchor": "first",
            "positive": "Title body",
            "score": 2.0,
            "query_id": "q1",
            "document_id": "d1",
        },
        {"id": "q1 d2", "anchor": "first", "positive": "two", "score": 1.0, "query_id": "q1", "document_id": "d2"},
    ]
    assert source.corpus().to_pylist() == [{"id": "d1", "text": "Title body"}, {"id": "d2", "text": "two"}]
    assert len(Pairs.of(source.load()).with_corpus(source.corpus())) == 2


@pytest.mark.parametrize("name", ["qrels.dev.tsv", "qrels/dev.tsv"])
def test_splits(tmp_path, name):
    path = folder(tmp_path, HEADING + "q1\td1\t1\n", name)
    assert RetrievalFolder(path, "dev").load().num_rows == 1
    for split in (None, "test"):
        with pytest.raises(DataError, match=r"It has judgements for: dev"):
            RetrievalFolder(path, split).load()


def test_of_two_judgements_the_higher_counts(tmp_path):
    path = folder(tmp_path, HEADING + "q1\td1\t1\nq2\td1\t1\nq1\td1\t3\n")
    assert RetrievalFolder(path).load()["score"].to_pylist() == [3.0, 1.0]


def test_documents_without_text_are_left_out_and_counted(tmp_path, caplog):
    corpus = CORPUS + '{"_id": "d3", "title": " ", "text": ""}\n'
    source = RetrievalFolder(folder(tmp_path, HEADING + "q1\td1\t1\nq1\td3\t1\n", corpus=corpus))
    with caplog.at_level(logging.WARNING):
        assert source.load().num_rows == 1 and source.corpus().num_rows == 2
    assert "1 relevant document(s) have no text" in caplog.text and "1 document(s) without text" in caplog.text


@pytest.mark.parametrize(
    ("qrels", "match"),
    [
        ("q1\td1\t1\n", "line 1: expected a heading line"),
        ("q1\t0\td1\t1\n", "line 1: expected a heading line of three columns"),
        (HEADING + "q1\td1\t1\nq1\tdX\t1\n", "line 3: `dX` is not in the corpus file"),
        (HEADING + "qX\td1\t1\n", "line 2: `qX` is not in the queries file"),
        (HEADING + "q1\td1\tyes\n", "line 2: `score` must be a number"),
        (HEADING + "q1\td1\t0\n", "judges no document relevant"),
        (HEADING, "holds no rows"),
    ],
)
def test_bad_judgements(tmp_path, qrels, match):
    with pytest.raises(DataError, match=match):
        RetrievalFolder(folder(tmp_path, qrels)).load()


def test_bad_folders(tmp_path):
    with pytest.raises(DataError, match=r"is not a folder"):
        RetrievalFolder(tmp_path / "none").load()
    with pytest.raises(DataError, match=r"lacks qrels.tsv"):
        RetrievalFolder(tmp_path).load()
    (tmp_path / "qrels.tsv").write_text(HEADING)
    with pytest.raises(DataError, match=r"lacks queries.jsonl"):
        RetrievalFolder(tmp_path).load()
    twice = folder(tmp_path, HEADING + "q1\td1\t1\n", queries=QUERIES + '{"_id": "q1", "text": "again"}\n')
    with pytest.raises(DataError, match=r"queries.jsonl, line 3: the `_id` 'q1' was used before"):
        RetrievalFolder(twice).load()
    with pytest.raises(DataError, match=r"no column `text`. It has: _id, table"):
        RetrievalFolder(folder(tmp_path, HEADING + "q1\td1\t1\n", corpus='{"_id": "d1", "table": "x"}\n')).load()
