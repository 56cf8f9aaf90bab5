"""RegMean: the closed form of least squares on all data together; padding left out; the mean where nothing is known."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from accord.core.errors import InputError
from accord.merging import merge_state_dicts
from accord.merging.learned import RegMean, input_products


def linear_job(generator, sizes=(40, 40), width=5):
    """Layers and inputs of two experts."""
    layers = [torch.randn(3, width, generator=generator) for _ in sizes]
    inputs = [
        torch.randn(n, width, generator=generator) @ torch.randn(width, width, generator=generator) for n in sizes
    ]
    return layers, inputs


def products(inputs):
    return [{"w": x.T @ x / len(x)} for x in inputs]


def merged(layers, *args, **options):
    return merge_state_dicts(RegMean(*args, **options), [{"w": layer} for layer in layers])["w"]


def test_one_layer_is_least_squares_on_all_rows(generator):
    layers, inputs = linear_job(generator)
    outputs = torch.cat([x @ layer.T for x, layer in zip(inputs, layers)])
    wanted = torch.linalg.lstsq(torch.cat(inputs).double(), outputs.double()).solution.T.float()
    assert torch.allclose(merged(layers, products(inputs), alpha=1.0, ridge=0.0), wanted, atol=1e-4)


def test_weights_that_count_rows_give_least_squares_on_parts_of_unequal_size(generator):
    layers, inputs = linear_job(generator, sizes=(20, 60))
    outputs = torch.cat([x @ layer.T for x, layer in zip(inputs, layers)])
    wanted = torch.linalg.lstsq(torch.cat(inputs).double(), outputs.double()).solution.T.float()
    assert torch.allclose(merged(layers, products(inputs), [20, 60], alpha=1.0, ridge=0.0), wanted, atol=1e-4)


def test_the_formula_of_the_paper_with_smaller_off_diagonals(generator):
    layers, inputs = linear_job(generator)
    shrunk = []
    for x in inputs:
        gram = x.T @ x / len(x)
        shrunk.append(0.6 * gram + 0.4 * torch.diag(gram.diagonal()))
    wanted = sum(w @ g for w, g in zip(layers, shrunk)) @ torch.linalg.inv(sum(shrunk))
    assert torch.allclose(merged(layers, products(inputs), alpha=0.6, ridge=0.0), wanted, atol=1e-4)


def test_directions_without_inputs_keep_the_mean(generator):
    layers, inputs = linear_job(generator, width=5)
    for x in inputs:
        x[:, 3:] = 0.0
    found = merged(layers, products(inputs))
    assert torch.allclose(found[:, 3:], ((layers[0] + layers[1]) / 2)[:, 3:], atol=1e-5)
    same = merged([layers[0], layers[0]], products(inputs))
    assert torch.allclose(same, layers[0], atol=1e-6)


def test_what_is_no_linear_layer_is_averaged(generator):
    layers, inputs = linear_job(generator)
    experts = [{"w": layer, "bias": torch.full((3,), float(k))} for k, layer in enumerate(layers)]
    found = merge_state_dicts(RegMean(products(inputs), [1.0, 3.0]), experts)
    assert found["bias"].tolist() == [0.75] * 3


def test_products_leave_padding_out(generator):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 2)

        def forward(self, batch):
            return self.inner(batch.rows)

    rows = torch.randn(2, 4, 3, generator=generator)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    model = Model()
    found = input_products(model, [SimpleNamespace(rows=rows, attention_mask=mask)])
    real = rows[mask.bool()]
    assert torch.allclose(found["inner.weight"], real.T @ real / 6, atol=1e-6)
    weights = {"inner.weight": torch.zeros(2, 3), "inner.bias": torch.zeros(2)}
    again = input_products(model, [SimpleNamespace(rows=rows, attention_mask=mask)] * 2, weights=weights)
    assert torch.allclose(again["inner.weight"], found["inner.weight"], atol=1e-6)
    assert not model.inner._forward_pre_hooks


def test_what_makes_no_sense_is_refused(generator):
    layers, inputs = linear_job(generator)
    with pytest.raises(InputError, match=r"must be of 2 models\. Got 1"):
        merged(layers, products(inputs)[:1])
    with pytest.raises(InputError, match=r"must be \(5, 5\) for its 5 inputs"):
        merged(layers, [{"w": torch.eye(4)}] * 2)
    with pytest.raises(InputError, match="alpha"):
        RegMean(products(inputs), alpha=1.5)
