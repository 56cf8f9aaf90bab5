"""Properties that objectives are tested for; each test file picks those that its objective has."""

import torch


def assert_gradient(objective, *inputs):
    """The analytic gradient equals finite differences, in float64."""
    leaves = [x.double().requires_grad_() if x.is_floating_point() else x for x in inputs]
    assert torch.autograd.gradcheck(objective, leaves)


def assert_permutation_invariant(objective, permute):
    """`permute(order)` gives the same batch in another order: the loss does not change."""
    generator = torch.Generator().manual_seed(1)
    plain = objective(permute(torch.arange(6)))
    for _ in range(5):
        torch.testing.assert_close(objective(permute(torch.randperm(6, generator=generator))), plain)


def assert_falls_when_right_scores_rise(objective, scores, right):
    """Raising the scores of what belongs together lowers the loss."""
    raised = scores + 0.1 * right
    assert objective(raised) < objective(scores)


def assert_shift_invariant(objective, scores):
    """Adding one number to all scores changes nothing: only differences count."""
    torch.testing.assert_close(objective(scores + 3.0), objective(scores))


def assert_scale_invariant(objective, scores):
    """Multiplying all scores by one positive number changes nothing."""
    torch.testing.assert_close(objective(scores * 3.0), objective(scores))


def assert_ignored_places_do_not_count(objective, scores, ignore):
    """`objective(scores, ignore)`: ignored scores change neither the loss nor get a gradient."""
    leaf = scores.clone().requires_grad_()
    value = objective(leaf, ignore)
    value.backward()
    assert torch.equal(leaf.grad[ignore], torch.zeros_like(leaf.grad[ignore]))
    other = torch.where(ignore, torch.full_like(scores, 7.0), scores)
    torch.testing.assert_close(objective(other, ignore), value.detach())
