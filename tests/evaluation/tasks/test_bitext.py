import pytest

from accord.core.errors import InputError
from accord.data.signals import Pairs
from accord.evaluation.tasks import Bitext


def test_right_wrong_and_shared_credit(toy):
    pairs = Pairs(
        {
            "id": ["1", "2", "3", "4"],
            "anchor": ["red house", "blue", "Red House", "green"],
            "positive": ["red", "blue sky", "house house house", "red"],
        }
    )
    accuracy, f1 = Bitext().evaluate(toy, test=pairs)
    assert (accuracy.metric, accuracy.primary, f1.metric, f1.primary) == ("accuracy", True, "weighted_f1", False)
    assert accuracy.ids == f1.ids == ("1", "2", "4")
    assert accuracy.columns["value"].tolist()[:2] == [1.0, 1.0]  # both `red` and `house house house` are right for 1
    assert 0 <= f1.score <= 1
    assert {role for role, _, _ in toy.calls} == {"query"}


def test_an_equal_translation_may_be_found(toy):
    pairs = Pairs({"anchor": ["red", "blue"], "positive": ["red", "azul"]})
    assert Bitext().evaluate(toy, test=pairs)[0].columns["value"].tolist()[0] == 1.0


def test_mistakes_are_named(toy):
    with pytest.raises(InputError, match="at least two different positives"):
        Bitext().evaluate(toy, test=Pairs({"anchor": ["a", "b"], "positive": ["c", "c"]}))
    with pytest.raises(InputError, match=r"`accuracy` or `weighted_f1`\. Got nDCG@10"):
        Bitext(primary="nDCG@10")
