import dataclasses
import json

import numpy as np
import pytest

from accord.core.errors import DataError
from accord.reporting.steps import cosines, curves, main_run, read_steps, shares, smooth, weight_curves


def _slow_smooth(values, window):
    half = (window - 1) // 2
    found = []
    for i in range(len(values)):
        near = [v for v in values[max(0, i - half) : i + half + 1] if np.isfinite(v)]
        found.append(sum(near) / len(near) if near else np.nan)
    return found


@pytest.mark.parametrize("window", [1, 3, 7, 99])
def test_smoothing_equals_the_plain_loop(rng, window):
    values = rng.normal(size=23)
    values[[0, 5, 6, 22]] = np.nan
    np.testing.assert_allclose(smooth(values, window), _slow_smooth(values, window))


def test_smoothing_nothing():
    assert smooth(np.array([]), 3).shape == (0,)


def _write(path, steps, tail=""):
    path.write_text("".join(json.dumps(dataclasses.asdict(s)) + "\n" for s in steps) + tail, encoding="utf-8")
    return path


def test_the_log_comes_back(tmp_path, steps):
    assert read_steps(_write(tmp_path / "steps.jsonl", steps)) == sorted(steps, key=lambda s: s.step)


def test_no_log_is_no_steps(tmp_path):
    assert read_steps(tmp_path / "steps.jsonl") == []


def test_a_line_cut_by_a_kill_is_left_out(tmp_path, steps):
    path = _write(tmp_path / "steps.jsonl", steps[:3], tail='{"run": "joint", "st')
    assert len(read_steps(path)) == 3


def test_a_step_run_again_after_a_resume_counts_once(tmp_path, steps):
    again = dataclasses.replace(steps[0], loss=0.125)
    records = read_steps(_write(tmp_path / "steps.jsonl", [*steps[:3], again]))
    assert len(records) == 3
    assert next(r for r in records if r.step == again.step).loss == 0.125


@pytest.mark.parametrize("line", ["nonsense", '{"run": "joint"}', "[1]"])
def test_a_broken_line_is_named(tmp_path, steps, line):
    path = tmp_path / "steps.jsonl"
    good = json.dumps(dataclasses.asdict(steps[0]))
    path.write_text(f"{good}\n{line}\n{good}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"steps\.jsonl:2 "):
        read_steps(path)


def test_curves_count_the_steps_of_their_own_task(steps, make):
    found = curves(steps, make.tasks)
    assert [(c.task, c.run) for c in found[:2]] == [("code-search", "single:code-search"), ("code-search", "joint")]
    joint = next(c for c in found if (c.task, c.run) == ("topic", "joint"))
    expected = [s.loss for s in steps if (s.task, s.run) == ("topic", "joint")]
    assert joint.losses.tolist() == expected
    assert joint.steps.tolist() == list(range(1, len(expected) + 1))


def test_shares_add_up_to_the_run(steps, make):
    found = shares(steps, main_run(steps), make.tasks)
    mine = [s for s in steps if s.run == "joint"]
    assert [s.task for s in found] == list(make.tasks)
    assert sum(s.steps for s in found) == len(mine)
    assert sum(s.tokens for s in found) == sum(s.tokens for s in mine)


def test_runs_on_one_task_are_nobodys_main_run(steps):
    assert main_run(steps) == "joint"
    assert main_run([s for s in steps if s.run != "joint"]) is None


def balanced(steps):
    """The joint steps of two tasks as a balanced run."""
    joint = [s for s in steps if s.run == "joint" and s.task in {"topic", "names"}]
    other = {"topic": "names", "names": "topic"}
    return [
        dataclasses.replace(s, run="balanced", weight=1.5, cosines={other[s.task]: -0.25} if s.step % 2 else None)
        for s in joint
    ]


def test_weights_and_cosines_come_from_balanced_steps_alone(steps, make, tmp_path):
    assert weight_curves(steps) == []
    assert cosines(steps) == []
    records = read_steps(_write(tmp_path / "steps.jsonl", [*steps, *balanced(steps)]))
    assert [(c.task, c.run) for c in weight_curves(records, make.tasks)] == [
        (t, "balanced") for t in ("topic", "names")
    ]
    assert all(set(c.losses) == {1.5} for c in weight_curves(records))
    ((a, b, mean),) = cosines(records)
    assert ({a, b}, mean) == ({"topic", "names"}, -0.25)
    plain = next(s for s in records if s.run == "joint")
    assert plain.weight is None
    assert plain.cosines is None
