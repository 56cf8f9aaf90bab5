"""What is kept of a model, against the statistics that it rests on."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.evaluation.measured import of_values
from accord.evaluation.statistics import paired
from accord.recipes.budget.quality import kept_share, kept_shares, task_scores


@pytest.fixture
def judged(rng):
    """A configuration and the whole model on two tasks, one of them with two metrics."""
    found = []
    for shift in (-0.1, 0.0):
        values = {name: 0.6 + shift + 0.1 * rng.standard_normal(60) for name in ("a", "b", "c")}
        ids = [str(i) for i in range(60)]
        one, two, three = (of_values(name, ids, v, primary=True) for name, v in values.items())
        found.append({"first": [one, two], "second": [three]})
    return found


def test_the_mean_is_over_tasks_and_within_them_over_metrics(judged):
    small, whole = judged
    scores = task_scores(small)
    assert scores["first"] == pytest.approx(np.mean([one.score for one in small["first"]]))
    wanted = np.mean(list(scores.values())) / np.mean(list(task_scores(whole).values()))
    assert kept_share(small, whole) == pytest.approx(wanted)
    assert kept_share(whole, whole) == 1.0


def test_shares_and_their_intervals(judged):
    small, whole = judged
    found = kept_shares(small, whole, level=0.95, resamples=1000)
    assert found["kept"] == pytest.approx(kept_share(small, whole))
    assert found["low"] < found["kept"] < found["high"] < 1.0
    alone = paired(small["second"][0], whole["second"][0], resamples=1000, key=("other",))
    base = whole["second"][0].score
    task = found["tasks"]["second"]
    assert task["kept"] == pytest.approx(1 + alone.effect / base)
    np.testing.assert_allclose([task["low"], task["high"]], 1 + np.array(alone.ci) / base, atol=0.02)
    assert found["high"] - found["low"] < task["high"] - task["low"]  # more tasks, more examples


def test_the_whole_keeps_all_of_itself_for_sure(judged):
    found = kept_shares(judged[1], judged[1], level=0.95, resamples=100)
    assert (found["low"], found["kept"], found["high"]) == (1.0, 1.0, 1.0)


def test_of_nothing_no_share_is_kept(judged):
    none = {"t": [of_values("a", ["x", "y"], np.zeros(2), primary=True)]}
    with pytest.raises(InputError, match="no quality to keep"):
        kept_share(none, none)
    mixed = {"first": none["t"], "second": judged[1]["second"]}
    found = kept_shares(mixed, mixed, level=0.95, resamples=100)
    assert found["tasks"]["first"]["kept"] is None
    assert found["kept"] == 1.0
