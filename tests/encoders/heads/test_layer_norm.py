"""LayerNorm: mean zero and deviation one over the dimensions."""

import torch

from accord.encoders.heads.layer_norm import LayerNorm


def test_mean_and_deviation(generator):
    y = LayerNorm(64)(torch.randn(5, 64, generator=generator) * 3 + 2)
    torch.testing.assert_close(y.mean(1), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std(1, unbiased=False), torch.ones(5), atol=1e-3, rtol=0)
