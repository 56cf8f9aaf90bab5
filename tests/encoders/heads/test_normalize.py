"""Normalize: unit length, and zero stays zero."""

import torch

from accord.encoders.heads.normalize import Normalize


def test_unit_length_and_direction(generator):
    x = torch.randn(5, 3, generator=generator)
    y = Normalize()(x)
    torch.testing.assert_close(y.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(y * x.norm(dim=1, keepdim=True), x)


def test_zero_stays_zero():
    assert torch.equal(Normalize()(torch.zeros(1, 3)), torch.zeros(1, 3))
