"""The writer of safetensors: piece by piece, in any order, what the library writes at once."""

import errno
import json
import os
import struct

import pytest
import torch
from safetensors.torch import load_file

from accord.merging.weight_files import read_weights
from accord.merging.writer import WeightsWriter

TENSORS = {
    "wide": torch.arange(35.0).view(7, 5),
    "half": torch.arange(6).to(torch.bfloat16),
    "whole": torch.arange(3),
    "scalar": torch.tensor(2.5),
    "none": torch.zeros(0, 4),
}
CODES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.int64: "I64"}


def write(path, order, step):
    with WeightsWriter(path, {name: (CODES[t.dtype], tuple(t.shape)) for name, t in TENSORS.items()}) as writer:
        for name in order:
            flat = TENSORS[name].reshape(-1)
            for first in reversed(range(0, len(flat), step)):
                writer.write(name, first, flat[first : first + step])


@pytest.mark.parametrize("step", [1, 4, 100])
def test_pieces_in_any_order_are_the_tensors(tmp_path, step):
    write(tmp_path / "model.safetensors", sorted(TENSORS), step)
    found = load_file(tmp_path / "model.safetensors")
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)
    assert read_weights(tmp_path).keys() == TENSORS.keys()


def test_numbers_are_aligned_and_the_format_is_named(tmp_path):
    path = tmp_path / "model.safetensors"
    write(path, TENSORS, 3)
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    assert head.pop("__metadata__") == {"format": "pt"}
    sizes = {"F32": 4, "BF16": 2, "I64": 8}
    assert all(row["data_offsets"][0] % sizes[row["dtype"]] == 0 for row in head.values())


def test_nothing_is_written_over(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"x")
    with pytest.raises(FileExistsError):
        WeightsWriter(path, {"a": ("F32", (1,))})


def test_what_the_disk_refuses_meanwhile_is_told_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("accord.merging.writer.FORCED", 16)
    real, calls = os.fsync, []

    def refusing(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            raise OSError(errno.EIO, "the disk is ill")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", refusing)
    with pytest.raises(OSError, match="the disk is ill"):  # noqa: SIM117 -- the writer is what raises
        with WeightsWriter(tmp_path / "model.safetensors", {"a": ("F32", (8,))}) as writer:
            writer.write("a", 0, torch.zeros(8))
    assert len(calls) == 1


def test_pieces_are_forced_while_others_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr("accord.merging.writer.FORCED", 16)
    real, calls = os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append(descriptor) or real(descriptor))
    write(tmp_path / "model.safetensors", TENSORS, 4)
    assert len(calls) > 1
    found = load_file(tmp_path / "model.safetensors")
    torch.testing.assert_close(found["wide"], TENSORS["wide"], rtol=0, atol=0)
