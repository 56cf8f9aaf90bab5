"""Means of directions from inner products; the methods' tests compare them with steps on whole vectors."""

import pytest
import torch

from accord.maths.sphere import (
    BLOCK,
    gramian,
    karcher_weights,
    mean_cosine,
    mean_direction_weights,
    row_gramians,
    slerp_weights,
)


def some(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_gramian_adds_up_over_blocks_and_pieces():
    vectors = [some(3, BLOCK // 2 + 5, seed=seed) for seed in range(3)]
    flat = torch.stack([vector.reshape(-1) for vector in vectors]).double()
    torch.testing.assert_close(gramian(vectors), flat @ flat.T)
    torch.testing.assert_close(gramian([v[:1] for v in vectors]) + gramian([v[1:] for v in vectors]), flat @ flat.T)


def test_gramians_of_rows_and_columns():
    vectors = [some(700, 40, seed=seed) for seed in range(2)]
    stack = torch.stack(vectors).double()
    torch.testing.assert_close(row_gramians(vectors), torch.einsum("nrl,mrl->rnm", stack, stack))
    torch.testing.assert_close(row_gramians(vectors, columns=True), torch.einsum("nrl,mrl->lnm", stack, stack))


def test_a_stack_gives_what_each_gives():
    grams = row_gramians([some(20, 6, seed=seed) for seed in range(3)])
    weigh = [
        lambda g: mean_direction_weights(g, [0.2, 0.3, 0.5]),
        lambda g: karcher_weights(g, [0.2, 0.3, 0.5], max_iter=30, tol=1e-9),
        mean_cosine,
    ]
    for function in weigh:
        torch.testing.assert_close(function(grams), torch.stack([function(gram) for gram in grams]))
    pairs = grams[:, :2, :2]
    torch.testing.assert_close(slerp_weights(pairs, 0.3), torch.stack([slerp_weights(gram, 0.3) for gram in pairs]))


@pytest.mark.parametrize("angle", [1e-9, 1e-6, 1e-3, 1.0, 3.0])
def test_the_arc_is_divided_as_asked(angle):
    cosine = torch.tensor(angle, dtype=torch.float64).cos()
    gram = torch.stack([torch.stack([torch.ones(()), cosine]), torch.stack([cosine, torch.ones(())])]).double()
    a, b = slerp_weights(gram, 0.25)
    assert float(a * a + b * b + 2 * a * b * cosine) == pytest.approx(1.0, abs=1e-9)
    assert float(a + b * cosine) == pytest.approx(torch.tensor(angle / 4).double().cos().item(), abs=1e-7)


def test_zero_vectors_count_for_the_length_only():
    gram = torch.diag(torch.tensor([4.0, 0.0, 4.0], dtype=torch.float64))
    for found in (
        karcher_weights(gram, [1 / 3] * 3, max_iter=10, tol=1e-9),
        mean_direction_weights(gram, [1 / 3] * 3),
    ):
        length = (found @ gram @ found).sqrt()
        assert float(length) == pytest.approx(4 / 3)
        assert found[0].item() == pytest.approx(found[2].item())


def test_gradients_agree_with_finite_differences():
    vectors = some(3, 8).double().requires_grad_()
    for weigh in (
        lambda x: slerp_weights(x[:2] @ x[:2].T, 0.3),
        lambda x: mean_direction_weights(x @ x.T, [0.2, 0.3, 0.5]),
        lambda x: karcher_weights(x @ x.T, [0.2, 0.3, 0.5], max_iter=3, tol=1e-30),
        lambda x: mean_cosine(x @ x.T),
    ):
        assert torch.autograd.gradcheck(weigh, (vectors,))


def test_mean_cosine_of_one_direction_is_one():
    assert mean_cosine(gramian([torch.ones(3), 5 * torch.ones(3)])).item() == pytest.approx(1.0)
