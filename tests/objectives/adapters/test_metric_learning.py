"""Losses of pytorch-metric-learning as objectives: from a recipe and from Python, with weights of their own."""

import sys

import pytest
import torch

import accord.objectives
from accord.core.errors import InputError, MissingExtra
from accord.core.spec import build, to_spec
from accord.objectives import MetricLearning, SupCon

LOSSES = "pytorch_metric_learning.losses"
LABELS = torch.tensor([0, 0, 1, 1, 2, 2])


def vectors():
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(0))


def test_sup_con_there_is_sup_con_here():
    x = torch.nn.functional.normalize(vectors(), dim=1)
    there = MetricLearning(f"{LOSSES}:SupConLoss")(x, LABELS)
    torch.testing.assert_close(there, SupCon(temperature=0.1)(x @ x.T, LABELS))


def test_arguments_may_be_written_the_same_way():
    spec = {
        "MetricLearning": {
            "loss": {
                f"{LOSSES}:TripletMarginLoss": {
                    "margin": 0.3,
                    "distance": "pytorch_metric_learning.distances:CosineSimilarity",
                }
            },
            "miner": {"pytorch_metric_learning.miners:BatchHardMiner": {}},
        }
    }
    made = build(spec, accord.objectives, "tasks.topic.objective")
    from pytorch_metric_learning import distances, losses, miners

    x = vectors()
    loss, miner = losses.TripletMarginLoss(margin=0.3, distance=distances.CosineSimilarity()), miners.BatchHardMiner()
    torch.testing.assert_close(made(x, LABELS), loss(x, LABELS, miner(x, LABELS)))
    assert to_spec(made) == spec
    by_object = MetricLearning(loss, miner=miner)
    torch.testing.assert_close(by_object(x, LABELS), made(x, LABELS))


def test_proxies_are_parameters_that_start_the_same_each_time_and_once_only():
    spec = {f"{LOSSES}:ProxyAnchorLoss": {"num_classes": 3, "embedding_size": 5}}
    state = torch.get_rng_state()
    one, other = MetricLearning(spec), MetricLearning(spec)
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(one(vectors(), LABELS), other(vectors(), LABELS))
    assert [name for name, _ in one.named_parameters()] == ["function.proxies"]
    by_object = MetricLearning(one.function)
    assert [name for name, _ in by_object.named_parameters()] == ["function.proxies"]
    assert len(by_object.state_dict()) == 1
    one(vectors(), LABELS).backward()
    assert one.function.proxies.grad.abs().sum() > 0


def test_more_labels_than_proxies_and_batches_without_pairs_are_errors():
    loss = MetricLearning({f"{LOSSES}:ProxyNCALoss": {"num_classes": 2, "embedding_size": 5}})
    with pytest.raises(InputError, match="num_classes"):
        loss(vectors(), LABELS)
    with pytest.raises(InputError, match="no triplet"):
        MetricLearning(f"{LOSSES}:NTXentLoss")(vectors(), torch.arange(6))


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ({f"{LOSSES}:NTXentLoss": {"temprature": 0.1}}, "temprature"),
        (f"{LOSSES}:NTXentLos", "NTXentLos"),
        ("NTXentLoss", "module:Name"),
        ({f"{LOSSES}:ProxyAnchorLoss": {}}, "num_classes"),
    ],
)
def test_a_loss_that_cannot_be_made_says_why(loss, said):
    with pytest.raises(InputError, match=said):
        MetricLearning(loss)


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)
    with pytest.raises(MissingExtra, match=r"accord\[losses\]"):
        MetricLearning(f"{LOSSES}:NTXentLoss")
