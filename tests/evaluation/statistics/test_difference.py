import numpy as np
import pytest

from accord.evaluation.metrics import Spearman, VMeasure
from accord.evaluation.statistics.difference import paired


def test_the_parts_agree_with_each_other(values):
    generator = np.random.default_rng(0)
    b = generator.random(300)
    a = np.clip(b + 0.05 + 0.1 * generator.normal(size=300), 0, 1)
    found = paired(values(a), values(b))
    assert found.effect == pytest.approx((a - b).mean())
    assert found.ci[0] < found.effect < found.ci[1]
    assert found.n == 300
    assert found.p < 0.01 and found.ci[0] > 0
    assert found.n_needed < 300


def test_nothing_between_equals(values):
    found = paired(values([0.5, 1.0]), values([0.5, 1.0]))
    assert (found.effect, found.ci, found.p, found.n_needed) == (0.0, (0.0, 0.0), 1.0, None)


@pytest.mark.parametrize("kind", ["mean", "spearman", "v_measure"])
def test_trading_the_sides_turns_signs_only(values, columns, kind):
    generator = np.random.default_rng(0)
    gold = generator.integers(0, 4, 60)
    if kind == "mean":
        a, b = (values(generator.random(60)) for _ in "ab")
    elif kind == "spearman":
        a, b = (columns(Spearman(), gold=gold, similarity=gold + generator.normal(size=60)) for _ in "ab")
    else:
        a, b = (columns(VMeasure(), truth=gold, cluster=generator.integers(0, 4, 60)) for _ in "ab")
    one, other = paired(a, b, resamples=200), paired(b, a, resamples=200)
    assert other.effect == -one.effect
    assert other.ci == pytest.approx((-one.ci[1], -one.ci[0]), abs=1e-12)
    assert (other.p, other.n_needed) == (one.p, one.n_needed)


def test_examples_needed_of_a_set_metric_scale_with_its_standard_error(columns):
    generator = np.random.default_rng(0)
    gold = generator.normal(size=400)
    noise = [generator.normal(size=400) for _ in "ab"]
    make = lambda n, i: columns(Spearman(), gold=gold[:n], similarity=(gold + (1 + 0.4 * i) * noise[i])[:n])  # noqa: E731
    found = paired(make(400, 0), make(400, 1), resamples=400)
    assert found.p < 0.05
    assert 20 < found.n_needed < 600
