import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Ranked
from accord.evaluation.metrics import MRR, nDCG
from accord.evaluation.tasks import Retrieval


@pytest.fixture
def faq():
    return Pairs(
        {
            "id": ["a", "b", "c", "d"],
            "anchor": ["how to pay", "where is my parcel", "HOW TO  PAY", "open hours"],
            "positive": ["pay by card", "track the parcel here", "pay in cash", "we open at nine"],
        }
    )


def test_values_by_query_with_shared_relevance(toy, faq):
    measured = Retrieval(metrics=["MRR@10", "Recall@2", "Precision@2"]).evaluate(toy, test=faq)
    assert [m.metric for m in measured] == ["nDCG@10", "MRR@10", "Recall@2", "Precision@2"]
    assert [m.primary for m in measured] == [True, False, False, False]
    assert all(m.ids == ("a", "b", "d") for m in measured)
    assert measured[1].columns["value"].tolist() == [1.0, 1.0, 1.0]  # each shares words with its answer only
    assert measured[2].columns["value"].tolist() == [1.0, 1.0, 1.0]
    assert measured[3].columns["value"].tolist() == [1.0, 0.5, 0.5]


def test_roles_prompts_and_each_text_once(toy, faq):
    Retrieval().evaluate(toy, test=faq, prompts=("ask", "tell"))
    (first, asked, queries), (second, told, documents) = toy.calls
    assert (first, asked, len(queries)) == ("query", "ask", 3)
    assert (second, told, len(documents)) == ("document", "tell", 4)


def test_a_query_does_not_find_itself(toy):
    pairs = Pairs({"anchor": ["one two", "one three"], "positive": ["one three", "one two"]})
    (found,) = Retrieval(metrics=[], primary="MRR@1").evaluate(toy, test=pairs)
    assert found.columns["value"].tolist() == [1.0, 1.0]


def test_the_corpus_is_searched_too(toy, faq):
    with_decoys = faq.with_corpus({"id": ["x"], "text": ["how to pay pay"]})
    (alone,) = Retrieval(metrics=[], primary=MRR(1)).evaluate(toy, test=faq)
    (beside,) = Retrieval(metrics=[], primary=MRR(1)).evaluate(toy, test=with_decoys)
    assert (alone.score, beside.score) == (1.0, pytest.approx(2 / 3))


def test_grades_count(toy):
    pairs = Pairs({"anchor": ["red"] * 2, "positive": ["red red", "red blue"], "score": [1.0, 2.0]})
    (found,) = Retrieval(metrics=[], primary=nDCG(2)).evaluate(toy, test=pairs)
    assert found.score == pytest.approx((1 + 2 / np.log2(3)) / (2 + 1 / np.log2(3)))


def test_ranked_lists_are_read(toy):
    lists = Ranked({"query": ["red"], "pos": [["red red"]], "neg": [["blue", "green"]]})
    assert Retrieval().evaluate(toy, test=lists)[0].score == 1.0


def test_order_of_rows_changes_no_value(toy, faq):
    straight = Retrieval().evaluate(toy, test=faq)[0]
    turned = Retrieval().evaluate(toy, test=faq.take([3, 1, 0, 2]))[0]
    assert dict(zip(straight.ids, straight.columns["value"])) == dict(zip(turned.ids, turned.columns["value"]))


def test_mistakes_are_named(toy):
    with pytest.raises(InputError, match="each be a ranking metric"):
        Retrieval(primary="accuracy")
    with pytest.raises(InputError, match="Got Labelled instead"):
        Retrieval().evaluate(toy, test=Labelled({"text": ["a"], "label": ["x"]}))
