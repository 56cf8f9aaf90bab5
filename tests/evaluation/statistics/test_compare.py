import json

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.core.records import Results
from accord.evaluation.measured import of_columns, of_values
from accord.evaluation.metrics import VMeasure
from accord.evaluation.observed import Observed
from accord.evaluation.statistics import compare, scores

MODELS = {"base": 0.0, "joint": 0.15}


@pytest.fixture
def observed():
    generator = np.random.default_rng(0)
    found = []
    for task in ("search", "names", "topic"):
        hard = generator.random(120) * 0.8
        ids = [f"{task}{i}" for i in range(120)]
        for model, gain in (*MODELS.items(), (f"single:{task}", 0.15)):
            for seed in (0,) if model == "base" else (0, 1):
                if task == "topic":
                    truth = np.arange(120) % 4
                    cluster = np.where(generator.random(120) < 0.5 + gain, truth, generator.integers(0, 4, 120))
                    columns = {"truth": truth, "cluster": cluster}
                    measured = [of_columns(VMeasure(), ids, columns, primary=True)]
                else:
                    value = hard + gain + 0.1 * generator.normal(size=120)
                    measured = [of_values(m, ids, value, primary=m == "nDCG@10") for m in ("nDCG@10", "MRR@10")]
                found += [Observed(model=model, task=task, seed=seed, measured=m) for m in measured]
    return found


PAIRS = [("joint", "base"), ("joint", "single:search"), ("joint", "single:names")]


def test_a_score_a_model_task_metric_and_seed(observed):
    found = scores(observed, resamples=100)
    assert len(found) == len(observed)
    for row, one in zip(found, observed):
        assert (row.model, row.task, row.metric, row.seed) == (one.model, one.task, one.measured.metric, one.seed)
        assert (row.split, row.n, row.score) == ("test", 120, one.measured.score)
        if one.measured.is_mean:
            assert row.ci[0] < row.score < row.ci[1]


def test_pairs_meet_on_the_tasks_they_share(observed):
    found = compare(observed, PAIRS, resamples=200)
    asked = [(c.a, c.b, c.task, c.metric) for c in found]
    assert asked == [
        ("joint", "base", "search", "nDCG@10"),
        ("joint", "base", "names", "nDCG@10"),
        ("joint", "base", "topic", "v_measure"),
        ("joint", "single:search", "search", "nDCG@10"),
        ("joint", "single:names", "names", "nDCG@10"),
    ]
    by_task = {(c.b, c.task): c for c in found}
    assert by_task["base", "search"].distinguishable
    assert not by_task["single:search", "search"].distinguishable
    assert by_task["base", "search"].effect == pytest.approx(0.15, abs=0.03)
    assert by_task["single:search", "search"].n_needed > 120


def test_all_comparisons_are_one_family(observed):
    alone = compare(observed, [("joint", "base")], resamples=200)
    among = compare(observed, PAIRS, resamples=200)
    for one, other in zip(alone, among):
        assert (one.effect, one.ci, one.n_needed) == (other.effect, other.ci, other.n_needed)
        assert one.p <= other.p
    every = compare(observed, PAIRS, resamples=200, every_metric=True)
    assert len(every) == 9


def test_order_of_tasks_and_models_changes_no_byte(observed):
    def text(found, pairs):
        rows = compare(found, pairs, resamples=100)
        result = Results(scores=sorted(scores(found, resamples=100), key=str), comparisons=sorted(rows, key=str))
        return json.dumps(result.to_json(), sort_keys=True)

    turned = [observed[i] for i in np.random.default_rng(1).permutation(len(observed))]
    assert text(observed, PAIRS) == text(observed, PAIRS) == text(turned, PAIRS[::-1])


def test_what_cannot_be_compared_is_named(observed):
    with pytest.raises(InputError, match="nothing was measured for `jiont`"):
        compare(observed, [("jiont", "base")])
    with pytest.raises(InputError, match="not measured by the same metric on any task"):
        compare(observed, [("single:search", "single:names")])
    with pytest.raises(InputError, match=r"`nDCG@10` of `base` on `search` \(seed 0\) was measured twice"):
        compare([*observed, observed[0]], PAIRS)
    with pytest.raises(InputError, match="the same model"):
        compare(observed, [("base", "base")])
