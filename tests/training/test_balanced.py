"""Balanced steps: the batches and masks of a joint step of mixed batches, gone back through once a task."""

import os
import signal

import pytest
import torch
from tiny_models import tiny_encoder, tiny_tokenizer

from accord.core.errors import InputError
from accord.core.interrupts import Interrupted
from accord.data.samplers import RoundRobin
from accord.encoders import StaticEncoder, load
from accord.encoders.heads import Normalize
from accord.objectives import InfoNCE, SupCon
from accord.training import AdamW, Settings, TrainingTask, train
from accord.training.adapters import LoRA
from accord.training.balance import Aggregated, DynamicAverage, FlatRegions, GradNorm, Uncertainty
from accord.training.balance.base import Balancer
from accord.training.balance.gradients import TaskGradients
from accord.training.processes import ALONE
from accord.training.state import Training


def settings(balance=None, **changes):
    usual = {"steps": 6, "batch": 12, "chunk_tokens": 96, "precision": "float32", "optimizer": AdamW(lr=1e-3)}
    usual |= {"batches": "mixed", "sampler": RoundRobin(), "checkpoint_every": 2, "balance": balance}
    return Settings(**usual | changes)


def one_step(encoder, tasks, balance=None, **changes):
    """Records and gradients of the first step, dropout on, before anything is clipped."""
    training = Training(encoder, tasks, settings(balance, clip=1e9, **changes), run="r", processes=ALONE, keeps=False)
    encoder.train()
    records = training.step()
    return records, {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}, training


@pytest.fixture
def three(pairs, labelled):
    return [
        TrainingTask(name="pairs", signal=pairs, objective=InfoNCE(bidirectional=True), weight=2.0),
        TrainingTask(name="topic", signal=labelled, objective=SupCon(), loss_weight=0.5),
        TrainingTask(name="back", signal=pairs, objective=InfoNCE(temperature=0.2)),
    ]


@pytest.mark.parametrize(("name", "cached"), [("Mean", False), ("Sum", True)])
def test_plain_sums_are_the_joint_step(tiny_folder, three, name, cached):
    """With dropout on: each chunk has the mask that it has in the joint step."""
    above = {"cache_above_tokens": 0} if cached else {}
    joint, expected, _ = one_step(load(str(tiny_folder)), three, **above)
    records, found, _ = one_step(load(str(tiny_folder)), three, Aggregated(aggregator=name), **above)
    assert found.keys() == expected.keys()  # what no task uses has no gradient, and so no decay
    for key, gradient in expected.items():
        torch.testing.assert_close(found[key], gradient, rtol=1e-5, atol=1e-6)
    assert [r.loss for r in records] == [r.loss for r in joint]
    assert [r.weight for r in records] == pytest.approx([1.0, 1.0, 1.0])
    assert [r.weight for r in joint] == [None] * 3


@pytest.mark.parametrize("balance", [Uncertainty(), DynamicAverage()])
def test_weights_that_losses_give_cost_a_joint_step(tiny_folder, three, balance):
    """They start at 1; no gradient of a single task is made."""
    _, expected, _ = one_step(load(str(tiny_folder)), three)
    records, found, training = one_step(load(str(tiny_folder)), three, balance)
    assert all(torch.equal(found[key], gradient) for key, gradient in expected.items())
    assert training.balancing.gradients is None
    assert [r.cosines for r in records] == [None] * 3


