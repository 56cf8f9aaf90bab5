import numpy as np
import pytest
import scipy.stats

from accord.core.errors import InputError
from accord.data.signals import Ranked
from accord.evaluation.tasks import Summarisation

ROLES = {"query": "text", "pos": "human_summaries", "neg": "machine_summaries", "neg_scores": "relevance"}


@pytest.fixture
def judged():
    rows = {
        "text": ["a long text", "another text", "a third text"],
        "human_summaries": [["red cat", "black cat"], ["blue sky"], ["sun"]],
        "machine_summaries": [["red cat", "red dog", "tree"], ["sky", "blue sky", "sea sun"], ["sun", "moon"]],
        "relevance": [[5.0, 3.0, 1.0], [2.0, 5.0, 3.0], [4.0, 4.0]],
    }
    return Ranked(rows, columns=ROLES)


def test_equal_to_scipy_on_the_highest_cosine(toy, judged):
    spearman, pearson = Summarisation().evaluate(toy, test=judged)
    assert spearman.ids == ("0", "1")  # people gave both summaries of the third text the same
    for row, name in enumerate(spearman.ids):
        human, machine = (toy.rows(judged.column(column)[row]) for column in ("pos", "neg"))
        unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)  # noqa: E731
        near = (unit(machine) @ unit(human).T).max(axis=1)
        gold = judged.column("neg_scores")[row]
        assert spearman.columns["value"][row] == pytest.approx(scipy.stats.spearmanr(gold, near).statistic), name
        assert pearson.columns["value"][row] == pytest.approx(scipy.stats.pearsonr(gold, near).statistic, abs=1e-6)


class Flat:
    def score(self, left, right, *, progress=None):
        return np.zeros(len(left))


def test_what_a_model_cannot_tell_apart_counts_zero(judged, scorer):
    assert Summarisation().evaluate(Flat(), test=judged)[0].columns["value"].tolist() == [0.0, 0.0]
    with pytest.raises(InputError, match="mteb has no score for it"):
        Summarisation(against="mteb").evaluate(Flat(), test=judged)
    assert Summarisation().evaluate(scorer, test=judged)[0].columns["value"][0] == 1.0


def test_mistakes_are_named(toy, judged):
    with pytest.raises(InputError, match="needs `neg_scores`"):
        Summarisation().evaluate(toy, test=Ranked({"query": ["a"], "pos": [["b"]], "neg": [["c"]]}))
    with pytest.raises(InputError, match="the same score"):
        Summarisation().evaluate(toy, test=judged.take([2]))
    with pytest.raises(InputError, match=r"`spearman` or `pearson`\. Got accuracy"):
        Summarisation(primary="accuracy")
