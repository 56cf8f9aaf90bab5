"""Values of parameters over the tensors of a model."""

import pytest

from accord.merging.depth import depth_of
from accord.merging.settings import Setting


@pytest.mark.parametrize(
    ("value", "depth", "expected"),
    [
        (0.3, 0.7, 0.3),
        (True, 0.0, True),
        ("1e-3", 0.0, 0.001),
        ([0, 1], 0.25, 0.25),
        ([0.0, 0.5, 1.0, 0.0], 1.0, 0.0),
        ([0.0, 0.5, 1.0, 0.0], 0.5, 0.75),
        ([2.0], 0.5, 2.0),
    ],
)
def test_value_at_a_depth(value, depth, expected):
    assert Setting.of(value).at("encoder.layer.1.output.dense.weight", depth) == pytest.approx(expected)


def test_first_filter_that_fits_decides():
    setting = Setting.of([{"filter": "attention", "value": [0, 1]}, {"filter": "layer.0", "value": 7}, {"value": 0.5}])
    assert setting.at("layer.0.attention.weight", 0.5) == 0.5
    assert setting.at("layer.0.output.weight", 0.5) == 7
    assert setting.at("embeddings.weight", 0.5) == 0.5
    assert setting.filters == ["attention", "layer.0"]
    assert str(setting) == "0 to 1 in attention, 7 in layer.0, 0.5"


def test_star_fits_everything():
    assert Setting.of([{"filter": "*", "value": 2}]).at("any", 0.0) == 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"filter": "a", "value": 1}], "ends with an entry without `filter`"),
        ([{"value": 1}, {"value": 2}], "entry 1 of the filter list fits every tensor"),
        ([{"filter": "a", "weight": 1}, {"value": 2}], "`filter` and `value`"),
        ([{"filter": 3, "value": 1}, {"value": 2}], "part of tensors' names"),
        ([1, "a"], "finite number"),
        ([], "finite number"),
        (None, "finite number"),
        (float("nan"), "finite number"),
        ([0.1, float("inf")], "finite number"),
        ({"x": 1}, "`filter` and `value`"),
    ],
)
def test_what_means_nothing_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        Setting.of(value)


@pytest.mark.parametrize(
    ("name", "layers", "expected"),
    [
        ("encoder.layer.0.attention.self.query.weight", 6, 0.0),
        ("encoder.layer.5.output.dense.bias", 6, 1.0),
        ("transformer.layer.2.ffn.lin1.weight", 5, 0.5),
        ("layers.3.mlp.Wi.weight", 7, 0.5),
        ("model.layers.1.self_attn.q_proj.weight", 3, 0.5),
        ("h.1.mlp.c_fc.weight", 2, 1.0),
        ("layers.0.attn.Wqkv.weight", 1, 1.0),
        ("embeddings.LayerNorm.weight", 6, 0.0),
        ("model.embed_tokens.weight", 6, 0.0),
        ("wte.weight", 6, 0.0),
        ("model.norm.weight", 6, 1.0),
        ("classifier.weight", 6, 1.0),
        ("1_Dense/linear.weight", 6, 1.0),
    ],
)
def test_depth_of_a_tensor(name, layers, expected):
    assert depth_of(name, layers) == expected
