"""Aggregators of TorchJD on inner products: the same direction as on the gradients themselves."""

import pytest
import torch
from torchjd import aggregation

from accord.core.errors import InputError, MissingExtra, RecipeError
from accord.training.balance import Aggregated
from accord.training.balance.base import Seen
from accord.training.balance.named import read_balance
from accord.training.balance.torchjd import aggregators, config_weights

ARGUMENTS = {
    "Constant": {"weights": [1.0, 2.0, 3.0]},
    "FairGrad": {"alpha": 1.0},
    "Krum": {"n_byzantine": 0},
    "TrimmedMean": {"trim_number": 1},
}
SOLVERS = ("CAGrad", "NashMTL")
SUMS = {"PCGrad": 1, "GradVac": 1, "Sum": 1, "ConFIG": 1, "FairGrad": 1}
"""Aggregators that sum where gradients agree; the others average, so three tasks count three times as much."""


def seen(gradients, losses=None):
    losses = torch.ones(len(gradients)) if losses is None else torch.tensor(losses)
    kept = gradients.float()
    return Seen(losses.double(), (kept.double() @ kept.double().T), kept, slice(0, gradients.shape[1]))


@pytest.fixture
def gradients():
    """Three gradients of 40 numbers that conflict, of mean square length 1 but unequal lengths."""
    found = torch.randn(3, 40, generator=torch.Generator().manual_seed(3))
    found[1] -= 0.7 * found[0]
    found *= torch.tensor([1.0, 0.4, 0.1])[:, None]
    return found / found.square().sum(1).mean().sqrt()


def test_the_catalogue_is_that_of_torchjd():
    assert {"UPGrad", "PCGrad", "MGDA", "CAGrad", "IMTLG", "AlignedMTL", "NashMTL", "ConFIG", "Mean"} <= {
        *aggregators()
    }
    assert not {"Aggregator", "UPGradWeighting", "WeightedAggregator"} & {*aggregators()}


@pytest.mark.parametrize("name", [name for name in aggregators() if name not in {*SOLVERS, "Random", "GradDrop"}])
def test_the_step_is_that_of_the_aggregator_on_the_gradients(gradients, name):
    """Up to the factor by which averages are scaled to sums; with the generator seeded alike."""
    arguments = ARGUMENTS.get(name, {})
    balancer = Aggregated(aggregator=name, arguments=arguments).start(3)
    lists = {k: torch.tensor(v) if isinstance(v, list) else v for k, v in arguments.items()}
    torch.manual_seed(5)
    expected = getattr(aggregation, name)(**lists)(gradients)
    torch.manual_seed(5)
    if balancer.columns is not None:
        found = balancer.columns(gradients)
    else:
        found = balancer.weights(seen(gradients)).float() @ gradients
    factor = 0.5 if name == "Constant" else SUMS.get(name, 3)
    if name in {"AlignedMTL", "PCD"}:
        factor = balancer.scale
    if name == "FairGrad":  # solved by iteration from another starting scale
        torch.testing.assert_close(found, factor * expected, rtol=2e-2, atol=2e-2)
    else:
        torch.testing.assert_close(found, factor * expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in aggregators() if name not in {*SOLVERS, "Krum", "Constant"}])
def test_gradients_of_one_length_at_right_angles_make_the_joint_step(name):
    """`Random` draws, `ExcessMTL` has begun to learn, and `PCD` puts the first task before the others."""
    gradients = 0.01 * torch.eye(3, 7)
    balancer = Aggregated(aggregator=name, arguments=ARGUMENTS.get(name)).start(3)
    if balancer.columns is None:
        weights = balancer.weights(seen(gradients))
        assert float(weights.mean()) == pytest.approx(1, rel=1e-3)
        if name not in {"Random", "ExcessMTL", "PCD"}:
            torch.testing.assert_close(weights, torch.ones(3).double(), rtol=2e-3, atol=0)


@pytest.mark.parametrize("name", ["UPGrad", "PCGrad", "MGDA", "IMTLG", "AlignedMTL", "ConFIG", "Mean", "DualProj"])
def test_identical_gradients_give_their_own_direction(name):
    gradients = torch.ones(3, 1) * torch.randn(5, generator=torch.Generator().manual_seed(1))
    found = Aggregated(aggregator=name).start(3).weights(seen(gradients)).float() @ gradients
    assert torch.cosine_similarity(found, gradients[0], dim=0) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["UPGrad", "MGDA", "DualProj"])
def test_the_step_harms_no_task(gradients, name):
    weights = Aggregated(aggregator=name).start(3).weights(seen(gradients)).float()
    assert (gradients @ (weights @ gradients)).min() > -1e-3


