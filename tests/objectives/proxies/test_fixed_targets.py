"""Examples are drawn to the vector of their class; the table stays as it is."""

import numpy as np
import pytest
import torch
from objectives.asserts import assert_gradient

from accord.core.errors import InputError
from accord.objectives.proxies.fixed_targets import FixedTargets, fixed_targets

LABELS = torch.tensor([0, 2, 2, 1])


def batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 5, generator=generator), torch.randn(3, 5, generator=generator)


def test_it_is_the_formula():
    vectors, targets = batch()
    total = 0.0
    for vector, label in zip(vectors, LABELS):
        cosines = [torch.cosine_similarity(vector, target, dim=0).item() / 0.2 for target in targets]
        total -= cosines[label] - np.log(np.sum(np.exp(cosines)))
    assert fixed_targets(vectors, LABELS, targets, temperature=0.2).item() == pytest.approx(total / 4, rel=1e-5)


def test_lengths_do_not_count():
    vectors, targets = batch()
    expected = fixed_targets(vectors, LABELS, targets)
    torch.testing.assert_close(fixed_targets(3 * vectors, LABELS, 0.5 * targets), expected)


def test_gradient():
    vectors, targets = batch()
    assert_gradient(lambda v: fixed_targets(v, LABELS, targets.double(), temperature=0.3), vectors)


def test_the_table_is_no_parameter_and_comes_from_a_file_too(tmp_path):
    vectors, targets = batch()
    np.save(tmp_path / "entries.npy", targets.numpy())
    one, other = FixedTargets(targets.numpy()), FixedTargets(tmp_path / "entries.npy")
    assert list(one.parameters()) == [] and one.state_dict() == {}
    assert torch.equal(one(vectors, LABELS), other(vectors, LABELS))


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (np.zeros((3, 5)), "a length above zero"),
        (np.ones((1, 5)), "at least 2 classes"),
        ("missing.npy", "could not be read"),
    ],
)
def test_bad_targets_are_named(targets, words):
    with pytest.raises(InputError, match=words):
        FixedTargets(targets)


def test_targets_that_do_not_fit_the_batch_are_named():
    vectors, targets = batch()
    with pytest.raises(InputError, match="5 dimensions, and the vectors 4"):
        FixedTargets(targets.numpy())(vectors[:, :4], LABELS)
    with pytest.raises(InputError, match="2 rows, too few for label number 2"):
        FixedTargets(targets[:2].numpy())(vectors, LABELS)


def test_isotropic_targets_are_whitened():
    generator = np.random.default_rng(0)
    cone = generator.normal(size=(40, 5)) * [3, 1, 0.5, 0.2, 0.1] + 8
    whitened = FixedTargets(cone, isotropic=True).table.double()
    cosines = torch.nn.functional.normalize(whitened, dim=1) @ torch.nn.functional.normalize(whitened, dim=1).T
    assert cosines.mean() < 0.1 < torch.nn.functional.cosine_similarity(*torch.from_numpy(cone[:2]), dim=0)
    spread = torch.cov(whitened.T).diag()
    assert spread.max() / spread.min() < 10 < (3 / 0.1) ** 2


def test_labels_are_given_later():
    objective = FixedTargets("labels", temperature=0.2, isotropic=True)
    assert objective.awaits_labels and objective.most_labels is None
    vectors, targets = batch()
    with pytest.raises(InputError, match="nobody has given them"):
        objective(vectors, LABELS)
    ready = objective.with_labels(targets.numpy())
    assert not ready.awaits_labels and ready.most_labels == 3
    expected = FixedTargets(targets.numpy(), temperature=0.2, isotropic=True)(vectors, LABELS)
    torch.testing.assert_close(ready(vectors, LABELS), expected)
    assert objective.awaits_labels
