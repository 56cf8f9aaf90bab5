"""Trackers draw what the loop says, a folder or run each."""

import sys
from types import SimpleNamespace

import pytest

from accord.core.errors import MissingExtra
from accord.core.records import StepRecord
from accord.training import TensorBoard, Tracked, WandB


def record(step, task="faq", run="joint", loss=1.0):
    numbers = {"learning_rate": 1e-4, "gradient_norm": 0.5, "examples": 8, "tokens": 100, "seconds": 0.1}
    return StepRecord(run=run, step=step, task=task, loss=loss, **numbers)


def read(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.slow
def test_tensorboard_holds_every_step_once_after_a_resume(tmp_path):
    pytest.importorskip("tensorboard")
    first = TensorBoard(tmp_path)
    for step in (1, 2, 3):
        first(record(step, loss=float(step)))
    first(record(1, run="single:faq"))
    first.close()
    again = TensorBoard(tmp_path)
    for step in (3, 4):
        again(record(step, loss=10.0 * step))
    again.close()
    found = read(tmp_path / "joint")
    assert found["loss/faq"] == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]
    assert set(found) == {"loss/faq", "tokens/faq", "learning_rate", "gradient_norm"}
    assert read(tmp_path / "single-faq")["loss/faq"] == [(1, 1.0)]


class FakeWandb:
    """Keeps what it is told."""

    def __init__(self):
        self.runs = []

    def init(self, **options):
        run = SimpleNamespace(options=options, logged=[], finished=False)
        run.log = run.logged.append
        run.finish = lambda: setattr(run, "finished", True)
        self.runs.append(run)
        return run


def test_wandb_gets_a_run_for_each_of_ours(monkeypatch):
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    tracker = WandB("project", group="job", settings={"batch": 8}, mode="offline")
    for one in (record(1), record(2, task="topic"), record(1, run="single:faq")):
        tracker(one)
    tracker.close()
    assert [run.options["name"] for run in fake.runs] == ["joint", "single:faq"]
    assert all(run.finished for run in fake.runs)
    assert fake.runs[0].options == {
        "project": "project",
        "name": "joint",
        "group": "job",
        "config": {"batch": 8},
        "mode": "offline",
    }
    assert [(row["step"], row.get("loss/topic")) for row in fake.runs[0].logged] == [(1, None), (2, 1.0)]


@pytest.mark.parametrize(("module", "make"), [("wandb", lambda: WandB("p")), ("tensorboard", lambda: TensorBoard("f"))])
def test_a_missing_package_is_named_at_once(monkeypatch, module, make):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"needs the package `{module}`.*accord\[track\]"):
        make()


def test_several_listeners_hear_in_order_and_those_that_can_are_closed():
    heard = []
    closing = SimpleNamespace(close=lambda: heard.append("closed"))
    tracked = Tracked(lambda r: heard.append(("a", r.step)), None, lambda r: heard.append(("b", r.step)))
    tracked(record(7))
    tracked.listeners.append(closing)
    tracked.close()
    assert heard == [("a", 7), ("b", 7), "closed"]
