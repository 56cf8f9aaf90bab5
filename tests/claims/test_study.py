"""The search for a rate: a grid that grows towards the best one, and no further than it may."""

import numpy as np
import pytest

from claims.base import Context
from claims.starts import Start
from claims.study import FURTHER, Arm, Regime, Study


class Known(Study):
    """A study whose dev scores are a known function of the rate."""

    def _measured(self, regime, arm, rate, seed, *, least=-np.inf):
        dev = -abs(np.log(rate / arm.options["best"])) if rate else 0.0
        test = {"t": [rate, seed]} if dev >= least else None
        return {"dev": dev, "test": test, "facts": {}, "seconds": 1.0}


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


def test_tests_are_left_alone_where_a_rate_cannot_be_chosen(tmp_path):
    """Two rates, of which the first is better by dev; the test of the other, and of what lies beyond, is not run."""
    looked = []

    def judged(model, arm):
        looked.append(model)
        return {"t": list(model)}

    context = Context(
        data={}, scale="quick", seeds=(0, 1), model="none", cache=tmp_path, code="", device=None, say=lambda _: None
    )

    class Plain(Start):
        def load(self, *_, **__):
            return None

    arm = Arm(name="one", make=lambda _, cell: ((cell.rate, cell.seed), {}))
    regime = Regime(start=Plain(name="start"), steps=1, rates=(1.0, 4.0, 16.0))
    study = Study(
        context=context, regimes=[regime], arms=[arm], dev=lambda made, _: -abs(made[0] - 4.0), test=judged,
        max_length=8, shared={},
    )  # fmt: skip
    study.__dict__["_model"] = "none"
    found = study.run()["start"]["one"]
    assert (found.rate, looked) == (4.0, [(1.0, 0), (4.0, 0), (4.0, 1)])
    assert found.values["t"].tolist() == [[4.0, 0.0], [4.0, 1.0]]
