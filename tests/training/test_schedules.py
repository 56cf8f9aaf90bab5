"""Schedules start moving, peak at one, and end low."""

import pytest

from accord.core.errors import InputError
from accord.training import AdamW, Constant, Cosine, Linear


@pytest.mark.parametrize("schedule", [Constant(warmup=0.2), Cosine(warmup=0.2), Linear(warmup=0.2)])
@pytest.mark.parametrize("steps", [1, 5, 100])
def test_factors(schedule, steps):
    factors = [schedule.factor(step, steps) for step in range(1, steps + 1)]
    assert all(0 < f <= 1 for f in factors)
    assert max(factors) == 1.0
    rising = round(0.2 * steps)
    assert factors[:rising] == sorted(factors[:rising])
    assert factors[rising:] == sorted(factors[rising:], reverse=True)


def test_linear_golden():
    assert [Linear(warmup=0.5).factor(s, 4) for s in (1, 2, 3, 4)] == [0.5, 1.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("arguments", "named"), [({"lr": 0}, "lr"), ({"beta1": 2}, "beta1"), ({"weight_decay": -1}, "weight_decay")]
)
def test_adamw_names_the_wrong_argument(arguments, named):
    with pytest.raises(InputError, match=f"`{named}`"):
        AdamW(**arguments)
