import pyarrow as pa
import pytest

from accord.core.errors import DataError
from accord.data.detect import detect
from accord.data.signals import Labelled, Pairs, Ranked, Scored, Unlabelled

T = ["a", "b"]
LISTS = [["a"], ["b"]]


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ({"anchor": T, "positive": T}, Pairs),
        ({"anchor": T, "positive": T, "negative": T}, Pairs),
        ({"anchor": T, "positive": T, "score": [1, 2]}, Pairs),
        ({"anchor": T, "positive": T, "label": [0, 1]}, Scored),
        ({"question": T, "answer": T, "text": T}, Pairs),
        ({"sentence1": T, "sentence2": T}, Pairs),
        ({"sentence1": T, "sentence2": T, "score": [0.1, 4.2]}, Scored),
        ({"sentence1": T, "sentence2": T, "label": [0, 1]}, Scored),
        ({"sentence1": T, "sentence2": T, "label": ["0", "1"]}, Scored),
        ({"sentence1": T, "sentence2": T, "label": [0.25, 1.0]}, Scored),
        ({"text1": T, "text2": T, "score": [1, 2], "label": ["neutral", "entailment"]}, Scored),
        ({"question1": T, "question2": T, "is_duplicate": [True, False]}, Scored),
        ({"query": T, "pos": LISTS, "neg": LISTS}, Ranked),
        ({"query": T, "positive": LISTS, "negative": LISTS}, Ranked),
        ({"text": T, "label": ["x", "y"]}, Labelled),
        ({"id": [1, 2], "text": T, "label": [3, 4], "title": T}, Labelled),
        ({"id": [1, 2], "title": T, "text": T}, Unlabelled),
        ({"query": T, "positive": T, "positive_1": T, "negative": T}, Ranked),
        ({"query": T, "docs": LISTS, "labels": [[1], [1]]}, Ranked),
        ({"anchor": T, "positive": T, "sentence1": T}, Pairs),
        ({"text": T}, Unlabelled),
    ],
)
def test_by_columns(rows, kind):
    assert detect(pa.table(rows)) is kind


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"anchor": "summary", "positive": "code"}, Pairs),
        ({"text": "doc", "label": "top"}, Labelled),
        ({"text": "doc"}, Unlabelled),
        ({"text1": "summary", "text2": "doc", "score": "rate"}, Scored),
        ({"anchor": "summary", "positive": "doc", "score": "rate"}, Pairs),
        ({"query": "summary", "pos": "all"}, Ranked),
    ],
)
def test_by_what_the_caller_names(columns, kind):
    table = pa.table({"summary": T, "code": T, "doc": T, "top": ["x", "y"], "rate": [1, 0], "all": LISTS})
    assert detect(table, columns) is kind


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ({"anchor": T, "positive": T, "text": T, "label": ["x", "y"]}, "signal=Pairs or signal=Labelled"),
        ({"query": T, "passage": T, "score": [1, 2]}, "signal=Pairs or signal=Scored"),
        ({"premise": T, "hypothesis": T, "label": ["neutral", "contradiction"]}, "neither Pairs nor Scored"),
        ({"sentence1": T, "sentence2": T, "label": [1, 2]}, "neither Pairs nor Scored"),
        ({"name": T, "body": T}, "make no signal: name, body"),
        ({"text1": T, "text2": T, "score": [1, 2], "text": T, "label": ["x", "y"]}, "signal=Labelled or signal=Scored"),
        ({"anchor": T, "positive": T, "query": T, "pos": LISTS}, "signal=Pairs or signal=Ranked"),
        (
            {"anchor": T, "positive": T, "query": T, "pos": T},
            r"Say which: columns=\{'anchor': 'anchor', 'positive': 'positive'\} or columns=\{'anchor': 'query'",
        ),
        ({"question": T, "answer": T, "text1": T, "text2": T}, r"Pairs \(anchor: question.* or Pairs \(anchor: text1"),
        ({"anchor": T, "positive": T, "sentence1": T, "sentence2": T, "score": [1, 2]}, "or signal=Scored"),
        ({"query": T, "passage": T, "answer": T}, "several columns could be `positive`"),
        ({"text": [1, 2]}, "make no signal"),
        ({"text1": [{"en": "a"}] * 2, "text2": T, "score": [1, 2]}, "`text1` is an object"),
    ],
)
def test_asks_where_it_is_open(rows, match):
    with pytest.raises(DataError, match=match):
        detect(pa.table(rows))


def test_naming_one_of_two_pairs_settles_it():
    table = pa.table({"anchor": T, "positive": T, "query": T, "pos": T})
    assert detect(table, {"anchor": "query", "positive": "pos"}) is Pairs


def test_naming_the_pair_settles_inference_data():
    table = pa.table({"premise": T, "hypothesis": T, "label": ["neutral", "contradiction"]})
    assert detect(table, {"anchor": "premise", "positive": "hypothesis"}) is Pairs


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"no column `sumary`. Did you mean `summary`"):
        detect(pa.table({"summary": T}), {"text": "sumary"})
