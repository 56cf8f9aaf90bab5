"""Merge files: what is read, and what is refused with which words."""

import pytest

from accord.core.errors import InputError
from accord.merging.config import parse_merge, read_merge

TWO = {"merge_method": "linear", "models": [{"model": "a"}, {"model": "b"}]}


def refusal(value, **changes):
    with pytest.raises(InputError) as caught:
        parse_merge([{**value, **changes}], origin="m.yaml")
    return str(caught.value)


def test_keys_of_mergekit_are_read(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(
        "merge_method: slerp\nbase_model: a\ndtype: torch.bfloat16\ntokenizer_source: base\n"
        "slices:\n- sources:\n  - {model: a, layer_range: [0, 6]}\n  - {model: b, layer_range: [0, 6]}\n"
        "  parameters: {t: [0, 1]}\nparameters: {int8_mask: true}\n---\n"
        "merge_method: ties\nname: second\nmodels: [{model: x, parameters: {weight: 1}}]\nout_dtype: float16\n",
        encoding="utf-8",
    )
    first, second = read_merge(path)
    assert [entry.model for entry in first.entries] == ["a", "b"]
    assert (first.base, first.layers, first.dtype_out) == ("a", (0, 6), "bfloat16")
    assert first.common == {"int8_mask": True, "t": [0, 1]}
    assert (second.name, second.dtype_out, second.layers) == ("second", "float16", None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"merge_metod": "x"}, "unknown key `merge_metod`. Did you mean `merge_method`?"),
        ({"normalize": True}, "unknown key `normalize`. Put `normalize` under `parameters`."),
        ({"models": [{"model": "a", "wheight": 1}]}, "unknown key `models.0.wheight`"),
        ({"chat_template": "auto"}, "`chat_template` is not supported: encoders do not chat"),
        ({"modules": {}}, "`modules` is not supported"),
        ({"experts": []}, "`experts` is not supported: mixtures of experts"),
        ({"gate_mode": "hidden"}, "`gate_mode` is not supported"),
        ({"tokenizer_source": "union"}, "only `base` is supported"),
        ({"tokenizer": {"source": "union"}}, "only `base` is supported"),
        ({"tokenizer": {"source": "base", "tokens": {}}}, "`tokenizer.tokens` is not supported"),
        ({"dtype": "int8"}, "`dtype`: input should be 'float32', 'float16' or 'bfloat16'. Got 'int8'"),
        ({"scope": "layer"}, "`scope`"),
        ({"name": "a/b"}, "`name`"),
        ({"models": []}, "`models`"),
        ({"models": [{"parameters": {}}]}, "`models.0.model` is missing"),
        ({"parameters": {"weight": [{"filter": "a", "value": 1}]}}, "`parameters`: `weight`: a filter list ends"),
        ({"slices": [{"sources": [{"model": "a", "layer_range": [0, 2]}]}]}, "either `models` or `slices`"),
        ({"models": None}, "either `models` or `slices`"),
    ],
)
def test_what_cannot_mean_anything_is_refused(changes, message):
    assert message in refusal(TWO, **changes)
    assert refusal(TWO, **changes).startswith("m.yaml: ")


def test_several_slices_and_ranges_are_refused():
    source = {"model": "a", "layer_range": [0, 2]}
    stacked = {"merge_method": "linear", "slices": [{"sources": [source]}, {"sources": [source]}]}
    assert "stack layers" in refusal(stacked)
    uneven = {"merge_method": "linear", "slices": [{"sources": [source, {"model": "b", "layer_range": [1, 3]}]}]}
    assert "one `layer_range`" in refusal(uneven)


def test_documents_of_one_name_and_files_without_any_are_refused(tmp_path):
    with pytest.raises(InputError, match="two documents have the name `x`"):
        parse_merge([{**TWO, "name": "x"}, {**TWO, "name": "x"}], origin="m.yaml")
    with pytest.raises(InputError, match="document 2: `merge_method` is missing"):
        parse_merge([TWO, {"models": [{"model": "a"}]}], origin="m.yaml")
    with pytest.raises(InputError, match="is empty"):
        parse_merge([], origin="m.yaml")
    with pytest.raises(InputError, match="must hold a mapping"):
        parse_merge(["linear"], origin="m.yaml")
    with pytest.raises(InputError, match="There is no merge file"):
        read_merge(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "- {x"])
def test_damaged_yaml_is_refused(tmp_path, text):
    path = tmp_path / "m.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is not valid YAML"):
        read_merge(path)
