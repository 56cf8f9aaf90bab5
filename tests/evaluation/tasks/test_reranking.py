import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled, Ranked
from accord.evaluation.judged import judge
from accord.evaluation.metrics import MAP, nDCG
from accord.evaluation.tasks import Reranking


@pytest.fixture
def lists():
    return Ranked(
        {
            "id": ["1", "2"],
            "query": ["red rose", "blue sky"],
            "pos": [["red rose garden", "a rose"], ["blue"]],
            "neg": [["green leaf", "blue rose", "tree"], ["grey sky", "sky blue sea"]],
            "topic": ["flowers", "weather"],
        }
    )


def test_equal_to_the_dictionaries_of_trec_eval(toy, lists):
    measured = Reranking(metrics=["nDCG@10", "MRR@2"]).evaluate(toy, test=lists)
    assert [m.metric for m in measured] == ["MAP@1000", "nDCG@10", "MRR@2"]
    qrels, run = {}, {}
    for name, query, good, bad in zip(lists.ids, *(lists.column(c) for c in ("query", "pos", "neg"))):
        row = toy.rows([query])[0]
        cosine = lambda text: float(row @ toy.rows([text])[0] / np.linalg.norm(row) / np.linalg.norm(toy.rows([text])))  # noqa: B023, E731
        qrels[name], run[name] = dict.fromkeys(good, 1), {text: cosine(text) for text in (*good, *bad)}
    judged = judge(qrels, run)
    assert measured[0].columns["value"] == pytest.approx(MAP(1000)(judged))
    assert measured[1].columns["value"] == pytest.approx(nDCG(10)(judged))


def test_roles_prompts_and_groups(toy, lists):
    measured = Reranking(group="topic").evaluate(toy, test=lists, prompts=("ask", "tell"))
    assert [(role, prompt) for role, prompt, _ in toy.calls] == [("query", "ask"), ("document", "tell")]
    assert measured[0].groups == ("flowers", "weather")


def test_a_cross_encoder_reads_each_pair_once(scorer, lists):
    found = Reranking(primary="MRR@10").evaluate(scorer, test=lists)
    assert found[0].columns["value"].tolist() == [1.0, 1 / 3]  # both others have `sky`, one of them `blue` too
    assert len(scorer.read) == len(set(scorer.read)) == 8


class Constant:
    def score(self, left, right, *, progress=None):
        return np.zeros(len(left))


def test_ties_are_no_favour(lists):
    turned = Ranked({"query": lists.column("query"), "pos": lists.column("neg"), "neg": lists.column("pos")})
    task = Reranking(metrics=["MRR@10"])
    for test in (lists, turned):
        best = max((*test.column("pos")[1], *test.column("neg")[1]))
        found = task.evaluate(Constant(), test=test)[1].columns["value"][1]
        assert (found == 1.0) == (best in test.column("pos")[1])
    against = Reranking(metrics=["MRR@10"], against="mteb").evaluate(Constant(), test=lists)[1]
    assert against.columns["value"].tolist() == [1 / 4, 1 / 3]  # behind all negatives


def test_order_of_candidates_changes_nothing(toy, lists):
    flip = Ranked(
        {
            "id": lists.ids,
            "query": lists.column("query"),
            "pos": [row[::-1] for row in lists.column("pos")],
            "neg": [row[::-1] for row in lists.column("neg")],
        }
    )
    for model in (toy, Constant()):
        straight, turned = (Reranking().evaluate(model, test=test) for test in (lists, flip))
        for a, b in zip(straight, turned):
            assert np.array_equal(a.columns["value"], b.columns["value"])


def test_grades_count(scorer):
    lists = Ranked({"query": ["a b c"], "pos": [["a", "a b"]], "neg": [["x"]], "pos_scores": [[3.0, 1.0]]})
    plain, graded = (
        Reranking(primary="nDCG@10", grades=grades).evaluate(scorer, test=lists)[0].score
        for grades in (None, "pos_scores")
    )
    assert plain == 1.0
    assert graded == pytest.approx((1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3)))


def test_mistakes_are_named(toy):
    with pytest.raises(InputError, match="Got Labelled instead"):
        Reranking().evaluate(toy, test=Labelled({"text": ["a"], "label": ["x"]}))
    with pytest.raises(InputError, match=r"such as `MAP@1000`\. Got accuracy"):
        Reranking(primary="accuracy")
    with pytest.raises(InputError, match="`against` must be one of mteb"):
        Reranking(against="MTEB2")
    with pytest.raises(InputError, match="no column `topics`"):
        Reranking(group="topics").evaluate(toy, test=Ranked({"query": ["a"], "pos": [["b"]], "neg": [["c"]]}))
