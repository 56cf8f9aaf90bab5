"""A tiny encoder with adapters that do something."""

import pytest
import torch
from tiny_models import tiny_encoder

from accord.encoders.adapters import attach


@pytest.fixture
def adapted():
    """(encoder, adapter): rank 3 on the attention of a tiny BERT, B no longer zero."""

    def make(**options):
        encoder = tiny_encoder()
        adapter = attach(encoder, **{"rank": 3, "alpha": 6.0} | options)
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for layer in adapter.layers.values():
                layer.up.copy_(torch.randn(layer.up.shape, generator=generator) / 2)
        return encoder, adapter

    return make
