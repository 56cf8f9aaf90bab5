"""Heads of safetensors files: what is there, and every way in which a file can be damaged."""

import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from accord.core.errors import ModelError
from accord.merging.weight_files import read_weights


def write(path, head, data=b""):
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def row(start, stop, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def test_places_are_those_of_safetensors(tmp_path):
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.arange(3), "c": torch.zeros(2, dtype=torch.bfloat16)}
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    found = read_weights(tmp_path)
    data = (tmp_path / "model.safetensors").read_bytes()
    assert {name: (one.dtype, one.shape, one.is_float) for name, one in found.items()} == {
        "a": ("F32", (2, 3), True),
        "b": ("I64", (3,), False),
        "c": ("BF16", (2,), True),
    }
    for name, tensor in tensors.items():
        one = found[name]
        assert data[one.start : one.start + one.bytes] == tensor.flatten().view(torch.uint8).numpy().tobytes()


def test_shards_are_one_model(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "one.safetensors")
    save_file({"b": torch.zeros(3)}, tmp_path / "two.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    assert {name: one.path.name for name, one in read_weights(tmp_path).items()} == {
        "a": "one.safetensors",
        "b": "two.safetensors",
    }
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "c": "two.safetensors"}}))
    with pytest.raises(ModelError, match=r"two.safetensors lacks `c`"):
        read_weights(tmp_path)
    save_file({"a": torch.zeros(2)}, tmp_path / "two.safetensors")
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    with pytest.raises(ModelError, match="`a` stands in two shards"):
        read_weights(tmp_path)
    index.write_text(json.dumps({"weight_map": {}}))
    with pytest.raises(ModelError, match="has no `weight_map`"):
        read_weights(tmp_path)
    index.write_text(json.dumps({"weight_map": {"a": "gone.safetensors"}}))
    with pytest.raises(ModelError, match=r"gone.safetensors is missing"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    ("head", "data", "message"),
    [
        (b"{{", b"", "its head is no JSON"),
        ({}, b"", "holds no tensors"),
        ([], b"", "holds no tensors"),
        ({"a": {"dtype": "F32"}}, b"", "does not describe `a`"),
        ({"a": row(0, 8, [3])}, b"12345678", "has 8 bytes for the shape"),
        ({"a": row(0, 8, [2])}, b"1234", "only half written"),
        ({"a": row(0, 8, [2])}, b"123456789", "head promises"),
        ({"a": row(4, 12, [2])}, b"123456789012", "does not begin where"),
        ({"a": row(0, 1, [1], "F4")}, b"1", "of the type F4"),
        (b'{"a": 1, "a": 2}', b"", "`a` stands twice"),
    ],
)
def test_damage_is_named(tmp_path, head, data, message):
    write(tmp_path / "model.safetensors", head, data)
    with pytest.raises(ModelError, match=message):
        read_weights(tmp_path)


def test_missing_pickled_and_cut_files_are_refused(tmp_path):
    with pytest.raises(ModelError, match="is missing"):
        read_weights(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match="is a pickle"):
        read_weights(tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(100)}, path)
    whole = path.read_bytes()
    for length in (0, 4, 20, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="half written"):
            read_weights(tmp_path)
