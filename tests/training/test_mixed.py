"""Mixed batches: one step moves the weights by the weighted sum of all tasks' losses."""

import os
import signal

import pytest
import torch

from accord.core.interrupts import Interrupted
from accord.data.samplers import RoundRobin
from accord.encoders import load
from accord.objectives import InfoNCE, SupCon
from accord.training import AdamW, Settings, TrainingTask, train
from accord.training.processes import ALONE
from accord.training.state import Training


def settings(**changes):
    usual = {"steps": 6, "batch": 12, "chunk_tokens": 48, "precision": "float32", "optimizer": AdamW(lr=1e-3)}
    return Settings(**{**usual, "batches": "mixed", "sampler": RoundRobin(), "checkpoint_every": 2, **changes})


def without_dropout(encoder):
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return encoder.train()


def gradients(encoder, tasks, chosen):
    training = Training(encoder, tasks, chosen, run="r", processes=ALONE, keeps=False)
    records = training.step()
    return records, {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("cached", [False, True])
def test_the_gradient_is_the_weighted_sum_of_the_tasks_own(tiny_folder, pairs, labelled, cached):
    """Shares 2/3 and 1/3 of the examples, loss weights 1 and 0.5; chunks and the cache change nothing."""
    tasks = [
        TrainingTask(name="pairs", signal=pairs, objective=InfoNCE(), weight=2.0),
        TrainingTask(name="topic", signal=labelled, objective=SupCon(), loss_weight=0.5),
    ]
    unclipped = {"clip": 1e9, "optimizer": AdamW(lr=1e-12), "cache_above_tokens": 0 if cached else 100_000}
    records, found = gradients(without_dropout(load(str(tiny_folder))), tasks, settings(**unclipped))
    expected: dict[str, torch.Tensor] = {}
    for task, size, share in zip(tasks, (8, 4), (2 / 3, 1 / 3)):
        alone = settings(**unclipped, batch=size, batches="homogeneous", chunk_tokens=10_000)
        single, part = gradients(without_dropout(load(str(tiny_folder))), [task], alone)
        assert single[0].loss == pytest.approx(next(r.loss for r in records if r.task == task.name), rel=1e-5)
        for name, gradient in part.items():
            expected[name] = expected.get(name, 0) + share * gradient
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def test_each_step_records_every_task_and_divides_its_seconds(tiny, tasks):
    records = []
    result = train(tiny, tasks, settings(steps=3), on_step=records.append)
    assert [(r.step, r.task) for r in records] == [(s, t) for s in (1, 2, 3) for t in ("pairs", "topic")]
    assert sum(r.seconds for r in records) == pytest.approx(result.seconds)
    assert result.steps == 3
    assert result.tokens == {name: sum(r.tokens for r in records if r.task == name) for name in ("pairs", "topic")}


def test_resume_ends_with_the_same_bits(tiny_folder, tasks, tmp_path):
    whole = load(str(tiny_folder))
    train(whole, tasks, settings())
    stopped = load(str(tiny_folder))

    def stop(record):
        if record.step == 3 and record.task == "topic":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="step 3 of 6"):
        train(stopped, tasks, settings(), checkpoints=tmp_path, on_step=stop)
    again = load(str(tiny_folder))
    assert train(again, tasks, settings(), checkpoints=tmp_path, resume=True).resumed_from == 3
    for name, weight in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight)
