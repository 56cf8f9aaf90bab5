import pyarrow as pa
import pytest

from accord.data.lists import with_lists
from accord.data.signals import Ranked


def rows(table, columns=None):
    return with_lists(pa.table(table), columns or {}).to_pylist()


def test_numbered_columns_become_lists_without_empty_cells():
    wide = {
        "query": ["a", "b"],
        "positive": ["p", "q"],
        "positive_2": ["r", None],
        "positive_10": ["s", " "],
        "hard_negative_1": ["n", ""],
        "negative": ["m", "o"],
    }
    assert rows(wide) == [
        {"query": "a", "pos": ["p", "r", "s"], "neg": ["m", "n"]},
        {"query": "b", "pos": ["q"], "neg": ["o"]},
    ]


def test_a_teachers_scores_go_with_their_texts():
    taught = {"query": ["a"], "positive": ["p"], "negative_2": ["m"], "negative_1": ["n"], "score": [[9, 2, 1]]}
    assert rows(taught) == [
        {"query": "a", "pos": ["p"], "neg": ["n", "m"], "pos_scores": [9.0], "neg_scores": [2.0, 1.0]}
    ]


def test_judged_documents_divide_by_their_grades():
    judged = {"query": ["a", "b"], "docs": [["x", "y", "z"], ["u"]], "labels": [[0, 3, 1], [1]]}
    assert rows(judged) == [
        {"query": "a", "pos": ["y", "z"], "pos_labels": [3.0, 1.0], "neg": ["x"], "neg_labels": [0.0]},
        {"query": "b", "pos": ["u"], "pos_labels": [1.0], "neg": [], "neg_labels": []},
    ]


def test_passages_as_objects():
    passages = {
        "query": ["a"],
        "positive_passages": [[{"docid": "1", "title": "T", "text": "x"}]],
        "negative_passages": [[{"docid": "2", "title": "", "text": "y"}, {"docid": "3", "title": "U", "text": "z"}]],
    }
    assert rows(passages) == [{"query": "a", "pos": ["T x"], "neg": ["y", "U z"]}]


def test_a_set_is_a_query_with_positives():
    assert rows({"set": [["a", "b", "c"], ["d", "e"]]}) == [
        {"query": "a", "pos": ["b", "c"]},
        {"query": "d", "pos": ["e"]},
    ]


@pytest.mark.parametrize(
    "table",
    [
        {"query": ["a"], "pos": [["b"]], "neg": [["c"]]},
        {"anchor": ["a"], "positive": ["b"], "negative_1": ["c"]},
        {"query": ["a"], "docs": [["b"]], "labels": [[1, 0]]},
        {"query": ["a"], "docs": [["b"]], "labels": [["x"]]},
    ],
)
def test_what_is_not_another_way_stays(table):
    assert rows(table) == pa.table(table).to_pylist()


def test_a_named_column_is_left_alone():
    table = {"query": ["a"], "positive_1": ["b"], "positive_2": ["c"], "all": [["d"]]}
    assert rows(table, {"pos": "all"}) == pa.table(table).to_pylist()


def test_a_query_without_a_relevant_document_is_refused_by_its_row():
    with pytest.raises(ValueError, match="row 2: `pos` must hold at least 1"):
        Ranked.of({"query": ["a", "b"], "docs": [["x"], ["y"]], "labels": [[1], [0]]})