@pytest.mark.parametrize("name", ["UPGrad", "PCGrad", pytest.param("MGDA", marks=pytest.mark.slow)])
def test_the_step_is_the_aggregators_on_the_tasks_own_gradients(tiny_folder, three, name):
    from torchjd import aggregation

    from accord.core.random import derive

    alone = []
    training = Training(load(str(tiny_folder)), three, settings(), run="r", processes=ALONE, keeps=False)
    training.model.train()
    for number in range(3):
        training.model.zero_grad(set_to_none=True)
        training._prepare(0).backward(ALONE, cached=False, devices=[], only=number)
        parameters = dict(training.model.named_parameters())
        alone.append({k: p.grad for k, p in parameters.items() if p.grad is not None})
    keys = list(alone[0])
    jacobian = torch.stack([torch.cat([row[key].reshape(-1) for key in keys]) for row in alone])
    torch.manual_seed(derive(0, "balance", 1))
    expected = getattr(aggregation, name)()(jacobian.double()).float() * (1 if name == "PCGrad" else 3)
    _, found, _ = one_step(load(str(tiny_folder)), three, Aggregated(aggregator=name))
    torch.testing.assert_close(torch.cat([found[key].reshape(-1) for key in keys]), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("balance", [Aggregated(), pytest.param(FlatRegions(), marks=pytest.mark.slow)])
def test_encoding_twice_gives_the_same_step(tiny_folder, three, balance):
    _, whole, _ = one_step(load(str(tiny_folder)), three, balance)
    _, cached, _ = one_step(load(str(tiny_folder)), three, balance, cache_above_tokens=0)
    for key, gradient in whole.items():
        torch.testing.assert_close(cached[key], gradient, rtol=1e-4, atol=2e-5)


def test_one_task_is_trained_as_ever(tiny_folder, pairs):
    task = TrainingTask(name="pairs", signal=pairs, objective=InfoNCE())
    plain, balanced = load(str(tiny_folder)), load(str(tiny_folder))
    train(plain, [task], settings(batches="homogeneous", steps=2))
    train(balanced, [task], settings(Aggregated(aggregator="Krum", arguments={"n_byzantine": 0}), steps=2))
    assert all(torch.equal(balanced.state_dict()[name], weight) for name, weight in plain.state_dict().items())


def test_homogeneous_batches_are_mixed_all_the_same(tiny_folder, three):
    told = settings(Aggregated(), batches="homogeneous", steps=1)
    records = []
    train(load(str(tiny_folder)), three, told, on_step=records.append)
    assert [r.task for r in records] == ["pairs", "topic", "back"]
    with pytest.raises(InputError, match=r"`train\.batch` is 4, and a mixed batch .* 8 examples\. Raise it\.$"):
        train(load(str(tiny_folder)), three, settings(Aggregated(), batch=4))


def test_records_name_the_cosines_to_the_other_tasks(tiny_folder, three):
    records, _, _ = one_step(load(str(tiny_folder)), three, Aggregated())
    by_task = {r.task: r.cosines for r in records}
    assert {task: sorted(row) for task, row in by_task.items()} == {
        "pairs": ["back", "topic"],
        "topic": ["back", "pairs"],
        "back": ["pairs", "topic"],
    }
    assert by_task["pairs"]["topic"] == by_task["topic"]["pairs"]
    assert all(-1 <= cosine <= 1 for row in by_task.values() for cosine in row.values())
    assert sum(r.seconds for r in records) > 0


def test_kept_weights_are_put_on_the_model_and_not_on_an_objectives_own(tiny_folder, pairs, labelled):
    """A step that keeps the last weights gives the model the gradient that weighing them one by one would."""

    class Scaled(InfoNCE):
        def __init__(self):
            super().__init__(mask=())
            self.scale = torch.nn.Parameter(torch.tensor(0.8))

        def forward(self, scores):
            return super().forward(self.scale * scores)

    def tasks():
        return [
            TrainingTask(name="topic", signal=labelled, objective=SupCon()),
            TrainingTask(name="pairs", signal=pairs, objective=Scaled()),
        ]

    class Given(Balancer):
        def __init__(self, known):
            self.known = known

        def foreseen(self, step):
            return self.weights(None) if self.known else None

        def weights(self, seen):
            return torch.tensor([0.25, 3.0]).double()

    class Told:
        def __init__(self, known):
            self.known = known

        def start(self, tasks, device=None):
            return Given(self.known)

    (_, before, one), (_, after, other) = (one_step(load(str(tiny_folder)), tasks(), Told(k)) for k in (True, False))
    for key, gradient in before.items():
        torch.testing.assert_close(after[key], gradient, rtol=1e-4, atol=1e-6)
    (a,), (b,) = (list(training.objectives[1].parameters()) for training in (one, other))
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-7)


def test_half_the_memory_gives_nearly_the_same_step(tiny_folder, three):
    _, whole, _ = one_step(load(str(tiny_folder)), three, Aggregated(aggregator="MGDA"))
    _, half, training = one_step(load(str(tiny_folder)), three, Aggregated(aggregator="MGDA", storage="bfloat16"))
    assert training.balancing.gradients.rows.dtype == torch.bfloat16
    one, two = (torch.cat([g.reshape(-1) for g in found.values()]) for found in (whole, half))
    assert torch.cosine_similarity(one, two, dim=0) > 0.9999
    assert all(gradient.dtype == torch.float32 for gradient in half.values())


def each(*balances):
    marks = [() if isinstance(balance, GradNorm) else pytest.mark.slow for balance in balances]
    return [pytest.param(balance, id=repr(balance), marks=mark) for balance, mark in zip(balances, marks)]


