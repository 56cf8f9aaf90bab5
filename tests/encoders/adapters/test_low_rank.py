"""One adapted linear map."""

import pytest
import torch
from torch import nn

from accord.encoders.adapters import LoRALinear, folded_weight


def layer(generator, **options):
    base = nn.Linear(6, 4)
    made = LoRALinear(base, **{"rank": 2, "alpha": 3.0, "generator": generator} | options)
    nn.init.normal_(made.up, generator=generator)
    return made


@pytest.mark.parametrize(("rslora", "scale"), [(False, 3.0 / 2), (True, 3.0 / 2**0.5)])
def test_forward_is_equation_three(generator, rslora, scale):
    made = layer(generator, rslora=rslora).double()
    x = torch.randn(5, 6, generator=generator, dtype=torch.float64)
    w, b = made.base.weight, made.base.bias
    wanted = torch.stack([w @ row + b + scale * made.up @ (made.down @ row) for row in x])
    torch.testing.assert_close(made(x), wanted)
    assert made.scale == pytest.approx(scale)


def test_a_fresh_adapter_changes_nothing(generator):
    base = nn.Linear(6, 4)
    x = torch.randn(3, 6, generator=generator)
    wanted = base(x)
    made = LoRALinear(base, rank=2, alpha=1.0, generator=generator)
    assert torch.equal(made(x), wanted)
    assert made.down.abs().max() <= 6**-0.5
    assert (made.in_features, made.out_features) == (6, 4)


def test_only_the_adapter_gets_gradients(generator):
    made = layer(generator)
    made(torch.ones(1, 6)).sum().backward()
    assert {name for name, p in made.named_parameters() if p.grad is not None} == {"down", "up"}


def test_dropout_thins_what_the_adapter_sees_and_only_in_training(generator):
    made = layer(generator, dropout=0.5)
    x = torch.ones(4, 6)
    assert torch.equal(made.eval()(x), made(x))
    made.train()
    with torch.random.fork_rng(devices=[]):
        assert not torch.equal(made(x), made(x))


def test_folding_keeps_the_map_and_the_type(generator):
    made = layer(generator)
    x = torch.randn(3, 6, generator=generator)
    wanted = made(x)
    plain = made.fold()
    assert type(plain) is nn.Linear
    torch.testing.assert_close(plain(x), wanted, atol=1e-6, rtol=0)
    half = folded_weight(plain.weight.half(), made.down, made.up, 1.0)
    assert half.dtype == torch.float16
