import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Scored
from accord.evaluation.tasks import Classification, Similarity

WORDS = {"colour": "red green blue black white pink", "animal": "cat dog cow fox hen bee"}


@pytest.fixture
def splits():
    generator = np.random.default_rng(0)
    rows = [
        {"id": f"{label}{i}", "text": f"{' '.join(generator.choice(words.split(), 3))} {i}", "label": label}
        for label, words in WORDS.items()
        for i in range(40)
    ]
    data = Labelled(rows)
    return data.take(range(0, 80, 2)), data.take(range(1, 80, 2))


@pytest.mark.parametrize("probe", ["logistic", "knn"])
def test_a_probe_learns_the_words(toy, splits, probe):
    train, test = splits
    accuracy, f1 = Classification(probe=probe).evaluate(toy, train=train, test=test)
    assert accuracy.ids == tuple(test.ids)
    assert accuracy.score > 0.9
    assert f1.score == pytest.approx(accuracy.score, abs=0.02)
    assert (accuracy.primary, f1.primary) == (True, False)
    again = Classification(probe=probe).evaluate(toy, train=train, test=test)
    assert np.array_equal(again[1].columns["predicted"], f1.columns["predicted"])


def test_labels_that_train_lacks_count_as_wrong(toy, splits):
    train, test = splits
    strange = Labelled({"text": test.column("text"), "label": ["unseen", *test.column("label")[1:]]})
    accuracy, f1 = Classification().evaluate(toy, train=train, test=strange)
    assert accuracy.columns["value"][0] == 0.0
    assert f1.columns["truth"][0] == 2.0


def test_mistakes_are_named(toy, splits):
    train, test = splits
    alone = train.take([i for i, label in enumerate(train.column("label")) if label == "animal"])
    with pytest.raises(InputError, match=r"at least two labels in the train split\. Got one: animal"):
        Classification().evaluate(toy, train=alone, test=test)
    with pytest.raises(InputError, match=r"needs Labelled as `train`\. Got Pairs"):
        Classification().evaluate(toy, train=Pairs({"anchor": ["a"], "positive": ["b"]}), test=test)
    with pytest.raises(InputError, match="Did you mean `logistic`"):
        Classification(probe="logistics")
    with pytest.raises(InputError, match="`strength` must be positive"):
        Classification(strength=0)


class Rules:
    """A cross-encoder of two labels: whether the second text begins the first."""

    labels = ("apart", "begins")

    def score(self, left, right, *, progress=None):
        return np.array([[0.5, float(a.startswith(b))] for a, b in zip(left, right)])


def paired(labels=("begins", "apart", "apart")):
    return Labelled({"text": ["a b", "a b", "c d"], "text2": ["a", "b", "c"], "label": list(labels)})


def test_a_cross_encoder_of_several_labels_says_its_own_class():
    accuracy, f1 = Classification().evaluate(Rules(), train=paired(), test=paired())
    assert accuracy.columns["value"].tolist() == [1.0, 1.0, 0.0]
    assert f1.columns["predicted"].tolist() == [1, 0, 1]
    numbered = Classification().evaluate(Rules(), train=paired("100"), test=paired("100"))
    assert numbered[0].score == accuracy.score


def test_pairs_of_texts_and_what_cannot_judge_them(toy):
    with pytest.raises(InputError, match=r"Classification: the rows have 3 classes"):
        Classification().evaluate(Rules(), train=paired("xyz"), test=paired("xyz"))
    with pytest.raises(InputError, match=r"needs a cross-encoder with a label a class"):
        Classification().evaluate(toy, train=paired(), test=paired())
    with pytest.raises(InputError, match=r"text2"):
        alone = Labelled({"text": ["a", "b"], "label": ["begins", "apart"]})
        Classification().evaluate(Rules(), train=alone, test=alone)
    with pytest.raises(InputError, match="Leave it out"):
        Classification(against="mteb").evaluate(Rules(), train=paired(), test=paired())
    with pytest.raises(InputError, match=r"Similarity cannot judge Rules: it has 2 labels \(apart, begins\)"):
        Similarity().evaluate(Rules(), test=Scored({"text1": ["a"], "text2": ["b"], "score": [1.0]}))
    ranks = Rules()
    ranks.labels = ("score",)
    with pytest.raises(InputError, match="needs one of several labels, and Rules only scores pairs"):
        Classification().evaluate(ranks, train=paired(), test=paired())
