import copy

import pytest

from accord.core.errors import InputError
from accord.core.spec import catalogue, parameters, to_spec
from accord.evaluation import metrics as room
from accord.evaluation.metrics import MRR, Accuracy, nDCG
from accord.evaluation.named import metric, metrics_in_order

EVERY = [kind(10) if "k" in parameters(kind) else kind() for kind in catalogue(room).values()]


@pytest.mark.parametrize("made", EVERY, ids=str)
def test_every_metric_comes_back_from_its_name_and_its_recipe(made):
    by_class = type(made).__name__ + ("@10" if "k" in parameters(type(made)) else "")
    assert metric(str(made)) == metric(by_class) == metric(to_spec(made)) == made
    assert copy.deepcopy(made) == made
    assert hash(made) == hash(metric(str(made)))


@pytest.mark.parametrize(
    ("alias", "name"), [("RR@10", "MRR@10"), ("P@5", "Precision@5"), ("AP@100", "MAP@100"), ("macro-F1", "macro_f1")]
)
def test_other_names_of_the_field(alias, name):
    assert metric(alias) == metric(name)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nDGC@10", r"Unknown metric `nDGC@10`. Did you mean `nDCG@10`\?"),
        ("acuracy", r"Did you mean `accuracy`\?"),
        ("bleu", "Known: "),
        ("nDCG", "needs a cut of at least 1, such as `nDCG@10`"),
        ("nDCG@0", "needs a cut"),
        ("nDCG@ten", "needs a cut"),
        ("accuracy@3", "takes no cut"),
        ({"nDCG": {"k": 0}}, "whole number of at least 1"),
        ({"nDCG": {"n": 10}}, r"Unknown key `n`"),
        (3, "must be a name such as `nDCG@10`"),
    ],
)
def test_mistakes_are_named(spec, message):
    with pytest.raises(InputError, match=message):
        metric(spec)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "10"])
def test_cuts_are_whole_numbers(k):
    with pytest.raises(InputError, match="whole number"):
        nDCG(k)


def test_an_own_metric_by_module_and_name():
    assert metric("accord.evaluation.metrics.accuracy:Accuracy") == Accuracy()


def test_the_primary_one_stands_first_and_once():
    assert metrics_in_order(["MRR@10", nDCG(10)], "nDCG@10") == [nDCG(10), MRR(10)]
    assert metrics_in_order("MRR@10", nDCG(5)) == [nDCG(5), MRR(10)]
