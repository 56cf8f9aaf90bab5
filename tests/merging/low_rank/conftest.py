"""Adapters of one tiny base: of other ranks and scales, on other layers, saved in peft's layout."""

import pytest
import torch
from tiny_models import tiny_encoder, tiny_encoder_folder

from accord.encoders.adapters import attach, save_adapter


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """The folder of a tiny encoder."""
    return tiny_encoder_folder(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def make(tmp_path, base):
    """Writes an adapter with B away from zero, and gives its folder."""

    def saved(name, *, seed=0, **options):
        adapter = attach(tiny_encoder(), **{"rank": 3, "alpha": 6.0, "seed": seed} | options)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in adapter.layers.values():
                layer.up.copy_(torch.randn(layer.up.shape, generator=generator) / 2)
        save_adapter(adapter, tmp_path / name, base_name=str(base))
        return tmp_path / name

    return saved
