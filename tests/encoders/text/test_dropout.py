"""Fast dropout does what torch's does, and repeats itself when torch's generator does."""

import pytest
import torch
from torch import nn

from accord.encoders.text.dropout import FastDropout, use_fast_dropout


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_share_scale_and_mean(p):
    torch.manual_seed(0)
    found = FastDropout(p)(torch.ones(400, 501))
    assert (found == 0).float().mean().item() == pytest.approx(p, abs=0.005)
    assert found[found != 0].unique().item() == pytest.approx(1 / (1 - p), rel=1e-4)
    assert found.mean().item() == pytest.approx(1.0, abs=0.01)


def test_masks_follow_the_global_generator_and_differ_from_call_to_call():
    layer, ones = FastDropout(0.3), torch.ones(64, 7)
    torch.manual_seed(3)
    first, second = layer(ones), layer(ones)
    torch.manual_seed(3)
    assert torch.equal(layer(ones), first)
    assert not torch.equal(first, second)


def test_gradient_passes_where_the_value_did():
    values = torch.randn(50, 3, requires_grad=True)
    found = FastDropout(0.4)(values)
    found.sum().backward()
    assert torch.equal(values.grad != 0, found != 0)


def test_neighbours_are_independent():
    torch.manual_seed(1)
    kept = (FastDropout(0.5)(torch.ones(200_000)) != 0).float() - 0.5
    for step in (1, 2, 3, 4, 384):
        assert abs((kept[:-step] * kept[step:]).mean().item()) < 0.003


def test_nothing_happens_in_evaluation_or_at_zero():
    ones = torch.ones(5, 5)
    assert FastDropout(0.5).eval()(ones) is ones
    assert FastDropout(0.0)(ones) is ones


def test_it_takes_the_place_of_every_plain_dropout():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.2), nn.Sequential(nn.Dropout(0.3), nn.Dropout1d(0.1))).eval()
    use_fast_dropout(model)
    assert [type(m).__name__ for m in model.modules()].count("FastDropout") == 2
    assert not any(m.training for m in model.modules())
    assert type(model[2][1]) is nn.Dropout1d
