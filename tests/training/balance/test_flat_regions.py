"""Flat regions against a slow plain twin on a tiny model: two gradients a task, two Gramians, one sum."""

import copy

import pytest
import torch
from torchjd.aggregation import UPGrad, UPGradWeighting

from accord.core.errors import InputError
from accord.data.samplers import RoundRobin
from accord.encoders import load
from accord.objectives import InfoNCE, SupCon
from accord.training import AdamW, Settings, TrainingTask
from accord.training.balance import Aggregated, DynamicAverage, FlatRegions, GradNorm, Uncertainty
from accord.training.processes import ALONE
from accord.training.state import Training


def training(folder, tasks, balance=None, **changes):
    encoder = load(str(folder)).train()
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    usual = {"steps": 4, "batch": 12, "chunk_tokens": 48, "precision": "float32", "clip": 1e9}
    told = Settings(**{**usual, "optimizer": AdamW(lr=1e-12), "sampler": RoundRobin(), "balance": balance, **changes})
    return Training(encoder, tasks, told, run="r", processes=ALONE, keeps=False)


def flat(parameters):
    return torch.cat([torch.zeros(p.numel()) if p.grad is None else p.grad.reshape(-1).clone() for p in parameters])


def loss(part):
    """A task's term in the loss of the step."""
    outputs = torch.cat([part.data.forward(chunk) for chunk in part.batch.chunks])
    task = part.data.task
    return part.share * task.loss_weight * task.objective(**part.data.fields(part.batch, outputs))


def plain(folder, tasks, *, rho):
    """(tasks, P) gradients at the weights and at weights moved uphill, by ordinary arithmetic on copies."""
    here = training(folder, tasks, batches="mixed")
    here.model.train()
    step = here._prepare(0)
    parameters = list(here.model.parameters())
    low, high = [], []
    for part in step.parts:
        before = copy.deepcopy(here.model.state_dict())
        for rows in (low, high):
            here.model.zero_grad(set_to_none=True)
            loss(part).backward()
            rows.append(flat(parameters))
            with torch.no_grad():
                ends = torch.tensor([p.numel() for p in parameters]).tolist()
                for p, g in zip(parameters, rows[-1].split(ends)):
                    p.add_(rho * g.view_as(p) / rows[-1].norm())
        here.model.load_state_dict(before)
    return torch.stack(low), torch.stack(high)


@pytest.fixture
def three(pairs, labelled):
    return [
        TrainingTask(name="pairs", signal=pairs, objective=InfoNCE(bidirectional=True)),
        TrainingTask(name="topic", signal=labelled, objective=SupCon(), loss_weight=0.5),
        TrainingTask(name="back", signal=pairs, objective=InfoNCE(temperature=0.2), loss_weight=2.0),
    ]


def test_the_step_is_that_of_the_plain_twin(tiny_folder, three):
    low, high = plain(tiny_folder, three, rho=0.05)
    found = training(tiny_folder, three, FlatRegions(rho=0.05, inner="UPGrad"))
    found.model.train()
    before = {name: t.clone() for name, t in found.model.state_dict().items()}
    records = found.step()
    bare = 3 * UPGrad()(low.double()) + 3 * UPGrad()((high - low).double())
    torch.testing.assert_close(flat(found.model.parameters()), bare.float(), rtol=5e-3, atol=2e-4)
    weights = 3 * UPGradWeighting()((low @ low.T).double())
    assert [r.weight for r in records] == pytest.approx(weights.tolist(), rel=1e-3)
    cosine = torch.cosine_similarity(low[0], low[1], dim=0)
    assert records[0].cosines["topic"] == pytest.approx(float(cosine), abs=1e-4)
    for name, tensor in found.model.state_dict().items():  # the rate is 1e-12: what is left of it is decay and rounding
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=1e-9)


def test_the_weights_come_back_bit_for_bit(tiny_folder, three):
    here = training(tiny_folder, three, FlatRegions(rho=10.0))
    here.model.train()
    before = {name: t.clone() for name, t in here.model.state_dict().items()}
    here.balancing.backward(here._prepare(0), 1, cached=False, devices=[])
    assert all(torch.equal(tensor, before[name]) for name, tensor in here.model.state_dict().items())


def test_the_weights_come_back_when_the_second_pass_fails(tiny_folder, three, monkeypatch):
    here = training(tiny_folder, three, FlatRegions())
    before = {name: t.clone() for name, t in here.model.state_dict().items()}
    step = here._prepare(0)
    calls, plain_backward = [], step.backward

    def failing(*arguments, **options):
        calls.append(options["only"])
        if len(calls) == 4:
            raise InputError("no more")
        plain_backward(*arguments, **options)

    monkeypatch.setattr(step, "backward", failing)
    with pytest.raises(InputError, match="no more"):
        here.balancing.backward(step, 1, cached=False, devices=[])
    assert calls == [0, 0, 1, 1]
    assert all(torch.equal(tensor, before[name]) for name, tensor in here.model.state_dict().items())


def test_losses_are_those_at_the_weights(tiny_folder, three):
    records = training(tiny_folder, three, FlatRegions(rho=1.0)).step()
    plainly = training(tiny_folder, three, batches="mixed").step()
    assert [r.loss for r in records] == [r.loss for r in plainly]


@pytest.mark.slow
@pytest.mark.parametrize("inner", [GradNorm(), DynamicAverage(), Uncertainty(), Aggregated(every=2), {"MGDA": {}}])
def test_any_balancer_with_weights_may_stand_within(tiny_folder, three, inner):
    here = training(tiny_folder, three[:2], FlatRegions(inner=inner), batch=6)
    for _ in range(2):
        records = here.step()
    assert all(r.weight is not None for r in records)


def test_the_parts_share_nothing():
    """Each has a memory of its own."""
    held = FlatRegions(inner="GradVac").start(2).tensors()
    assert {name.partition("/")[0] for name in held} == {"low", "flat"}


def test_what_has_no_weights_is_refused():
    for inner in ("GradDrop", Aggregated(storage="bfloat16")):
        with pytest.raises(InputError, match="must give weights, and keep gradients in float32"):
            FlatRegions(inner=inner).start(2)
    with pytest.raises(InputError, match="`rho` must be positive"):
        FlatRegions(rho=0.0)
    with pytest.raises(InputError, match="another kind"):
        FlatRegions(inner=FlatRegions())
