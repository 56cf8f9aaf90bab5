"""Limits, the choice under them, and the sentences about it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.recipes.budget.choice import COSTS, Limits, choose, on_frontier, shortfalls
from accord.recipes.budget.record import commands, verdict_of


def row(ms, mb, model, kept, **more):
    share = (ms * mb * model / 1000) ** (1 / 3)
    found = {"kept": kept, "low": kept - 0.01, "high": kept + 0.01}
    return {"name": f"{ms}-{mb}-{model}", "ms": ms, "mb_per_million": mb, "model_mb": model, "share": share,
            "dev": found, "test": found | {"tasks": {}}, "chosen": False, "frontier": False, **more}  # fmt: skip


NUMBERS = st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.0])
ROWS = st.lists(
    st.builds(row, NUMBERS, NUMBERS, NUMBERS, st.sampled_from([0.5, 0.8, 0.9, 0.95, 1.0])), min_size=1, max_size=12
)
LIMIT = st.one_of(st.none(), NUMBERS)
LIMITS = st.builds(Limits, ms=LIMIT, mb_per_million=LIMIT, model_mb=LIMIT,
                   keep=st.sampled_from([None, 0.7, 0.95, 1.0]))  # fmt: skip


def plainly_inside(rows, limits):
    found = []
    for number, one in enumerate(rows):
        good = limits.keep is None or one["dev"]["kept"] >= limits.keep
        for name in COSTS:
            asked = getattr(limits, name)
            good = good and (asked is None or one[name] <= asked)
        if good:
            found.append(number)
    return found


@given(ROWS, LIMITS)
def test_the_choice_is_the_best_of_a_plain_walk(rows, limits):
    inside = plainly_inside(rows, limits) if limits.given else []
    place = choose(rows, limits)
    if not inside:
        assert place is None
        return
    assert place in inside
    if limits.keep is None:
        assert rows[place]["dev"]["kept"] == max(rows[i]["dev"]["kept"] for i in inside)
    else:
        assert rows[place]["share"] == min(rows[i]["share"] for i in inside)


@given(ROWS, LIMITS)
def test_meeting_the_nearest_limit_meets_the_budget(rows, limits):
    if not limits.given or choose(rows, limits) is not None:
        return
    for one in shortfalls(rows, limits):
        if one["least"] is not None:
            loosened = Limits(**limits.as_json() | {one["limit"]: one["least"]})
            assert choose(rows, loosened) is not None
        asked = one["asked"]
        assert one["possible"] == (one["alone"] >= asked if one["limit"] == "keep" else one["alone"] <= asked)


@given(ROWS)
def test_the_choice_under_a_quality_is_on_the_frontier_of_exact_numbers(rows):
    front = on_frontier(rows)
    assert any(front)
    best = max(range(len(rows)), key=lambda i: rows[i]["dev"]["kept"])
    assert any(front[i] and rows[i]["dev"]["kept"] == rows[best]["dev"]["kept"] for i in range(len(rows)))


def test_near_equal_times_count_as_equal():
    rows = [row(10.0, 1, 1, 0.9), row(10.01, 1, 1, 0.9004), row(20.0, 1, 1, 0.9)]
    assert on_frontier(rows) == [True, False, False]


@pytest.mark.parametrize("name", [*COSTS, "keep"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_a_limit_must_be_a_number_above_zero(name, value):
    with pytest.raises(InputError, match="above 0"):
        Limits(**{name: value})


def test_a_share_above_one_is_refused():
    with pytest.raises(InputError, match="such as"):
        Limits(keep=98)


def test_no_limit_chooses_nothing():
    verdict = verdict_of([row(1, 1, 1, 1.0, frontier=True)], Limits())
    assert verdict["status"] == "frontier"
    assert verdict["sentence"] == "No limit was given: of 1 configurations, 1 are on the frontier."


def test_what_cannot_be_met_is_named_with_how_much():
    rows = [row(4.0, 100, 50, 1.0), row(3.0, 50, 50, 0.9)]
    verdict = verdict_of(rows, Limits(ms=2, keep=0.98))
    assert verdict["status"] == "none"
    assert "`--ms 2` cannot be met: the least is 3 milliseconds a query, off by 1." in verdict["sentence"]
    verdict = verdict_of(rows, Limits(ms=3.5, keep=0.98))
    assert "`--ms 3.5` would have to be 4 for the other limits to be met, off by 0.5." in verdict["sentence"]
    assert "`--keep 0.98` would have to be 0.9 for the other limits to be met, off by 0.08." in verdict["sentence"]
    verdict = verdict_of([row(4.0, 100, 50, 1.0), row(3.0, 300, 50, 0.9)], Limits(ms=3, mb_per_million=100, keep=1.0))
    assert "off by 1" in verdict["sentence"]


def test_the_test_rows_may_disagree_and_a_lost_task_is_named():
    lost = {"score": 0.4, "kept": 0.8, "low": 0.75, "high": 0.85, "n": 50}
    fine = {"score": 0.9, "kept": 1.1, "low": 1.0, "high": 1.2, "n": 50}
    chosen = row(1.0, 10, 10, 0.99, chosen=True)
    chosen["test"] = {"kept": 0.96, "low": 0.94, "high": 0.98, "tasks": {"hard": lost, "easy": fine}}
    verdict = verdict_of([row(2.0, 100, 20, 1.0), chosen], Limits(keep=0.97))
    assert verdict["sentence"].startswith("1.0-10-10 keeps 96.0 % [94.0, 98.0] of the whole model's quality on test")
    assert verdict["sentence"].endswith("at 1 ms a query, 10 MB a million documents and 10 MB of model: 2, 10 and 2 "
                                        "times less.")  # fmt: skip
    assert "which may be chance" in verdict["warnings"][0]
    assert verdict["warnings"][1] == ("The task hard loses more than that: it keeps 80.0 % [75.0, 85.0] on test rows.")


def test_commands_are_those_of_the_tools():
    whole = {"cut": {}, "spec": {}, "rescore": False}
    assert commands(whole, "my model") == ["accord index 'my model' CORPUS --out STORE"]
    coded = {"cut": {"dim": 64}, "spec": {"Int8": {}}, "rescore": True}
    assert commands(coded, "m") == [
        "accord cut m --dim 64 --out SMALL",
        "accord index SMALL CORPUS --out STORE --codec Int8 --rescore float16",
    ]


def test_shares_are_of_all_costs():
    rows = [row(1, 1, 8, 0.9), row(2, 2, 1, 0.9)]
    assert choose(rows, Limits(keep=0.9)) == 1
    assert np.isclose(rows[0]["share"] ** 3 * 1000, 8)