def test_the_scale_of_the_gradients_changes_nothing(gradients):
    balancer = Aggregated().start(3)
    steep, flat = (balancer.weights(seen(factor * gradients)) for factor in (1e3, 1e-6))
    torch.testing.assert_close(steep, flat, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(balancer.weights(seen(0 * gradients)), torch.ones(3).double())


def test_config_by_cosines_is_the_pseudo_inverse_of_the_gradients(gradients):
    for preferences in (torch.ones(3), torch.tensor([1.0, 2.0, 0.5])):
        units = gradients / gradients.norm(dim=1, keepdim=True)
        direction = torch.nn.functional.normalize(torch.linalg.pinv(units) @ preferences, dim=0)
        expected = (gradients @ direction).sum() * direction
        weights = config_weights((gradients @ gradients.T).double(), preferences.double())
        torch.testing.assert_close(weights.float() @ gradients, expected, rtol=1e-4, atol=1e-5)


def test_weights_are_kept_between_solutions(gradients):
    balancer = Aggregated(every=3).start(3)
    assert balancer.foreseen(1) is None
    solved = balancer.weights(seen(gradients))
    assert balancer.foreseen(2) is solved
    assert balancer.foreseen(3) is solved
    assert balancer.foreseen(4) is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("GradVac", None), ("PCD", None), ("ExcessMTL", None), ("ExcessMTL", {"n_warmup_steps": 3}), ("UPGrad", None)],
)
@pytest.mark.parametrize("cut", [1, 2, 5])
def test_what_an_aggregator_remembers_survives_a_checkpoint(name, arguments, cut):
    def run(balancer, first, last):
        found = []
        for step in range(first, last):
            generator = torch.Generator().manual_seed(step)
            torch.manual_seed(step)
            found.append(balancer.weights(seen(torch.randn(3, 11, generator=generator))))
        return found

    told = Aggregated(aggregator=name, arguments=arguments)
    whole = run(told.start(3), 0, 8)
    stopped, again = told.start(3), told.start(3)
    run(stopped, 0, cut)
    again.restore({key: tensor.clone() for key, tensor in stopped.tensors().items()})
    assert all(torch.equal(a, b) for a, b in zip(run(again, cut, 8), whole[cut:], strict=True))


def test_a_missing_solver_is_named_with_its_install_line(monkeypatch):
    from torchjd import _mixins

    monkeypatch.setattr(_mixins, "find_spec", lambda name: None)
    for name, arguments in (("CAGrad", {"c": 0.5}), ("NashMTL", None)):
        with pytest.raises(MissingExtra, match=r"pip install 'accord\[balance\]'"):
            Aggregated(aggregator=name, arguments=arguments)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("UPgrad", r"train\.balance: unknown name `UPgrad`\. Did you mean `UPGrad`\? Known: .* of TorchJD: AlignedMTL"),
        ({"MGDA": {"max_iter": 5}}, r"Unknown key `max_iter` in MGDA\. Did you mean `max_iters`"),
        (
            {"Krum": {}},
            r"train\.balance\.Krum lacks the argument `n_byzantine`: write \{Krum: \{n_byzantine",
        ),
        ({"Krum": {"n_byzantine": -1}}, r"train\.balance\.Krum: n_byzantine must be non-negative, but got -1"),
        ({"UPGrad": {"every": 0}}, r"train\.balance\.UPGrad: `every` must be at least 1"),
        ({"UPGrad": {"storage": "float8"}}, r"train\.balance\.UPGrad: `storage` must be one of float32, bfloat16"),
        ({"GradDrop": {"every": 2}}, "GradDrop has no weights that could be kept"),
        ({"UPGrad": 3}, "takes its arguments by name"),
        ({"UPGrad": {}, "MGDA": {}}, "Got 2 keys"),
        ({"FlatRegions": {"inner": "Nope"}}, r"train\.balance\.FlatRegions\.inner: unknown name `Nope`"),
        ({"FlatRegions": {"inner": {"FlatRegions": {}}}}, "must be another kind"),
        ("fractions:Fraction", "must name a way of balancing"),
        (3, "must name a way of balancing"),
    ],
)
def test_bad_specifications_are_refused(spec, words):
    with pytest.raises(RecipeError, match=words):
        read_balance(spec)


def test_an_aggregator_for_more_tasks_than_there_are_is_refused():
    with pytest.raises(InputError, match=r"Krum cannot balance 2 tasks: .*at least 3 rows"):
        read_balance({"Krum": {"n_byzantine": 0}}).start(2)
    with pytest.raises(InputError, match="TrimmedMean cannot balance 2 tasks"):
        read_balance({"TrimmedMean": {"trim_number": 1}}).start(2)
    with pytest.raises(InputError, match="Constant cannot balance 2 tasks: its weights must have a positive sum"):
        read_balance({"Constant": {"weights": [1.0, -1.0]}}).start(2)
    with pytest.raises(InputError, match="Constant cannot balance 3 tasks"):
        read_balance({"Constant": {"weights": [1.0, 2.0]}}).start(3)