@pytest.mark.parametrize(
    "balance",
    each(
        GradNorm(),
        Uncertainty(),
        DynamicAverage(period=1),
        FlatRegions(inner="GradVac"),
        Aggregated(every=2),
        Aggregated(aggregator="PCGrad"),
        Aggregated(aggregator="GradDrop"),
    ),
)
def test_resume_ends_with_the_same_bits(tiny_folder, three, tmp_path, balance):
    told = settings(balance, steps=4)
    whole = load(str(tiny_folder))
    train(whole, three, told)
    stopped = load(str(tiny_folder))

    def stop(record):
        if record.step == 2 and record.task == "back":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="step 2 of 4"):
        train(stopped, three, told, checkpoints=tmp_path, on_step=stop)
    again = load(str(tiny_folder))
    assert train(again, three, told, checkpoints=tmp_path, resume=True).resumed_from == 2
    assert all(torch.equal(again.state_dict()[name], weight) for name, weight in whole.state_dict().items())


def test_another_balance_is_another_run(tiny_folder, three, tmp_path):
    train(load(str(tiny_folder)), three, settings(Uncertainty(), steps=3), checkpoints=tmp_path)
    with pytest.raises(InputError, match="`balance` = 'Uncertainty', this one has 'DynamicAverage'"):
        train(load(str(tiny_folder)), three, settings(DynamicAverage(), steps=3), checkpoints=tmp_path, resume=True)


def test_what_is_learned_moves_with_a_rate_of_its_own(tiny_folder, three):
    _, _, training = one_step(load(str(tiny_folder)), three, Uncertainty(lr_factor=50.0))
    group = training.optimizer.param_groups[-1]
    assert group["params"] == list(training.balancing.balancer.parameters())
    assert group["weight_decay"] == 0.0
    assert group["lr"] == pytest.approx(50 * training._rate(0))
    assert group["params"][0].abs().max() > 0


def test_low_rank_adapters_alone_are_balanced(three):
    encoder = tiny_encoder()
    LoRA(rank=2).attach(encoder)
    trained = sum(p.numel() for p in encoder.parameters() if p.requires_grad)
    _, found, training = one_step(encoder, three, Aggregated())
    assert training.balancing.gradients.rows.shape == (3, trained)
    assert sum(gradient.numel() for gradient in found.values()) == trained


def test_cross_encoders_are_balanced(pairs):
    from tiny_pairs import tiny_cross_encoder

    from accord.objectives import BinaryCrossEntropy

    tasks = [TrainingTask(name=n, signal=pairs, objective=BinaryCrossEntropy()) for n in ("one", "two")]
    records, _, _ = one_step(tiny_cross_encoder(), tasks, Aggregated(), batch=8)
    assert records[0].cosines.keys() == {"two"}


def test_static_encoders_are_balanced(three):
    tokenizer = tiny_tokenizer()
    table = torch.randn(len(tokenizer), 8, generator=torch.Generator().manual_seed(0))
    records, _, _ = one_step(StaticEncoder(table, tokenizer, [Normalize()]), three, Aggregated())
    assert all(r.weight is not None for r in records)


def test_a_gradient_that_is_not_finite_is_named(tiny, three):
    training = Training(tiny, three, settings(Aggregated()), run="r", processes=ALONE, keeps=False)

    def spoil(number):
        tiny.train()
        plain = training.balancing._rows().take

        def take(row):
            if row == number:
                next(p for p in tiny.parameters() if p.grad is not None).grad.fill_(float("inf"))
            plain(row)

        training.balancing.gradients.take = take

    spoil(1)
    with pytest.raises(InputError, match="The gradient of task `topic` is not a finite number at step 1"):
        training.step()


def test_settings_refuse_what_is_no_balance():
    with pytest.raises(InputError, match=r"`train\.balance` must be a way of balancing"):
        settings("UPGrad")


def test_rows_of_gradients_by_ordinary_arithmetic():
    parameters = [
        torch.nn.Parameter(torch.zeros(2, 3)),
        torch.nn.Parameter(torch.zeros(4)),
        torch.nn.Parameter(torch.zeros(1)),
    ]
    rows = TaskGradients(parameters, 2, "float32")
    rows.clear()
    jacobian = torch.zeros(2, 11)
    generator = torch.Generator().manual_seed(0)
    for task in range(2):
        parameters[0].grad = torch.randn(2, 3, generator=generator)
        jacobian[task, :6] = parameters[0].grad.reshape(-1)
        if task:
            parameters[1].grad = torch.randn(4, generator=generator)
            jacobian[task, 6:10] = parameters[1].grad
        rows.take(task)
        assert parameters[0].grad is None
    assert rows.last == slice(0, 6)
    torch.testing.assert_close(rows.gramian(), (jacobian @ jacobian.T).double(), rtol=1e-6, atol=1e-6)
    rows.give(torch.tensor([0.5, -2.0]).double())
    expected = 0.5 * jacobian[0] - 2 * jacobian[1]
    torch.testing.assert_close(parameters[0].grad.reshape(-1), expected[:6])
    torch.testing.assert_close(parameters[1].grad, expected[6:10])
    assert parameters[2].grad is None  # no task has used it
