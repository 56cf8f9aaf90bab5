"""The mean of a run's weights: against the plain mean of snapshots, across a stop, and in the model at the end."""

import os
import signal

import pytest
import torch

from accord.core.errors import InputError
from accord.core.interrupts import Interrupted
from accord.data.samplers import RoundRobin
from accord.encoders import load
from accord.training import EMA, AdamW, EarlyStopping, Last, Settings, train
from accord.training.averaging import blend, check_fits


def settings(**changes):
    usual = {"steps": 6, "batch": 8, "chunk_tokens": 64, "optimizer": AdamW(lr=1e-3), "sampler": RoundRobin()}
    return Settings(**{**usual, "precision": "float32", "checkpoint_every": 4, **changes})


def floats(encoder):
    return {n: t.clone() for n, t in encoder.state_dict().items() if t.is_floating_point()}


def plain_mean(snapshots, rule):
    """The slow twin: all snapshots at once, in float64, each with its weight written out."""
    steps = len(snapshots)
    if isinstance(rule, Last):
        wanted = [steps - k * rule.every for k in range(rule.count)]
        weight = {step: 1.0 for step in wanted if step >= 1}
    else:
        weight = {step: rule.decay ** (steps - step) for step in range(1, steps + 1)}
    total = sum(weight.values())
    names = snapshots[0]
    return {n: sum(w / total * snapshots[s - 1][n].double() for s, w in weight.items()) for n in names}


@pytest.mark.parametrize("steps", [1, 7, 40])
@pytest.mark.parametrize("rule", [Last(), Last(count=4, every=3), Last(count=2, every=1), EMA(decay=0.9), EMA()])
def test_the_running_mean_is_the_plain_mean(rule, steps):
    generator = torch.Generator().manual_seed(0)
    snapshots = [{"a": torch.randn(5, 3, generator=generator), "b": torch.randn(2, generator=generator)}]
    start = snapshots[0]
    noise = [{n: torch.randn(t.shape, generator=generator) for n, t in start.items()} for _ in range(steps - 1)]
    snapshots += [{n: t + start[n] for n, t in one.items()} for one in noise]
    mean = {}
    for step, weights in enumerate(snapshots, start=1):
        blend(mean, weights, rule.share(step, steps))
    for name, wanted in plain_mean(snapshots, rule).items():
        torch.testing.assert_close(mean[name].double(), wanted, rtol=0, atol=1e-5)


def test_the_mean_is_kept_in_float32_and_owns_its_memory():
    weights = {"half": torch.ones(3, dtype=torch.bfloat16), "places": torch.arange(3)}
    mean = {}
    blend(mean, weights, 1.0)
    weights["half"] += 1
    assert set(mean) == {"half"}
    assert mean["half"].dtype == torch.float32
    assert mean["half"].tolist() == [1.0, 1.0, 1.0]


def test_equal_weights_stay_as_they_are():
    weights, mean = {"w": torch.linspace(-1, 1, 7)}, {}
    for step in range(1, 101):
        blend(mean, weights, EMA(decay=0.99).share(step, 100))
    assert torch.equal(mean["w"], weights["w"])


@pytest.mark.parametrize("rule", [Last(count=3, every=2), EMA(decay=0.8)])
def test_a_run_ends_with_the_mean_and_the_steps_are_those_of_a_run_without(tiny_folder, tasks, rule):
    losses, snapshots = {}, []
    for average in (None, rule):
        encoder = load(str(tiny_folder))
        kept = []

        def tell(record, kept=kept, encoder=encoder):
            kept.append(record.loss)
            if average is None:  # noqa: B023
                snapshots.append(floats(encoder))

        train(encoder, tasks, settings(average=average), on_step=tell)
        losses[average] = kept
    assert losses[None] == losses[rule]
    for name, wanted in plain_mean(snapshots, rule).items():
        torch.testing.assert_close(floats(encoder)[name].double(), wanted, rtol=0, atol=1e-6)
    assert any(not torch.equal(t, snapshots[-1][n]) for n, t in floats(encoder).items())


@pytest.mark.parametrize("rule", [Last(count=3, every=2), EMA(decay=0.8)])
def test_a_resumed_run_ends_with_the_same_mean(tiny_folder, tasks, tmp_path, rule):
    whole, stopped, again = (load(str(tiny_folder)) for _ in range(3))
    train(whole, tasks, settings(average=rule))

    def stop(record):
        if record.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(stopped, tasks, settings(average=rule), checkpoints=tmp_path, on_step=stop)
    assert train(again, tasks, settings(average=rule), checkpoints=tmp_path, resume=True).resumed_from == 3
    assert all(torch.equal(t, floats(whole)[n]) for n, t in floats(again).items())


def test_a_checkpoint_of_a_run_that_averages_otherwise_is_refused(tiny_folder, tasks, tmp_path):
    train(load(str(tiny_folder)), tasks, settings(average=EMA()), checkpoints=tmp_path)
    with pytest.raises(InputError, match="`average`"):
        train(load(str(tiny_folder)), tasks, settings(), checkpoints=tmp_path, resume=True)


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="Leave one out"):
        settings(average=EMA(), early_stopping=EarlyStopping())
    with pytest.raises(InputError, match="must be Last or EMA"):
        settings(average="EMA")
    with pytest.raises(InputError, match=r"more than 40 steps\. Got 40"):
        check_fits(Last(count=3, every=20), 40)
    check_fits(Last(count=3, every=20), 41)
    check_fits(EMA(), 1)
    for make in (lambda: Last(count=1), lambda: Last(every=0), lambda: EMA(decay=1.0), lambda: EMA(decay=0.0)):
        with pytest.raises(InputError, match="must"):
            make()
