import numpy as np
import pytest

from accord.core.errors import InputError
from accord.evaluation.measured import Measured, of_columns, of_predictions, of_values
from accord.evaluation.metrics import Accuracy, MacroF1, Spearman


def test_scores_of_both_kinds():
    values = of_values("nDCG@10", ["a", "b"], np.array([0.25, 0.75]), primary=True)
    assert (values.metric, values.score, len(values), values.is_mean) == ("nDCG@10", 0.5, 2, True)
    columns = of_columns(Spearman(), ["a", "b"], {"gold": [1, 2], "similarity": [3, 4]}, primary=False)
    assert (columns.metric, columns.score, columns.is_mean) == ("spearman", 1.0, False)


def test_a_part_in_another_order():
    whole = of_values("x", ["a", "b", "c"], np.array([1.0, 2.0, 3.0]), primary=True)
    part = whole.at(np.array([2, 0]))
    assert (part.ids, part.columns["value"].tolist()) == (("c", "a"), [3.0, 1.0])


def test_predictions_become_values_or_columns():
    accuracy, f1 = of_predictions([Accuracy(), MacroF1()], ["a", "b"], np.array([0, 1]), np.array([0, 0]))
    assert (accuracy.primary, accuracy.columns["value"].tolist()) == (True, [1.0, 0.0])
    assert (f1.primary, list(f1.columns), f1.score) == (False, ["truth", "predicted"], pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("ids", "values", "message"),
    [
        ([], [], "no example"),
        (["a", "a"], [1, 2], "unique"),
        (["a"], [1, 2], "must hold 1 values"),
        (["a", "b"], [1, float("nan")], "Example 'b' is not"),
    ],
)
def test_bad_measurements_are_refused(ids, values, message):
    with pytest.raises(InputError, match=message):
        Measured(metric="m", primary=True, ids=tuple(ids), columns={"value": np.array(values)})
