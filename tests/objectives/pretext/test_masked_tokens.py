"""Hidden tokens: cross-entropy beside torch on explicit logits."""

import math

import pytest
import torch
from objectives.asserts import assert_gradient, assert_shift_invariant

from accord.core.errors import InputError
from accord.objectives.pretext.masked_tokens import MaskedTokens, masked_tokens

LABELS = torch.tensor([0, 6, 3, 3, 2])


def logits():
    return torch.randn(5, 7, generator=torch.Generator().manual_seed(0))


def test_it_is_the_cross_entropy_of_torch():
    for smoothing in (0.0, 0.2):
        wanted = torch.nn.functional.cross_entropy(logits(), LABELS, label_smoothing=smoothing)
        torch.testing.assert_close(masked_tokens(logits(), LABELS, smoothing=smoothing), wanted)
        torch.testing.assert_close(MaskedTokens(smoothing=smoothing)(logits(), LABELS), wanted)


def test_it_is_the_formula():
    total = sum(math.log(sum(math.exp(x) for x in row)) - row[k] for row, k in zip(logits().tolist(), LABELS.tolist()))
    assert masked_tokens(logits(), LABELS).item() == pytest.approx(total / 5, rel=1e-5)


def test_gradient_and_shift():
    assert_gradient(lambda z: masked_tokens(z, LABELS), logits())
    assert_shift_invariant(lambda z: masked_tokens(z, LABELS), logits())


def test_nothing_hidden_is_no_loss():
    none = torch.zeros(0, 7, requires_grad=True)
    assert masked_tokens(none, torch.zeros(0, dtype=torch.int64)).item() == 0
    masked_tokens(none, torch.zeros(0, dtype=torch.int64)).backward()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"rate": 0}, "`rate`"), ({"rate": 1.0}, "`rate`"), ({"random": 0.6, "kept": 0.6}, "0.6 \\+ 0.6 > 1")],
)
def test_bad_shares_are_named(arguments, words):
    with pytest.raises(InputError, match=words):
        MaskedTokens(**arguments)
