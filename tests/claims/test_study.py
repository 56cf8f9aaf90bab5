"""The search for a rate: a grid that grows towards the best one, and no further than it may."""

import numpy as np
import pytest

from claims.base import Context
from claims.starts import Start
from claims.study import FURTHER, Arm, Regime, Study


class Known(Study):
    """A study whose dev scores are a known function of the rate."""

    def _measured(self, regime, arm, rate, seed):
        best = arm.options["best"]
        test = {"t": [rate, seed]}
        return {"dev": -abs(np.log(rate / best)) if rate else 0.0, "test": test, "facts": {}, "seconds": 1.0}


def tuned(tmp_path, best, rates=(1e-4, 4e-4)):
    context = Context(
        data={}, scale="quick", seeds=(0, 1), model="none", cache=tmp_path, code="", device=None, say=lambda _: None
    )
    arm = Arm(name="one", train=lambda *_: {}, options={"best": best})
    regime = Regime(start=Start(name="start"), steps=1, rates=rates)
    study = Known(context=context, regimes=[regime], arms=[arm], dev=None, test=None, max_length=8, shared={})
    return study.run()["start"]["one"]


@pytest.mark.parametrize(
    ("best", "rates", "tried"),
    [
        (2.5e-5, (1e-4, 4e-4), [6.25e-6, 2.5e-5, 1e-4, 4e-4]),
        (1.6e-3, (1e-4, 4e-4), [1e-4, 4e-4, 1.6e-3, 6.4e-3]),
        (4e-4, (1e-4, 4e-4, 1.6e-3), [1e-4, 4e-4, 1.6e-3]),
    ],
)
def test_a_grid_grows_until_its_best_lies_inside(tmp_path, best, rates, tried):
    found = tuned(tmp_path, best, rates)
    assert sorted(map(float, found.dev)) == pytest.approx(tried)
    assert found.rate == pytest.approx(best)
    np.testing.assert_allclose(found.values["t"], [[best, 0], [best, 1]])


def test_a_grid_grows_by_no_more_than_it_may(tmp_path):
    found = tuned(tmp_path, 1.0)
    assert len(found.dev) == 2 + FURTHER
